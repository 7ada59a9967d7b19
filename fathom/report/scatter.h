// Points of a plane with ellipses over them, and histograms with densities, as inline SVG.
#pragma once

#include <string>
#include <vector>

#include "fathom/report/svg.h"

namespace fathom {

// Where two standard deviations of a gaussian end.
struct Ellipse {
  double x = 0, y = 0;            // its mean
  double xx = 1, xy = 0, yy = 1;  // its covariance
  int group = 0;                  // colour
  std::string name;               // written at the mean
  bool pale = false;              // stands back, and does not widen the frame
};

struct Scatter {
  std::vector<Point> points;
  std::vector<Ellipse> ellipses;
  std::size_t groups = 0;           // colours
  std::vector<std::string> legend;  // names of groups; empty: none is shown
  std::string x_label, y_label;
  bool diagonal = false;  // the line of equal values
};
std::string svg_scatter(const Scatter& scatter, ChartSize frame = {940, 520});

// A density at the points of a grid.
struct DensityCurve {
  std::string name, color;
  std::vector<double> y;
};
struct Histogram {
  std::vector<double> values;
  std::vector<double> grid;  // where densities are given
  std::vector<DensityCurve> densities;
  std::string x_label;
};
std::string svg_histogram(const Histogram& histogram, ChartSize frame = {940, 360});

// The grid of a histogram of these values: evenly from the least to the greatest.
std::vector<double> histogram_grid(const std::vector<double>& values, std::size_t points);

// The colour of a group, as in a scatter.
std::string color_of_group(int group, std::size_t groups);

// Groups of rows with one label: their names in order, and the group of each row. False where there
// are fewer than two or more than twelve.
bool group_labels(const std::vector<std::string>& labels, std::vector<std::string>& names,
                  std::vector<int>& of);

}  // namespace fathom
