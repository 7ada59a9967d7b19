// What pages of climbs have in common: the bound and its terms, and what was asked.
#pragma once

#include "fathom/report/page.h"

namespace fathom {

// From the lines of metrics.jsonl and summary.json `s`, where figures are per `unit`; `kind` is
// what was climbed: "ELBO".
void add_curves(const std::vector<nlohmann::json>& metrics, const nlohmann::json& s,
                const std::string& kind, const std::string& unit, Page& page);
void add_terms(const nlohmann::json& s, const std::string& kind, const std::string& unit,
               Page& page);
// From config.json.
void add_settings(const nlohmann::json& config, Page& page);

}  // namespace fathom
