#include "fathom/report/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fathom/report/svg_impl.h"

namespace fathom {

using namespace svg;

namespace {

constexpr double kPanel = 130, kGap = 26;

// Rectangles behind the rows of each state, one for each run of it.
std::string bands(const StateSeries& s, const Scale& x, double top, double bottom) {
  std::string out;
  for (std::size_t first = 0; first < s.state.size();) {
    std::size_t last = first + 1;
    while (last < s.state.size() && s.state[last] == s.state[first]) ++last;
    out += fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" fill=\"{}\" "
        "fill-opacity=\"0.28\"/>",
        x.at(double(first) + 0.5), top, x.at(double(last) + 0.5) - x.at(double(first) + 0.5),
        bottom - top, group_color(s.state[first], s.names.size()));
    first = last;
  }
  return out;
}

}  // namespace

std::string svg_states(const StateSeries& s, double width) {
  double height = kTop + double(s.panels.size()) * (kPanel + kGap) + kBottom - kGap;
  const double floor = height - kBottom;
  std::string names = legend(s.names, height, width, &height);
  std::string out = open_svg(width, height, "states along the rows");
  const auto n = double(s.state.size());
  const Scale x{0.5, n + 0.5, kLeft, width - kRight};
  for (std::size_t k = 0; k < s.panels.size(); ++k) {
    const SeriesPanel& p = s.panels[k];
    const double top = kTop + double(k) * (kPanel + kGap), bottom = top + kPanel;
    const Scale y = panel_scale({&p.y}, bottom, top);
    out += bands(s, x, top, bottom) + y_ticks(y, 3);
    for (const std::size_t b : s.begins)
      if (b > 0)
        out += fmt::format(
            "<line class=\"grid\" x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
            x.at(double(b) + 0.5), top, bottom);
    out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"var(--ink)\" stroke-width=\"1.1\"/>",
                       way_through(p.y, s.begins, x, y)) +
           text_at(kLeft, top - 7, "start", p.name);
  }
  out += x_ticks(x, floor, 8) +
         text_at((kLeft + width - kRight) / 2, floor + 36, "middle", s.x_label) + names;
  return out + "</svg>";
}

}  // namespace fathom
