#include "fathom/report/series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fathom/report/svg_impl.h"

namespace fathom {

using namespace svg;

namespace {

constexpr double kBandPanel = 150, kBandGap = 28;

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

std::string path_of(const std::vector<double>& y, std::size_t first, std::size_t last,
                    const Scale& across, const Scale& up) {
  std::string d;
  for (std::size_t i = first; i < last; ++i)
    d += fmt::format("{}{:.2f} {:.1f}", i == first ? "M" : "L", across.at(double(i) + 1),
                     up.at(y[i]));
  return d;
}

std::string panel_of(const BandPanel& p, const BandSeries& s, const Scale& x, const Scale& y) {
  std::string out;
  if (!p.low.empty())
    each_stretch(p.low, s.begins, [&](std::size_t first, std::size_t last) {
      std::string d = path_of(p.high, first, last, x, y);
      for (std::size_t i = last; i-- > first;)
        d += fmt::format("L{:.2f} {:.1f}", x.at(double(i) + 1), y.at(p.low[i]));
      out += fmt::format("<path d=\"{}Z\" fill=\"var(--a)\" fill-opacity=\"0.2\"/>", d);
    });
  each_stretch(p.seen, s.begins, [&](std::size_t first, std::size_t last) {
    out += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"var(--ink)\" stroke-opacity=\"0.35\" "
        "stroke-width=\"1\"/>",
        path_of(p.seen, first, last, x, y));
  });
  if (s.rows <= 400)
    for (std::size_t i = 0; i < p.seen.size(); ++i)
      if (std::isfinite(p.seen[i]))
        out += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.1f}\" r=\"1.8\" fill=\"var(--ink)\"/>",
                           x.at(double(i) + 1), y.at(p.seen[i]));
  each_stretch(p.mid, s.begins, [&](std::size_t first, std::size_t last) {
    out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"var(--a)\" stroke-width=\"1.8\"/>",
                       path_of(p.mid, first, last, x, y));
  });
  return out;
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
    double low = INFINITY, high = -INFINITY;
    for (const auto* v : {&p.seen, &p.mid, &p.low, &p.high})
      for (const double at : *v)
        if (std::isfinite(at)) {
          low = std::min(low, at);
          high = std::max(high, at);
        }
    if (!(low < high)) {
      low = std::isfinite(low) ? low - 1 : 0;
      high = low + 2;
    }
    const Scale y{low - 0.05 * (high - low), high + 0.05 * (high - low), bottom, top};
    const double step = nice_step(y.high - y.low, 4);
    for (double v = std::ceil(y.low / step) * step; v <= y.high; v += step)
      out += fmt::format(
                 "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
                 kLeft, width - kRight, y.at(v), y.at(v)) +
             text_at(kLeft - 8, y.at(v) + 4, "end",
                     fmt::format("{:g}", std::abs(v) < 1e-9 * step ? 0.0 : v));
    std::vector<double> cuts;
    for (const std::size_t b : s.begins)
      if (b > 0) cuts.push_back(double(b));
    if (s.ahead > 0) cuts.push_back(double(s.rows - s.ahead));
    for (const double c : cuts)
      out += fmt::format(
          "<line x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" "
          "stroke=\"var(--ink)\" stroke-opacity=\"0.4\" stroke-dasharray=\"3 3\"/>",
          x.at(c + 0.5), top, bottom);
    out += panel_of(p, parts, x, y) + text_at(kLeft, top - 7, "start", p.name);
  }
  out +=
      x_ticks(x, floor, 8) + text_at((kLeft + width - kRight) / 2, floor + 36, "middle", s.x_label);
  return out + "</svg>";
}

}  // namespace fathom
