// Series along their rows, over bands of the colour of a state.
#pragma once

#include <string>
#include <vector>

#include "fathom/report/svg.h"

namespace fathom {

struct SeriesPanel {
  std::string name;
  std::vector<double> y;  // of each row; NaN leaves a gap
};

struct StateSeries {
  std::vector<SeriesPanel> panels;  // one below the other
  std::vector<int> state;           // of each row, from 0
  std::vector<std::size_t> begins;  // rows at which another sequence begins
  std::vector<std::string> names;   // of states
  std::string x_label = "row";
};

std::string svg_states(const StateSeries& series, double width = 940);

}  // namespace fathom
