#include "fathom/report/series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fathom/report/svg_impl.h"

namespace fathom {

using namespace svg;

namespace {

constexpr double kBandPanel = 150, kBandGap = 28;
constexpr std::size_t kPoints = 400;  // rows that are drawn as points, too

// Runs of numbers within one sequence: f(first, last).
template <class F>
void each_stretch(const std::vector<double>& y, const std::vector<std::size_t>& begins, F&& f) {
  for (std::size_t first = 0; first < y.size();) {
    if (!std::isfinite(y[first])) {
      ++first;
      continue;
    }
    std::size_t last = first + 1;
    while (last < y.size() && std::isfinite(y[last]) &&
           std::find(begins.begin(), begins.end(), last) == begins.end())
      ++last;
    f(first, last);
    first = last;
  }
}

// Lines, points and bands of a panel.
std::string panel_of(const BandPanel& p, const BandSeries& s, const Scale& x, const Scale& y) {
  std::string out;
  each_stretch(p.low, s.begins, [&](std::size_t first, std::size_t last) {
    std::string d;
    const auto to = [&](std::size_t i, double v) {
      d += fmt::format("{}{:.2f} {:.1f}", d.empty() ? "M" : "L", x.at(double(i) + 1), y.at(v));
    };
    for (std::size_t i = first; i < last; ++i) to(i, p.high[i]);
    for (std::size_t i = last; i-- > first;) to(i, p.low[i]);
    out += fmt::format("<path d=\"{}Z\" fill=\"var(--a)\" fill-opacity=\"0.2\"/>", d);
  });
  out += fmt::format(
      "<path d=\"{}\" fill=\"none\" stroke=\"var(--ink)\" stroke-opacity=\"0.35\" "
      "stroke-width=\"1\"/>",
      way_through(p.seen, s.begins, x, y));
  for (std::size_t i = 0; i < p.seen.size() && s.rows <= kPoints; ++i)
    if (std::isfinite(p.seen[i]))
      out += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.1f}\" r=\"1.8\" fill=\"var(--ink)\"/>",
                         x.at(double(i) + 1), y.at(p.seen[i]));
  return out +
         fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"var(--a)\" stroke-width=\"1.8\"/>",
                     way_through(p.mid, s.begins, x, y));
}

}  // namespace

std::string svg_bands(const BandSeries& s, double width) {
  const double height =
                   kTop + double(s.panels.size()) * (kBandPanel + kBandGap) + kBottom - kBandGap,
               floor = height - kBottom;
  std::string out = open_svg(width, height, "series with bands");
  BandSeries parts = s;  // what lies ahead is drawn apart
  if (s.ahead > 0) parts.begins.push_back(s.rows - s.ahead);
  const auto n = double(s.rows);
  const Scale x{0.5, n + 0.5, kLeft, width - kRight};
  for (std::size_t k = 0; k < s.panels.size(); ++k) {
    const BandPanel& p = s.panels[k];
    const double top = kTop + double(k) * (kBandPanel + kBandGap), bottom = top + kBandPanel;
    const Scale y = panel_scale({&p.seen, &p.mid, &p.low, &p.high}, bottom, top);
    out += y_ticks(y, 4, width - kRight);
    for (const std::size_t cut : parts.begins)
      out += fmt::format(
          "<line x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" "
          "stroke=\"var(--ink)\" stroke-opacity=\"0.4\" stroke-dasharray=\"3 3\"/>",
          x.at(double(cut) + 0.5), top, bottom);
    out += panel_of(p, parts, x, y) + text_at(kLeft, top - 7, "start", p.name);
  }
  const auto before = double(s.before);
  const Scale numbers{before + 0.5, before + n + 0.5, kLeft, width - kRight};
  out += x_ticks(numbers, floor, 8) +
         text_at((kLeft + width - kRight) / 2, floor + 36, "middle", s.x_label);
  return out + "</svg>";
}

}  // namespace fathom
