// Numbers with names as pictures: a matrix as a heat map, quantities with their intervals.
#pragma once

#include <string>
#include <vector>

#include "fathom/report/svg.h"

namespace fathom {

// values[row * columns + column]; the colour of a cell is its sign, its strength its size beside
// the largest of all. Numbers are written with two decimals.
struct HeatMap {
  std::vector<std::string> rows, columns;
  std::vector<double> values;
};
std::string svg_heat(const HeatMap& map, double width = 940);

// One line each from `low` to `high` with a point at `middle`; pale ones stand back.
struct NamedInterval {
  std::string name;
  double low = 0, middle = 0, high = 0;
  bool pale = false;
};
// Zero is marked where it lies within the frame.
std::string svg_intervals(const std::vector<NamedInterval>& intervals, const std::string& x_label,
                          double width = 940);

}  // namespace fathom
