#include "fathom/report/pictures.h"

#include <algorithm>
#include <cmath>

#include "fathom/kernels/special.h"

namespace fathom {

Array sheet(const Array& rows, const std::vector<std::int64_t>& item, const SheetStyle& s) {
  const std::int64_t n = rows.shape().extent(0), h = item.at(0), w = item.at(1),
                     deep = item.size() > 2 ? item[2] : 1;
  if (n * h * w * deep != rows.size())
    raise<ShapeError>("[sheet] {} is not {} pictures of {} x {} x {}", rows.shape().text(), n, h, w,
                      deep);
  const std::int64_t columns = std::clamp<std::int64_t>(s.columns, 1, n),
                     lines = (n + columns - 1) / columns;
  const auto top_of = [&](std::int64_t line) {
    return s.gap + line * (h * s.zoom + s.gap) + line / s.group * (s.group > 1 ? 2 * s.gap : 0);
  };
  const std::int64_t height = top_of(lines - 1) + h * s.zoom + s.gap,
                     width = s.gap + columns * (w * s.zoom + s.gap);
  Array out(DType::u8, deep > 1 ? Shape{height, width, deep} : Shape{height, width});
  std::uint8_t* to = out.data<std::uint8_t>();
  std::fill_n(to, out.size(), std::uint8_t(96));
  const double* v = rows.data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t y = 0; y < h * s.zoom; ++y)
      for (std::int64_t x = 0; x < w * s.zoom; ++x)
        for (std::int64_t c = 0; c < deep; ++c) {
          const double p = v[((i * h + y / s.zoom) * w + x / s.zoom) * deep + c];
          const std::int64_t line = top_of(i / columns) + y,
                             column = s.gap + i % columns * (w * s.zoom + s.gap) + x;
          to[(line * width + column) * deep + c] =
              std::uint8_t(std::lround(255 * std::clamp(std::isnan(p) ? 0.0 : p, 0.0, 1.0)));
        }
  return out;
}

std::int64_t zoom_for(const std::vector<std::int64_t>& item, std::int64_t columns,
                      std::int64_t width) {
  return std::clamp<std::int64_t>(width / (columns * item.at(1)), 1, 12);
}

Array manifold_codes(std::int64_t n) {
  Array z(DType::f64, Shape{n * n, 2});
  const auto quantile = [n](std::int64_t i) {
    return double(kernels::normal_quantile((double(i) + 0.5) / double(n)));
  };
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      z.data<double>()[(i * n + j) * 2] = quantile(j);
      z.data<double>()[(i * n + j) * 2 + 1] = quantile(n - 1 - i);
    }
  return z;
}

}  // namespace fathom
