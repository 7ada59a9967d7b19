#include "fathom/tensor/shape.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom {

Shape::Shape(std::initializer_list<std::int64_t> extents) {
  if (extents.size() > std::size_t(kMaxRank))
    raise<ShapeError>("[shape] {} axes given, at most {} are supported", extents.size(), kMaxRank);
  for (std::int64_t e : extents) {
    if (e < 0) raise<ShapeError>("[shape] extent {} is negative", e);
    axes_[std::size_t(rank_++)] = {e, kNoLabel};
  }
}

Shape::Shape(std::span<const Axis> axes) {
  if (axes.size() > std::size_t(kMaxRank))
    raise<ShapeError>("[shape] {} axes given, at most {} are supported", axes.size(), kMaxRank);
  Label last = kNoLabel;
  bool event = false;
  for (const Axis& a : axes) {
    if (a.extent < 0) raise<ShapeError>("[shape] extent {} is negative", a.extent);
    if (a.label == kNoLabel) {
      event = true;
    } else if (event || a.label <= last) {
      raise<ShapeError>("[shape] labelled axes must come first, each label once, in order");
    }
    last = std::max(last, a.label);
    axes_[std::size_t(rank_++)] = a;
  }
}

int Shape::labelled() const {
  int n = 0;
  while (n < rank_ && axes_[std::size_t(n)].label != kNoLabel) ++n;
  return n;
}

std::int64_t Shape::size() const { return size(0, rank_); }

std::int64_t Shape::size(int first, int last) const {
  std::int64_t n = 1;
  for (int i = first; i < last; ++i) n *= extent(i);
  return n;
}

int Shape::find(Label label) const {
  for (int i = 0; i < rank_; ++i)
    if (axes_[std::size_t(i)].label == label && label != kNoLabel) return i;
  return -1;
}

Shape Shape::without(int axis) const {
  Shape s;
  for (int i = 0; i < rank_; ++i)
    if (i != axis) s.axes_[std::size_t(s.rank_++)] = axes_[std::size_t(i)];
  return s;
}

Shape Shape::with_front(Axis axis) const {
  std::array<Axis, kMaxRank + 1> all{};
  int n = 0, i = 0;
  if (axis.label != kNoLabel) {
    while (i < rank_ && axes_[std::size_t(i)].label != kNoLabel &&
           axes_[std::size_t(i)].label < axis.label)
      all[std::size_t(n++)] = axes_[std::size_t(i++)];
  } else {
    while (i < rank_ && axes_[std::size_t(i)].label != kNoLabel)
      all[std::size_t(n++)] = axes_[std::size_t(i++)];
  }
  all[std::size_t(n++)] = axis;
  while (i < rank_) all[std::size_t(n++)] = axes_[std::size_t(i++)];
  return Shape(std::span<const Axis>(all.data(), std::size_t(n)));
}

Shape Shape::with_back(std::int64_t extent) const {
  std::array<Axis, kMaxRank + 1> all{};
  std::copy_n(axes_.begin(), rank_, all.begin());
  all[std::size_t(rank_)] = {extent, kNoLabel};
  return Shape(std::span<const Axis>(all.data(), std::size_t(rank_) + 1));
}

Shape Shape::events() const { return Shape(axes().subspan(std::size_t(labelled()))); }
Shape Shape::plates() const { return Shape(axes().first(std::size_t(labelled()))); }

std::string Shape::text() const {
  std::string s = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i) s += ", ";
    const Axis& a = axes_[std::size_t(i)];
    s += a.label == kNoLabel ? fmt::format("{}", a.extent)
                             : fmt::format("#{}:{}", int(a.label), a.extent);
  }
  return s + "]";
}

bool operator==(const Shape& a, const Shape& b) {
  return a.rank_ == b.rank_ &&
         std::equal(a.axes_.begin(), a.axes_.begin() + a.rank_, b.axes_.begin());
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  std::array<Axis, 2 * Shape::kMaxRank> out{};
  std::size_t n = 0;
  const int la = a.labelled(), lb = b.labelled();
  const auto clash = [&]() {
    raise<ShapeError>("[{}] shapes do not broadcast: {} with {}", op, a.text(), b.text());
  };
  const auto join = [&](std::int64_t x, std::int64_t y) {
    if (x != y && x != 1 && y != 1) clash();
    return x == 1 ? y : x;
  };
  int i = 0, j = 0;
  while (i < la || j < lb) {
    if (j == lb || (i < la && a[i].label < b[j].label)) {
      out[n++] = a[i++];
    } else if (i == la || b[j].label < a[i].label) {
      out[n++] = b[j++];
    } else {
      out[n++] = {join(a[i].extent, b[j].extent), a[i].label};
      ++i, ++j;
    }
  }
  const int ea = a.rank() - la, eb = b.rank() - lb, events = std::max(ea, eb);
  for (int k = 0; k < events; ++k) {
    const int ka = k - (events - ea), kb = k - (events - eb);
    const std::int64_t x = ka < 0 ? 1 : a.extent(la + ka), y = kb < 0 ? 1 : b.extent(lb + kb);
    out[n++] = {join(x, y), kNoLabel};
  }
  return Shape(std::span<const Axis>(out.data(), n));
}

int broadcast_axis(const Shape& from, const Shape& to, int i) {
  if (from[i].label != kNoLabel) return to.find(from[i].label);
  return to.rank() - (from.rank() - i);
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.rank() - from.labelled() > to.rank() - to.labelled()) return false;
  for (int i = 0; i < from.rank(); ++i) {
    const int j = broadcast_axis(from, to, i);
    if (j < 0 || (from.extent(i) != to.extent(j) && from.extent(i) != 1)) return false;
  }
  return true;
}

}  // namespace fathom
