// A run of a VAE as one self-contained page: style, curves and pictures are in the file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fathom/report/page.h"

namespace fathom {

struct VaePage {
  std::string source;                                      // the data's name
  std::string model;                                       // in words
  nlohmann::json summary;                                  // as in summary.json
  std::vector<nlohmann::json> metrics;                     // as in metrics.jsonl
  std::vector<std::pair<std::string, std::string>> asked;  // settings, for the table
  std::vector<PagePicture> pictures;
  std::vector<Point> codes;         // posterior means in the plane
  std::vector<std::string> groups;  // labels of the codes
};

std::string vae_page(const VaePage& page);

}  // namespace fathom
