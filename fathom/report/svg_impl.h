// What the pictures of this folder share: scales, axes, colours.
#pragma once

#include <string>

#include "fathom/report/svg.h"

namespace fathom::svg {

inline constexpr double kLeft = 56, kRight = 14, kTop = 30, kBottom = 42;  // margins of axes

// From values to places.
struct Scale {
  double low, high, from, to;
  double at(double v) const { return from + (v - low) / (high - low) * (to - from); }
};

// A step of 1, 2 or 5 times a power of ten that cuts `range` into about `wanted` parts.
double nice_step(double range, int wanted);
std::string text_at(double x, double y, const char* anchor, const std::string& text);
// Horizontal lines with their values, and the label below.
std::string axes(const Scale& y, const std::string& x_label, ChartSize f);
// Up a panel, so that all numbers of these lie in it, with a little room.
Scale panel_scale(const std::vector<const std::vector<double>*>& values, double bottom, double top);
// Values beside a panel, and lines across it to `right`; 0: none.
std::string y_ticks(const Scale& y, int wanted, double right = 0);
// The way through y at 1, 2, ..., as the d of a path: with gaps where there is no number, and
// before rows at which another sequence begins.
std::string way_through(const std::vector<double>& y, const std::vector<std::size_t>& begins,
                        const Scale& across, const Scale& up);
// Values along the bottom.
std::string x_ticks(const Scale& x, double floor, int wanted);
std::string open_svg(double width, double height, const std::string& label);
// Distinct hues, spread so that neighbours differ; readable on light and dark.
std::string group_color(int group, std::size_t groups);
// Names of groups with their colours in lines from `top`; `height` grows by what they take.
std::string legend(const std::vector<std::string>& groups, double top, double width,
                   double* height);

}  // namespace fathom::svg
