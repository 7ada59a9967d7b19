#include "fathom/elbo/index_sums.h"

#include <algorithm>
#include <cmath>

#include "fathom/ops/all_ops.h"

namespace fathom {

bool IndexSums::has(const std::vector<Index>& all, Index i) {
  return std::find(all.begin(), all.end(), i) != all.end();
}

std::vector<Index> IndexSums::indices(const std::vector<Tensor>& tensors) const {
  std::vector<Index> all;
  for (const Tensor& t : tensors)
    for (const Index i : t.at)
      if (i != kUnit && !has(all, i)) all.push_back(i);
  const auto rank = [&](Index i) {
    return axis(i).label == kNoLabel ? 0x10000 : int(axis(i).label);
  };
  std::stable_sort(all.begin(), all.end(), [&](Index a, Index b) { return rank(a) < rank(b); });
  for (std::size_t i = 1; i < all.size(); ++i)
    if (rank(all[i]) < 0x10000 && rank(all[i]) == rank(all[i - 1])) throw NotSeparable{};
  return all;
}

Value IndexSums::laid_out(const Tensor& t, const std::vector<Index>& all) const {
  const Shape& s = t.value.shape();
  std::vector<Axis> plain;  // no label but that of rows, no axis that no index names
  std::vector<Index> at;
  for (int i = 0; i < s.rank(); ++i) {
    const Index k = t.at[std::size_t(i)];
    if (k == kUnit) continue;
    if (has(at, k)) throw NotSeparable{};  // a diagonal
    plain.push_back(is_row(k) ? s[i] : Axis{s.extent(i), kNoLabel});
    at.push_back(k);
  }
  std::vector<int> from;
  std::vector<Axis> full;
  for (const Index k : all) {
    const auto found = std::find(at.begin(), at.end(), k);
    if (found == at.end()) {
      if (axis(k).label == kNoLabel) full.push_back({1, kNoLabel});
      continue;
    }
    from.push_back(int(found - at.begin()));
    full.push_back(axis(k));
  }
  Value v = reshape(t.value, Shape(std::span<const Axis>(plain)));
  if (!std::is_sorted(from.begin(), from.end())) v = transpose(v, from);
  return reshape(v, Shape(std::span<const Axis>(full)));
}

Value IndexSums::multiplied(const std::vector<Tensor>& tensors,
                            const std::vector<Index>& all) const {
  std::vector<Axis> axes;
  for (const Index i : all) axes.push_back(axis(i));
  Value p;
  for (const Tensor& t : tensors) {
    const Value v = laid_out(t, all);
    p = p ? p * v : v;
  }
  return broadcast_to(p, Shape(std::span<const Axis>(axes)));
}

Value IndexSums::summed(Value v, const std::vector<Index>& all, const std::vector<Index>& keep) {
  for (std::size_t i = all.size(); i-- > 0;)
    if (!has(keep, all[i])) v = sum(v, int(i), 1);
  return v;
}

void IndexSums::contract(std::vector<Tensor>& tensors, const std::vector<Index>& keep) const {
  while (tensors.size() > 2) {
    std::vector<Tensor> best, rest;
    double least = INFINITY;
    for (const Index i : indices(tensors)) {
      if (has(keep, i)) continue;
      std::vector<Tensor> group, others;
      for (const Tensor& t : tensors) (has(t.at, i) ? group : others).push_back(t);
      const double n = size_over(indices(group));
      if (others.empty() || group.size() < 2 || n >= least) continue;
      least = n;
      best = std::move(group);
      rest = std::move(others);
    }
    if (best.empty()) return;
    const std::vector<Index> all = indices(best), elsewhere = indices(rest);
    std::vector<Index> left;
    for (const Index i : all)
      if (has(keep, i) || has(elsewhere, i)) left.push_back(i);
    rest.push_back({product_over(best, all, left), left});
    tensors = std::move(rest);
  }
}

Value IndexSums::product_over(const std::vector<Tensor>& tensors, const std::vector<Index>& all,
                              const std::vector<Index>& left) const {
  constexpr double small = 256;
  if (tensors.size() != 2 || size_over(all) <= small) return elementwise(tensors, all, left);
  std::vector<Index> gone;
  for (const Index i : all)
    if (!has(left, i)) gone.push_back(i);
  const auto labelled = [&](const std::vector<Index>& some) {
    return std::any_of(some.begin(), some.end(),
                       [&](Index i) { return axis(i).label != kNoLabel; });
  };
  std::vector<Index> own[2] = {indices({tensors[0]}), indices({tensors[1]})};
  bool fits = !gone.empty() && !labelled(gone);
  for (std::vector<Index>& o : own) {
    fits = fits && std::all_of(gone.begin(), gone.end(), [&](Index i) { return has(o, i); });
    std::erase_if(o, [&](Index i) { return has(gone, i); });
  }
  const int first = labelled(own[1]) ? 1 : 0;  // labels come first
  std::vector<Index> made = own[first];
  for (const Index i : own[1 - first]) {
    fits = fits && !has(made, i);
    made.push_back(i);
  }
  if (!fits || labelled(own[1 - first])) return elementwise(tensors, all, left);
  for (std::vector<Index>& o : own) o.insert(o.end(), gone.begin(), gone.end());
  const Value v = fathom::contract(laid_out(tensors[std::size_t(first)], own[first]),
                                   laid_out(tensors[std::size_t(1 - first)], own[1 - first]), 0,
                                   int(gone.size()), false, true);
  return laid_out({v, made}, left);
}

double IndexSums::size_over(const std::vector<Index>& all) const {
  double n = 1;
  for (const Index i : all) n *= double(axis(i).extent);
  return n;
}

}  // namespace fathom
