// Series along their rows with what a model makes of them: a line and its band, and how both go on.
#pragma once

#include <string>
#include <vector>

#include "fathom/report/svg.h"

namespace fathom {

// All of one length, or empty; NaN leaves a gap.
struct BandPanel {
  std::string name;
  std::vector<double> seen;  // drawn as points, which a line joins
  std::vector<double> mid, low, high;
};

struct BandSeries {
  std::vector<BandPanel> panels;    // one below the other
  std::vector<std::size_t> begins;  // rows at which another sequence begins
  std::size_t rows = 0, ahead = 0;  // the last `ahead` of the rows lie behind the data
  std::size_t before = 0;           // rows before the first, for the numbers below the axis
  std::string x_label = "row";
};

std::string svg_bands(const BandSeries& series, double width = 940);

}  // namespace fathom
