// The verbs: each runs one job and shows what came of it. They return the exit code.
#pragma once

#include <nlohmann/json.hpp>

#include "fathom/jobs/fit_vae.h"
#include "fathom/jobs/look.h"
#include "fathom/jobs/report_vae.h"
#include "fathom/jobs/use_vae.h"

namespace fathom::cli {

inline double number(const nlohmann::json& j, const char* key) { return j.at(key).get<double>(); }

inline constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells have it

// From here on the first Ctrl-C asks to stop cleanly, the second ends the program.
void catch_interrupts();
bool interrupted();
void release_interrupts();  // the next one ends the program at once

void print_json(const nlohmann::json& object);
void print_verdict(const nlohmann::json& summary);

int fit_vae_command(const FitVaeConfig& config, bool json);
int evaluate_command(const EvaluateVaeConfig& config, bool json);
int sample_command(const SampleVaeConfig& config, bool json);

using MapVerb = RowsFile (*)(const MapVaeConfig&, const Progress&);
int map_command(MapVerb verb, const char* doing, const MapVaeConfig& config, bool json);

int report_command(const ReportVaeConfig& config, bool json);
int info_command(const std::string& path, bool json);
int plan_command(const PlanVaeConfig& config, bool dot);

}  // namespace fathom::cli
