#include "fathom/report/coefficients.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fathom/report/svg_impl.h"

namespace fathom {

using namespace svg;

namespace {

// Room for the longest of these names, in pixels.
double room_for(const std::vector<std::string>& names) {
  std::size_t longest = 0;
  for (const std::string& n : names) longest = std::max(longest, n.size());
  return std::min(20 + 7.2 * double(longest), 260.0);
}

std::string shortened(const std::string& name) {
  return name.size() > 33 ? fmt::format("{}...", name.substr(0, 30)) : name;
}

}  // namespace

std::string svg_heat(const HeatMap& map, double width) {
  const std::size_t rows = map.rows.size(), columns = map.columns.size();
  if (rows == 0 || columns == 0) return {};
  const double left = room_for(map.rows), top = 24, line = rows > 40 ? 14 : 24;
  const double cell = std::min(96.0, (width - left - kRight) / double(columns));
  const double high = top + line * double(rows) + 8;
  std::string s = open_svg(width, high, "heat map");  // few columns leave room at the right
  double most = 1e-300;
  for (const double v : map.values) most = std::max(most, std::abs(v));
  const bool text = cell >= 44 && line >= 20;
  for (std::size_t j = 0; j < columns; ++j) {
    const double x = left + cell * double(j);
    if (cell >= 20 || j % std::size_t(std::ceil(20 / cell)) == 0)
      s += text_at(x + cell / 2, top - 8, "middle", map.columns[j]);
    for (std::size_t i = 0; i < rows; ++i) {
      const double v = map.values[i * columns + j], y = top + line * double(i);
      s += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\" "
          "fill-opacity=\"{:.3f}\"/>",
          x + 0.5, y + 0.5, cell - 1, line - 1, v < 0 ? "var(--b)" : "var(--a)",
          0.06 + 0.74 * std::abs(v) / most);
      if (text)
        s += fmt::format(
            "<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.2f}</text>\n",
            x + cell / 2, y + line / 2 + 4, v);
    }
  }
  for (std::size_t i = 0; i < rows; ++i)
    s += text_at(left - 8, top + line * (double(i) + 0.5) + 4, "end", shortened(map.rows[i]));
  return s + "</svg>\n";
}

std::string svg_intervals(const std::vector<NamedInterval>& intervals, const std::string& x_label,
                          double width) {
  if (intervals.empty()) return {};
  std::vector<std::string> names;
  double low = 0, high = 0;
  for (const NamedInterval& i : intervals) {
    names.push_back(shortened(i.name));
    low = std::min(low, i.low);
    high = std::max(high, i.high);
  }
  const double pad = std::max((high - low) * 0.04, 1e-12), left = room_for(names), line = 24,
               floor = 8 + line * double(intervals.size());
  const Scale x{low - pad, high + pad, left, width - kRight};
  std::string s = open_svg(width, floor + 44, "intervals of " + x_label);
  s += fmt::format(
      "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"4\" y2=\"{1:.1f}\" "
      "stroke-width=\"2\"/>\n",
      x.at(0), floor);
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const NamedInterval& v = intervals[i];
    const double y = 8 + line * (double(i) + 0.5);
    const char* color = v.pale ? "var(--pale)" : "var(--a)";
    s += text_at(left - 10, y + 4, "end", names[i]);
    s += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
        "stroke-width=\"3\" stroke-linecap=\"round\"/><circle cx=\"{:.1f}\" cy=\"{:.1f}\" "
        "r=\"5\" fill=\"{}\"/>\n",
        x.at(v.low), x.at(v.high), y, y, color, x.at(v.middle), y, color);
  }
  return s + x_ticks(x, floor, 7) +
         text_at((left + width - kRight) / 2, floor + 38, "middle", x_label) + "</svg>\n";
}

}  // namespace fathom
