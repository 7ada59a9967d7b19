#include "fathom/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/report/svg_impl.h"

namespace fathom {

namespace svg {

double nice_step(double range, int wanted) {
  const double raw = range / wanted, power = std::pow(10.0, std::floor(std::log10(raw)));
  for (double f : {1.0, 2.0, 5.0})
    if (f * power >= raw) return f * power;
  return 10 * power;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escape_html(text));
}

std::string axes(const Scale& y, const std::string& x_label, ChartSize f) {
  std::string s;
  const double step = nice_step(y.high - y.low, 5);
  for (double v = std::ceil(y.low / step) * step; v <= y.high + 1e-9 * step; v += step) {
    s += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
        f.width - kRight, y.at(v), y.at(v));
    s += text_at(kLeft - 8, y.at(v) + 4, "end",
                 fmt::format("{:g}", std::abs(v) < 1e-9 * step ? 0.0 : v));
  }
  return s + text_at((kLeft + f.width - kRight) / 2, f.height - 6, "middle", x_label);
}

std::string open_svg(double width, double height, const std::string& label) {
  return fmt::format("<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n", width,
                     height, escape_html(label));
}

std::string group_color(int group, std::size_t groups) {
  if (group < 0) return "var(--a)";
  const double hue =
      std::fmod(double(group) * 360 / double(std::max<std::size_t>(groups, 1)) + 210, 360);
  return fmt::format("hsl({:.0f} 62% {}%)", hue, group % 2 == 0 ? 50 : 62);
}

Scale panel_scale(const std::vector<const std::vector<double>*>& values, double bottom,
                  double top) {
  double low = INFINITY, high = -INFINITY;
  for (const auto* all : values)
    for (const double v : *all)
      if (std::isfinite(v)) {
        low = std::min(low, v);
        high = std::max(high, v);
      }
  if (!(low < high)) {
    low = std::isfinite(low) ? low - 1 : 0;
    high = low + 2;
  }
  return {low - 0.05 * (high - low), high + 0.05 * (high - low), bottom, top};
}

std::string y_ticks(const Scale& y, int wanted, double right) {
  std::string out;
  const double step = nice_step(y.high - y.low, wanted);
  for (double v = std::ceil(y.low / step) * step; v <= y.high; v += step) {
    if (right > 0)
      out += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
          right, y.at(v), y.at(v));
    out += text_at(kLeft - 8, y.at(v) + 4, "end",
                   fmt::format("{:g}", std::abs(v) < 1e-9 * step ? 0.0 : v));
  }
  return out;
}

std::string way_through(const std::vector<double>& y, const std::vector<std::size_t>& begins,
                        const Scale& across, const Scale& up) {
  std::string d;
  bool pen = false;
  std::size_t next = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (next < begins.size() && begins[next] == i) {
      pen = false;
      ++next;
    }
    if (!std::isfinite(y[i])) {
      pen = false;
      continue;
    }
    d += fmt::format("{}{:.2f} {:.1f}", pen ? "L" : "M", across.at(double(i) + 1), up.at(y[i]));
    pen = true;
  }
  return d;
}

std::string x_ticks(const Scale& x, double floor, int wanted) {
  std::string s;
  const double step = nice_step(x.high - x.low, wanted);
  for (double v = std::ceil(x.low / step) * step; v <= x.high + 1e-9 * step; v += step)
    s += text_at(x.at(v), floor + 18, "middle",
                 fmt::format("{:g}", std::abs(v) < 1e-9 * step ? 0.0 : v));
  return s;
}

std::string legend(const std::vector<std::string>& groups, double top, double width,
                   double* height) {
  std::string s;
  double x = kLeft, y = top + 14;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const double wide = 30 + 7 * double(groups[i].size());
    if (x + wide > width && x > kLeft) {
      x = kLeft;
      y += 20;
    }
    s += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"{}\"/>", x, y - 4,
                     group_color(int(i), groups.size()));
    s += text_at(x + 9, y, "start", groups[i]);
    x += wide;
  }
  if (!groups.empty()) *height += y + 8 - top;
  return s;
}

}  // namespace svg

using namespace svg;

namespace {

// The range of the curves without their steep beginning.
void range_of(const std::vector<Curve>& curves, double* low, double* high) {
  for (const Curve& c : curves) {
    const std::size_t skip = c.y.size() >= 5 ? std::max<std::size_t>(1, c.y.size() / 10) : 0;
    for (std::size_t i = skip; i < c.y.size(); ++i) {
      if (!std::isfinite(c.y[i])) continue;
      *low = std::min(*low, c.y[i]);
      *high = std::max(*high, c.y[i]);
    }
  }
}

// Names with their colours: in a line above the curves, or where that is too short in lines below.
std::string curve_names(const std::vector<Curve>& curves, ChartSize f, double* height) {
  const auto width = [](const Curve& c) { return 44 + 7 * double(c.name.size()); };
  double all = 0;
  for (const Curve& c : curves) all += width(c);
  const bool above = all < f.width - kLeft;
  double x = kLeft, y = above ? 10 : f.height + 8;
  std::string s;
  for (const Curve& c : curves) {
    if (x + width(c) > f.width && x > kLeft) {
      x = kLeft;
      y += 19;
    }
    s += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:g}\" width=\"16\" height=\"3\" rx=\"1.5\" fill=\"{}\"/>", x, y,
        c.color);
    s += text_at(x + 22, y + 6, "start", c.name);
    x += width(c);
  }
  if (!above) *height = y + 14;
  return s;
}

}  // namespace

std::string svg_curves(const std::vector<Curve>& curves, const std::string& x_label, ChartSize f) {
  const double floor = f.height - kBottom;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  range_of(curves, &low, &high);
  double last = 0;
  for (const Curve& c : curves)
    if (!c.y.empty()) last = std::max(last, c.place(c.y.size() - 1));
  if (last == 0 || !(high >= low)) return {};
  const double pad = std::max((high - low) * 0.06, 1e-9 + 1e-3 * std::abs(high));
  const Scale y{low - pad, high + pad, floor, kTop},
      x{1, std::max(2.0, last), kLeft, f.width - kRight};
  double height = f.height;
  const std::string names = curve_names(curves, f, &height);
  std::string s = open_svg(f.width, height, "curves over " + x_label) + axes(y, x_label, f);
  s += fmt::format(
      "<svg x=\"0\" y=\"{0:g}\" width=\"{1:g}\" height=\"{2:g}\" viewBox=\"0 {0:g} {1:g} "
      "{2:g}\">\n",
      kTop, f.width, floor - kTop);  // an inner frame clips
  for (const Curve& c : curves) {
    std::string points;
    for (std::size_t i = 0; i < c.y.size(); ++i)
      if (std::isfinite(c.y[i]))
        points += fmt::format("{:.1f},{:.1f} ", x.at(c.place(i)), y.at(c.y[i]));
    if (c.y.size() == 1)
      s += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n",
                       x.at(c.place(0)), y.at(c.y[0]), c.color);
    s += fmt::format("<polyline class=\"curve\" stroke=\"{}\" points=\"{}\"/>\n", c.color, points);
  }
  s += "</svg>\n";
  const double step = std::max(1.0, nice_step(last, 6));
  for (double v = step; v <= last; v += step)
    s += text_at(x.at(v), floor + 18, "middle", fmt::format("{:g}", v));
  return s + names + "</svg>\n";
}

std::string svg_bars(const std::vector<Bar>& bars, const std::string& x_label, ChartSize f) {
  const double floor = f.height - kBottom;
  if (bars.empty()) return {};
  double top = 1e-6;
  for (const Bar& b : bars) top = std::max(top, b.height);
  const Scale y{0, top * 1.05, floor, kTop - 16};
  const double slot = (f.width - kLeft - kRight) / double(bars.size()),
               wide = std::min(44.0, slot * 0.72);
  std::string s = open_svg(f.width, f.height, "bars by " + x_label) + axes(y, x_label, f);
  const std::size_t every = (bars.size() + 24) / 25;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double middle = kLeft + (double(i) + 0.5) * slot, h = y.at(std::max(bars[i].height, 0.0));
    s += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
        "rx=\"2\"/>",
        bars[i].pale ? "bar pale" : "bar", middle - wide / 2, h, wide, std::max(1.0, floor - h));
    if (i % every == 0) s += text_at(middle, floor + 18, "middle", bars[i].name);
  }
  return s + "</svg>\n";
}

std::string svg_points(const std::vector<Point>& points, const std::vector<std::string>& groups) {
  constexpr double side = 460, margin = 34;
  double reach = 2.2;
  for (const Point& p : points) reach = std::max({reach, std::abs(p.x), std::abs(p.y)});
  reach = std::min(reach * 1.05, 6.0);
  const Scale x{-reach, reach, margin, side - 8}, y{-reach, reach, side - margin, 8};
  const double height = side + (groups.empty() ? 0 : 26);
  std::string s = open_svg(side, height, "points of the latent plane");
  for (double r : {1.0, 2.0})
    s += fmt::format("<circle class=\"ring\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"/>", x.at(0),
                     y.at(0), x.at(r) - x.at(0));
  for (double v = -std::floor(reach / 2) * 2; v <= reach; v += reach > 4 ? 2 : 1) {
    s += text_at(x.at(v), side - margin + 18, "middle", fmt::format("{:g}", v));
    s += text_at(margin - 8, y.at(v) + 4, "end", fmt::format("{:g}", v));
  }
  for (const Point& p : points)
    s +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.2\" fill=\"{}\" opacity=\".75\"/>\n",
                    x.at(p.x), y.at(p.y), group_color(p.group, groups.size()));
  const double slot = (side - margin) / double(std::max<std::size_t>(groups.size(), 8));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const double at = margin + slot * (double(i) + 0.3);
    s += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"{}\"/>", at, side + 12,
                     group_color(int(i), groups.size()));
    s += text_at(at + 9, side + 16, "start", groups[i]);
  }
  return s + "</svg>\n";
}

std::string escape_html(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string svg_file(const std::string& picture) {
  static constexpr const char* kStyle =
      "<style>svg{--a:#2f6db5;--b:#c9702a;--pale:#c3cedb;--line:#e3e7ec;background:#fff}"
      "text{fill:#657083;font:12px sans-serif}.mark{fill:#1f2733;font-weight:600;"
      "paint-order:stroke;stroke:#fff;stroke-width:4px}.grid{stroke:#e3e7ec}"
      ".curve{fill:none;stroke-width:2;stroke-linejoin:round}.bar{fill:#2f6db5}"
      ".bar.pale{fill:#c3cedb}.dots{fill:none;stroke-linecap:round;stroke-width:4.5;opacity:.6}"
      ".box{fill:#fff;stroke:#c3cedb;stroke-width:1.5}.arrow{fill:none;stroke:#657083;"
      "stroke-width:1.5}.tip{fill:#657083}.ellipse{fill-opacity:.07;stroke-width:2}.empty{stroke-"
      "dasharray:4 4;opacity:.5}</style>\n";
  const std::size_t open = picture.find("<svg"), end = picture.find('>', open);
  if (open == std::string::npos) return picture;
  return picture.substr(0, open + 4) + " xmlns=\"http://www.w3.org/2000/svg\"" +
         picture.substr(open + 4, end - open - 3) + "\n" + kStyle + picture.substr(end + 1);
}

std::string base64(const std::string& bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned v = 0;
    for (std::size_t j = 0; j < 3; ++j)
      v = v << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j > bytes.size() ? '=' : kAlphabet[v >> (18 - 6 * j) & 63];
  }
  return out;
}

}  // namespace fathom
