// Small pictures for pages: curves, bars and points as inline SVG. Colours are classes or variables
// of the page's style sheet, so that they follow light and dark.
#pragma once

#include <string>
#include <vector>

namespace fathom {

struct Curve {
  std::string name, color;
  std::vector<double> y{};  // NaN is passed over
  std::vector<double> x{};  // rising, 1 or more; where it is empty 1, 2, 3, ...
  double place(std::size_t i) const { return x.empty() ? double(i + 1) : x[i]; }
};

// How large a picture is meant to be shown, in pixels of the page: letters keep their size.
struct ChartSize {
  double width = 940, height = 300;
};

// Curves over a common axis, with ticks and a legend. The steep first tenth may leave the frame, so
// that the rest can be read.
std::string svg_curves(const std::vector<Curve>& curves, const std::string& x_label,
                       ChartSize frame = {});

// One vertical bar each, with its name below; pale ones stand back.
struct Bar {
  std::string name;
  double height = 0;
  bool pale = false;
};
std::string svg_bars(const std::vector<Bar>& bars, const std::string& x_label,
                     ChartSize frame = {});

// Points in the plane, coloured by group: index into `groups`, or -1 for none. Square, with the
// unit and two-unit circles of a standard normal behind them.
struct Point {
  double x = 0, y = 0;
  int group = -1;
};
std::string svg_points(const std::vector<Point>& points, const std::vector<std::string>& groups);

// An inline picture as a file of its own, with the colours of light pages.
std::string svg_file(const std::string& picture);

std::string escape_html(const std::string& text);
std::string base64(const std::string& bytes);

}  // namespace fathom
