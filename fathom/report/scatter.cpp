#include "fathom/report/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "fathom/report/svg_impl.h"

namespace fathom {

using namespace svg;

namespace {

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double v) {
    if (!std::isfinite(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  void pad(double part) {
    if (!(high >= low)) low = high = 0;
    const double by = high > low ? (high - low) * part : std::max(1.0, std::abs(high)) * part;
    low -= by;
    high += by;
  }
};

// Dots of one colour as one path of points.
std::string dots(const Scatter& s, const Scale& x, const Scale& y) {
  std::map<int, std::string> paths;
  for (const Point& p : s.points)
    if (std::isfinite(p.x) && std::isfinite(p.y))
      fmt::format_to(std::back_inserter(paths[p.group]), "M{:.1f} {:.1f}h0", x.at(p.x), y.at(p.y));
  std::string out;
  for (const auto& [group, path] : paths)
    out += fmt::format("<path class=\"dots\" stroke=\"{}\" d=\"{}\"/>\n",
                       group_color(group, s.groups), path);
  return out;
}

// An ellipse is drawn by its axes on the page, where the two scales differ.
std::string ellipse(const Ellipse& e, std::size_t groups, const Scale& x, const Scale& y) {
  const double sx = (x.to - x.from) / (x.high - x.low), sy = (y.to - y.from) / (y.high - y.low);
  const double a = e.xx * sx * sx, b = e.xy * sx * sy, c = e.yy * sy * sy;
  const double middle = (a + c) / 2, half = std::hypot((a - c) / 2, b);
  const double angle = 0.5 * std::atan2(2 * b, a - c) * 180 / std::numbers::pi;
  const std::string color = group_color(e.group, groups);
  return fmt::format(
      "<ellipse class=\"ellipse{}\" transform=\"translate({:.1f} {:.1f}) rotate({:.2f})\" "
      "rx=\"{:.1f}\" ry=\"{:.1f}\" stroke=\"{}\" fill=\"{}\"/>\n",
      e.pale ? " empty" : "", x.at(e.x), y.at(e.y), angle, 2 * std::sqrt(middle + half),
      2 * std::sqrt(std::max(middle - half, 0.0)), color, color);
}

std::string marked(double x, double y, const std::string& text) {
  return fmt::format(
      "<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x, y + 4,
      escape_html(text));
}

}  // namespace

std::string svg_scatter(const Scatter& s, ChartSize f) {
  Range across, up;
  for (const Point& p : s.points) {
    across.add(p.x);
    up.add(p.y);
  }
  for (const Ellipse& e : s.ellipses) {
    if (e.pale && !s.points.empty()) continue;
    for (const double side : {-2.0, 2.0}) {
      across.add(e.x + side * std::sqrt(e.xx));
      up.add(e.y + side * std::sqrt(e.yy));
    }
  }
  across.pad(0.03);
  up.pad(0.04);
  const double floor = f.height - kBottom;
  const Scale x{across.low, across.high, kLeft, f.width - kRight}, y{up.low, up.high, floor, kTop};
  double height = f.height;
  const std::string names = legend(s.legend, f.height, f.width - kRight, &height);
  std::string out = open_svg(f.width, height, s.x_label + " and " + s.y_label) +
                    axes(y, s.x_label, f) + x_ticks(x, floor, int(f.width / 75));
  out += text_at(8, 16, "start", s.y_label);
  out += fmt::format(
      "<svg x=\"{0:g}\" y=\"{1:g}\" width=\"{2:g}\" height=\"{3:g}\" viewBox=\"{0:g} {1:g} {2:g} "
      "{3:g}\">\n",
      kLeft, kTop - 8, f.width - kRight - kLeft, floor - kTop + 8);  // an inner frame clips
  if (s.diagonal) {
    const double low = std::max(x.low, y.low), high = std::min(x.high, y.high);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke-width=\"2\"/>\n",
        x.at(low), y.at(low), x.at(high), y.at(high));
  }
  out += dots(s, x, y);
  for (const Ellipse& e : s.ellipses) out += ellipse(e, s.groups, x, y);
  for (const Ellipse& e : s.ellipses)
    if (!e.pale && !e.name.empty()) out += marked(x.at(e.x), y.at(e.y), e.name);
  return out + "</svg>\n" + names + "</svg>\n";
}

std::vector<double> histogram_grid(const std::vector<double>& values, std::size_t points) {
  Range r;
  for (double v : values) r.add(v);
  r.pad(0.04);
  std::vector<double> grid;
  for (std::size_t i = 0; i < points; ++i)
    grid.push_back(r.low + (r.high - r.low) * double(i) / double(points - 1));
  return grid;
}

std::string svg_histogram(const Histogram& h, ChartSize f) {
  if (h.grid.size() < 2) return {};
  const double low = h.grid.front(), high = h.grid.back(), floor = f.height - kBottom;
  // Twice the Freedman-Diaconis count for normal values, by the cube root alone.
  const auto bins = std::size_t(
      std::clamp(4 * std::cbrt(double(std::max<std::size_t>(h.values.size(), 1))), 8.0, 60.0));
  std::vector<double> heights(bins, 0);
  const double wide = (high - low) / double(bins);
  for (double v : h.values)
    heights[std::min(bins - 1, std::size_t(std::max(0.0, (v - low) / wide)))] +=
        1 / (double(h.values.size()) * wide);
  double top = 1e-300;
  for (double v : heights) top = std::max(top, v);
  for (const DensityCurve& c : h.densities)
    for (double v : c.y)
      if (std::isfinite(v))
        top = std::max(top, std::min(v, 4 * *std::max_element(heights.begin(), heights.end())));
  const Scale x{low, high, kLeft, f.width - kRight}, y{0, top * 1.05, floor, kTop};
  std::string s = open_svg(f.width, f.height, "histogram of " + h.x_label) + axes(y, h.x_label, f) +
                  x_ticks(x, floor, int(f.width / 75));
  for (std::size_t i = 0; i < bins; ++i) {
    const double left = x.at(low + double(i) * wide);
    s += fmt::format(
        "<rect class=\"bar pale\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>",
        left + 0.5, y.at(heights[i]), x.at(low + double(i + 1) * wide) - left - 1,
        floor - y.at(heights[i]));
  }
  double at = kLeft;
  for (const DensityCurve& c : h.densities) {
    std::string points;
    for (std::size_t i = 0; i < std::min(c.y.size(), h.grid.size()); ++i)
      if (std::isfinite(c.y[i]))
        points += fmt::format("{:.1f},{:.1f} ", x.at(h.grid[i]), std::max(y.at(c.y[i]), kTop));
    s += fmt::format("<polyline class=\"curve\" stroke=\"{}\" points=\"{}\"/>\n", c.color, points);
    s += fmt::format(
        "<rect x=\"{:.1f}\" y=\"10\" width=\"16\" height=\"3\" rx=\"1.5\" fill=\"{}\"/>", at,
        c.color);
    s += text_at(at + 22, 16, "start", c.name);
    at += 44 + 7 * double(c.name.size());
  }
  return s + "</svg>\n";
}

std::string color_of_group(int group, std::size_t groups) { return group_color(group, groups); }

bool group_labels(const std::vector<std::string>& labels, std::vector<std::string>& names,
                  std::vector<int>& of) {
  std::map<std::string, int> groups;
  for (const std::string& l : labels) {
    groups.emplace(l, 0);
    if (groups.size() > 12) return false;
  }
  if (groups.size() < 2) return false;
  int next = 0;
  for (auto& [name, group] : groups) {
    group = next++;
    names.push_back(name);
  }
  for (const std::string& l : labels) of.push_back(groups[l]);
  return true;
}

}  // namespace fathom
