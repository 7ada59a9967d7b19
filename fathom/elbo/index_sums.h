// Tensors whose axes have names, multiplied and summed over names: what sums over rows apart from
// factors are made of (elbo/separate.h).
#pragma once

#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

using Index = int;  // of an axis that is summed or shared; kUnit: of extent one, of no matter
constexpr Index kUnit = -1;

// A tensor with an index for each of its axes.
struct Tensor {
  Value value;
  std::vector<Index> at;
};

struct NotSeparable {};

class IndexSums {
 public:
  explicit IndexSums(Graph& graph) : graph_(graph) {}

  Index fresh(const Axis& axis) {
    axes_.push_back(axis);
    return Index(axes_.size()) - 1;
  }
  const Axis& axis(Index i) const { return axes_[std::size_t(i)]; }
  bool is_row(Index i) const {
    return i != kUnit && axis(i).label != kNoLabel && graph_.label_info(axis(i).label).streamed;
  }
  static bool has(const std::vector<Index>& all, Index i);

  // Indices of tensors, the row first, labels in their order, then the others as they come. Throws
  // NotSeparable where two have one label.
  std::vector<Index> indices(const std::vector<Tensor>& tensors) const;
  // The tensor with its axes in the order of `all` and under their labels, axes of one for indices
  // that it lacks. Throws NotSeparable where two of its axes have one index: a diagonal.
  Value laid_out(const Tensor& t, const std::vector<Index>& all) const;
  // The elementwise product over `all`, every axis there.
  Value multiplied(const std::vector<Tensor>& tensors, const std::vector<Index>& all) const;
  // Sums over the axes of `all` that are not in `keep`.
  static Value summed(Value v, const std::vector<Index>& all, const std::vector<Index>& keep);
  Value elementwise(const std::vector<Tensor>& tensors, const std::vector<Index>& all,
                    const std::vector<Index>& keep) const {
    return summed(multiplied(tensors, all), all, keep);
  }
  // Tensors of which as many as share a summed index have been multiplied and summed over it, those
  // whose product is smallest first, until no two of more are left that do.
  void contract(std::vector<Tensor>& tensors, const std::vector<Index>& keep) const;
  // The product of tensors over `all` summed over what is not in `left`: one of matrices where two
  // share nothing but that, and it is worth it.
  Value product_over(const std::vector<Tensor>& tensors, const std::vector<Index>& all,
                     const std::vector<Index>& left) const;

 protected:
  Graph& graph_;

 private:
  double size_over(const std::vector<Index>& all) const;

  std::vector<Axis> axes_;
};

}  // namespace fathom
