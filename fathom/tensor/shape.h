// Shapes. An axis has an extent and may carry a label: a plate, an enumerated latent, a draw.
//
// Labelled axes come first, in increasing order of their label, and are matched by label; the
// others follow and are matched by position from the right, as in NumPy. The extent of a streamed
// plate is its capacity; how many rows there really are is known when a plan runs.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace fathom {

// Identity of a labelled axis; 0 means none. Smaller labels are outer axes.
enum class Label : std::uint16_t {};
inline constexpr Label kNoLabel{0};

struct Axis {
  std::int64_t extent = 1;
  Label label = kNoLabel;
  friend constexpr bool operator==(const Axis&, const Axis&) = default;
};

class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);  // no labels
  explicit Shape(std::span<const Axis> axes);          // throws ShapeError: order, rank, extent

  int rank() const { return rank_; }
  int labelled() const;  // how many leading axes carry a label
  const Axis& operator[](int i) const { return axes_[std::size_t(i)]; }
  std::int64_t extent(int i) const { return axes_[std::size_t(i)].extent; }
  std::span<const Axis> axes() const { return {axes_.data(), std::size_t(rank_)}; }
  std::int64_t size() const;                     // number of elements; 1 for a scalar
  std::int64_t size(int first, int last) const;  // product of extents of axes [first, last)
  int find(Label label) const;                   // axis index or -1

  Shape without(int axis) const;
  Shape with_front(Axis axis) const;  // inserts at the label's place
  Shape with_back(std::int64_t extent) const;
  Shape events() const;  // the unlabelled axes only
  Shape plates() const;  // the labelled axes only

  std::string text() const;  // "[#1:128, 784]"

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<Axis, kMaxRank> axes_{};
  int rank_ = 0;
};

// The shape of an elementwise operation on two operands: union of labels, events broadcast.
// Throws ShapeError naming `op` where extents clash.
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);

// True when `from` can be broadcast to `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

// Axis of `to` that axis `i` of `from` lies on after broadcasting.
int broadcast_axis(const Shape& from, const Shape& to, int i);

}  // namespace fathom
