#include "fathom/elbo/separate.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "fathom/elbo/index_sums.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

// number * product of row tensors * product of factor tensors, summed over all indices.
struct Product {
  double number = 1;
  std::vector<Tensor> rows, factors;
};
using Products = std::vector<Product>;

struct TooMany {};

class Separator : IndexSums {
 public:
  Separator(Graph& graph, std::span<const Value> leaves)
      : IndexSums(graph), of_rows_(graph.size()), of_factors_(graph.size()) {
    for (const InputInfo& i : graph_.graph_inputs())
      if (i.kind == InputKind::data) of_rows_[i.node] = 1;
    for (const Value& v : leaves) of_factors_[v.id()] = 1;
  }

  Separated run(Value f) {
    const NodeId root = f.id();
    classify(f, false);
    for (const Product& p : expand(root, {})) place(p);
    Separated out;
    for (const Entry& e : entries_) {
      out.sums.push_back(e.sum);
      out.eta.push_back(e.eta);
    }
    return out;
  }

  // See rows_first().
  Value value(Value f) {
    whole_rows_ = true;
    for (const InputInfo& i : graph_.graph_inputs())
      if (i.kind == InputKind::slot) of_factors_[i.node] = 1;
    constexpr std::size_t most = 8;
    classify(f, false);
    const Products all = expand(f.id(), {});
    if (all.size() > most) throw NotSeparable{};
    for (const Product& p : all) place(p);
    Value total;
    for (const Entry& e : entries_) {
      const Value v = sum(e.sum * e.eta);
      total = total ? total + v : v;
    }
    if (!total) throw NotSeparable{};
    return total;
  }

  // See contracted().
  Value products(Value elements) {
    classify(elements, true);
    std::vector<Index> at;
    for (const Axis& a : elements.shape().axes()) {
      if (a.label == kNoLabel) throw NotSeparable{};
      at.push_back(fresh(a));
    }
    const Products all = expand(elements.id(), at);
    Value total;
    for (const Product& p : all) {
      const Value v = product_of_matrices(p);
      total = total ? total + v : v;
    }
    if (!total) throw NotSeparable{};
    return broadcast_to(total, elements.shape());
  }

 private:
  // What depends on rows and what on factors; with `plates` those are what lies on fixed plates.
  void classify(Value f, bool plates) {
    const NodeId root = f.id();
    for (const NodeId id : reachable(graph_, std::span(&root, 1))) {
      const bool repeats = graph_.op(id).id == op_id<Broadcast>;
      for (const Axis& a : graph_.shape(id).axes()) {
        if (a.label == kNoLabel) continue;
        if (graph_.label_info(a.label).streamed) {
          of_rows_[id] = 1;
        } else if (plates && !repeats) {
          of_factors_[id] = 1;
        }
      }
      for (const NodeId in : graph_.inputs(id)) {
        of_rows_[id] = char(of_rows_[id] | of_rows_[in]);
        of_factors_[id] = char(of_factors_[id] | of_factors_[in]);
      }
    }
    dtype_ = f.dtype();
  }

  Value product_of_matrices(const Product& p) {
    const std::vector<Index> rows = indices(p.rows), factors = indices(p.factors);
    const auto labelled = [&](Index i) { return axis(i).label != kNoLabel; };
    std::vector<Index> shared, own_rows, own_factors;
    for (const Index i : rows) {
      if (labelled(i)) own_rows.push_back(i);
      if (!has(factors, i)) continue;
      if (labelled(i)) throw NotSeparable{};
      shared.push_back(i);
    }
    for (const Index i : factors) {
      if (is_row(i)) throw NotSeparable{};
      if (labelled(i)) own_factors.push_back(i);
    }
    const auto side = [&](const std::vector<Tensor>& tensors, std::vector<Index> own,
                          const std::vector<Index>& all) {
      own.insert(own.end(), shared.begin(), shared.end());
      std::vector<Index> order = own;  // what is summed comes last
      for (const Index i : all)
        if (!has(order, i)) order.push_back(i);
      return summed(multiplied(tensors, order), order, own);
    };
    if (p.rows.empty() && p.factors.empty()) return graph_.constant(p.number, dtype_);
    if (p.rows.empty()) return side(p.factors, own_factors, factors) * p.number;
    if (p.factors.empty()) return side(p.rows, own_rows, rows) * p.number;
    const Value a = side(p.rows, own_rows, rows), b = side(p.factors, own_factors, factors);
    if (shared.empty()) return a * (b * p.number);
    return fathom::contract(a, b * p.number, 0, int(shared.size()), false, true);
  }

  // ---- from the graph to sums of products

  Products expand(NodeId id, const std::vector<Index>& at) {
    constexpr int most = 2000;  // nodes that are shared are met more than once
    if (++met_ > most && whole_rows_) throw TooMany{};
    try {
      return parts(id, at);
    } catch (const NotSeparable&) {
      if (!whole_rows_ || std::none_of(at.begin(), at.end(), [&](Index i) { return is_row(i); }))
        throw;
      return {{1, {{graph_.value(id), at}}, {}}};
    }
  }

  Products parts(NodeId id, const std::vector<Index>& at) {
    const OpInfo& op = graph_.op(id);
    const auto in = graph_.inputs(id);
    double number = 0;
    if (graph_.uniform_value(id, &number))
      return number == 0 ? Products{} : Products{{number, {}, {}}};
    if (op.id == op_id<Broadcast>) return expand(in[0], through_broadcast(id, at));
    const bool mixed = of_rows_[id] && of_factors_[id];
    if (!mixed && of_rows_[id]) return {{1, {{graph_.value(id), at}}, {}}};
    if (!mixed && std::none_of(at.begin(), at.end(), [&](Index i) { return is_row(i); }))
      return {{1, {}, {{graph_.value(id), at}}}};
    if (op.id == op_id<Add>) return joined(expand(in[0], at), expand(in[1], at), 1);
    if (op.id == op_id<Sub>) return joined(expand(in[0], at), expand(in[1], at), -1);
    if (op.id == op_id<Neg>) return joined({}, expand(in[0], at), -1);
    if (op.id == op_id<Mul>) return times(expand(in[0], at), expand(in[1], at));
    if (op.id == op_id<Square>) return times(expand(in[0], at), expand(in[0], at));
    if (op.id == op_id<Div> && !of_rows_[in[1]])
      return times(expand(in[0], at), expand(reciprocal_of(in[1]), at));
    if (op.id == op_id<Reshape>) return expand(in[0], through_reshape(id, at));
    if (op.id == op_id<Sum>) {
      const std::vector<Index> inner = through_sum(id, at);
      return closed(expand(in[0], inner), inner, at);
    }
    if (op.id == op_id<Transpose>) return expand(in[0], through_transpose(id, at));
    if (op.id == op_id<MatMul>) return product(id, at);
    throw NotSeparable{};
  }

  // A node that may be new: it depends on what the divisor does.
  NodeId reciprocal_of(NodeId divisor) {
    const NodeId id = (1.0 / graph_.value(divisor)).id();
    of_rows_.resize(std::max(of_rows_.size(), std::size_t(graph_.size())));
    of_factors_.resize(of_rows_.size());
    of_factors_[id] = of_factors_[divisor];
    return id;
  }

  static Products joined(Products a, Products b, double sign) {
    for (Product& p : b) {
      p.number *= sign;
      a.push_back(std::move(p));
    }
    return a;
  }

  Products times(const Products& a, const Products& b) const {
    if (whole_rows_ && a.size() > 1 && b.size() > 1) throw NotSeparable{};
    Products out;
    for (const Product& x : a)
      for (const Product& y : b) {
        Product p = x;
        p.number *= y.number;
        p.rows.insert(p.rows.end(), y.rows.begin(), y.rows.end());
        p.factors.insert(p.factors.end(), y.factors.begin(), y.factors.end());
        out.push_back(std::move(p));
      }
    return out;
  }

  // Products that lack an index over which they are summed are there as often as it has values.
  Products closed(Products sum, const std::vector<Index>& all, const std::vector<Index>& open) {
    const auto names = [](const std::vector<Tensor>& tensors, Index i) {
      return std::any_of(tensors.begin(), tensors.end(),
                         [i](const Tensor& t) { return has(t.at, i); });
    };
    for (const Index i : all) {
      if (has(open, i)) continue;
      for (Product& p : sum) {
        if (names(p.rows, i) || names(p.factors, i)) continue;
        if (is_row(i)) {
          const Value one =
              broadcast_to(graph_.constant(1.0, dtype_), Shape(std::span(&axis(i), 1)));
          p.rows.push_back({one, {i}});
        } else {
          p.number *= double(axis(i).extent);
        }
      }
    }
    return sum;
  }

  std::vector<Index> through_broadcast(NodeId id, const std::vector<Index>& at) const {
    const Shape &to = graph_.shape(id), &from = graph_.shape(graph_.inputs(id)[0]);
    std::vector<Index> out;
    for (int i = 0; i < from.rank(); ++i) {
      const int j = broadcast_axis(from, to, i);
      out.push_back(from.extent(i) == to.extent(j) ? at[std::size_t(j)] : kUnit);
    }
    return out;
  }

  // Axes of extent one come and go; others may not be joined or split.
  std::vector<Index> through_reshape(NodeId id, const std::vector<Index>& at) const {
    const Shape &to = graph_.shape(id), &from = graph_.shape(graph_.inputs(id)[0]);
    std::vector<Index> left;
    std::vector<Axis> kept;
    for (int i = 0; i < to.rank(); ++i)
      if (to.extent(i) != 1) {
        left.push_back(at[std::size_t(i)]);
        kept.push_back(to[i]);
      }
    std::vector<Index> out;
    std::size_t next = 0;
    for (int i = 0; i < from.rank(); ++i) {
      if (from.extent(i) == 1) {
        out.push_back(kUnit);
        continue;
      }
      if (next == left.size() || kept[next].extent != from.extent(i)) throw NotSeparable{};
      out.push_back(left[next++]);
    }
    if (next != left.size()) throw NotSeparable{};
    return out;
  }

  std::vector<Index> through_sum(NodeId id, const std::vector<Index>& at) {
    const auto a = graph_.node(id).attrs.as<ReduceAttrs>();
    const Shape& from = graph_.shape(graph_.inputs(id)[0]);
    std::vector<Index> out;
    std::size_t next = 0;
    for (int i = 0; i < from.rank(); ++i) {
      const bool summed = i >= a.first && i < a.first + a.count;
      out.push_back(summed ? fresh(from[i]) : at[next++]);
    }
    return out;
  }

  std::vector<Index> through_transpose(NodeId id, const std::vector<Index>& at) const {
    const auto a = graph_.node(id).attrs.as<Transpose::Attrs>();
    std::vector<Index> out(at.size());
    for (std::size_t i = 0; i < at.size(); ++i) out[std::size_t(a.from[i])] = at[i];
    return out;
  }

  Products product(NodeId id, const std::vector<Index>& at) {
    const auto a = graph_.node(id).attrs.as<MatMul::Attrs>();
    const auto in = graph_.inputs(id);
    const Shape &sa = graph_.shape(in[0]), &sb = graph_.shape(in[1]);
    const int m = sa.rank() - a.nb - a.nk, n = sb.rank() - a.nb - a.nk;
    std::vector<Index> k;
    for (int i = 0; i < a.nk; ++i) k.push_back(fresh(sa[a.nb + (a.ta ? 0 : m) + i]));
    const auto side = [&](int first, int count, bool k_first) {
      std::vector<Index> out(at.begin(), at.begin() + a.nb);
      const std::vector<Index> own(at.begin() + a.nb + first, at.begin() + a.nb + first + count);
      out.insert(out.end(), k_first ? k.begin() : own.begin(), k_first ? k.end() : own.end());
      out.insert(out.end(), k_first ? own.begin() : k.begin(), k_first ? own.end() : k.end());
      return out;
    };
    return closed(times(expand(in[0], side(0, m, a.ta != 0)), expand(in[1], side(m, n, a.tb == 0))),
                  k, {});
  }

  // ---- from a product to a sum over rows and what it meets

  // Whether a node is the same at every place of its last axis.
  bool repeats(NodeId id) const {
    double number = 0;
    if (graph_.uniform_value(id, &number)) return true;
    const OpInfo& op = graph_.op(id);
    const auto in = graph_.inputs(id);
    if (op.id == op_id<Broadcast>) {
      const Shape &from = graph_.shape(in[0]), &to = graph_.shape(id);
      const int last = from.rank() - 1;
      return last < 0 || broadcast_axis(from, to, last) != to.rank() - 1 ||
             from.extent(last) == 1 || repeats(in[0]);
    }
    return op.kind == OpKind::elementwise && !in.empty() &&
           std::all_of(in.begin(), in.end(), [&](NodeId i) { return repeats(i); });
  }

  // The product of all tensors summed over rows and over what is not in `keep`.
  Value row_sum(std::vector<Tensor> tensors, const std::vector<Index>& all,
                const std::vector<Index>& keep) {
    // Two tensors that share the row alone make one product of matrices.
    if (tensors.size() == 2 && is_row(all[0])) {
      const auto own = [&](const Tensor& t) { return indices({t}); };
      std::vector<Index> a = own(tensors[0]), b = own(tensors[1]);
      if (a.size() < 2 || b.size() < 2 || a[0] != all[0] || b[0] != all[0])
        return elementwise(tensors, all, keep);
      const auto labelled = [&](const std::vector<Index>& v, std::size_t from) {
        return std::count_if(v.begin() + std::ptrdiff_t(from), v.end(),
                             [&](Index i) { return axis(i).label != kNoLabel; });
      };
      if (labelled(b, 1) > 0) {
        std::swap(tensors[0], tensors[1]);
        std::swap(a, b);
      }
      std::vector<Index> order(a.begin() + 1, a.end());
      order.insert(order.end(), b.begin() + 1, b.end());
      const bool apart = std::none_of(b.begin() + 1, b.end(), [&](Index i) { return has(a, i); });
      if (apart && labelled(b, 1) == 0 && order == keep)
        return fathom::contract(laid_out(tensors[0], a), laid_out(tensors[1], b), 0, 1, true,
                                false);
    }
    return elementwise(tensors, all, keep);
  }

  // Diagonal matrices of rows both of whose indices factors share are the diagonals of rows times a
  // 1 of factors: their sums need no axis for each of the two.
  void split_diagonals(Product& p, std::vector<Index>& keep) {
    for (Tensor& t : p.rows) {
      if (graph_.op(t.value.id()).id != op_id<DiagonalMatrix>) continue;
      const std::size_t n = t.at.size();
      const Index a = t.at[n - 2], b = t.at[n - 1];
      if (a == kUnit || b == kUnit || !has(keep, a) || !has(keep, b)) continue;
      const Value diagonal = graph_.value(graph_.inputs(t.value.id())[0]);
      const int last = diagonal.shape().rank() - 1;
      p.factors.push_back(
          {diagonal_matrix(broadcast_to(graph_.constant(1.0, dtype_), Shape{axis(a).extent})),
           {a, b}});
      t.at.pop_back();
      t.value = diagonal;
      if (!repeats(diagonal.id())) continue;
      t.at[n - 2] = kUnit;
      t.value = slice(diagonal, last, 0, 1);
    }
    const auto of_rows = [&](Index i) {
      return std::any_of(p.rows.begin(), p.rows.end(),
                         [&](const Tensor& t) { return has(t.at, i); });
    };
    std::erase_if(keep, [&](Index i) { return !of_rows(i); });
  }

  void place(Product p) {
    std::stable_sort(p.rows.begin(), p.rows.end(),
                     [](const Tensor& a, const Tensor& b) { return a.value.id() < b.value.id(); });
    std::vector<Index> factor_own = indices(p.factors), keep;
    for (const Index i : indices(p.rows))
      if (!is_row(i) && has(factor_own, i)) keep.push_back(i);
    split_diagonals(p, keep);
    contract(p.factors, keep);
    const std::vector<Index> row_all = indices(p.rows), kept = std::exchange(keep, {});
    for (const Index i : row_all)  // in the order of the sums
      if (has(kept, i)) keep.push_back(i);
    factor_own = indices(p.factors);
    // Axes of the factors in the order that they have in the sums over rows: labels are sorted.
    const auto labelled = [&](Index i) { return axis(i).label != kNoLabel; };
    std::vector<Index> factor_all;
    std::copy_if(factor_own.begin(), factor_own.end(), std::back_inserter(factor_all), labelled);
    for (const std::vector<Index>* some : {&keep, &factor_own})
      for (const Index i : *some)
        if (!has(factor_all, i)) factor_all.push_back(i);
    // The same rows, whatever the names of their indices.
    std::vector<std::vector<int>> key;
    std::map<Index, int> names;
    for (const Index i : keep) names.try_emplace(i, int(names.size()));
    for (const Tensor& t : p.rows) {
      std::vector<int> k = {int(t.value.id())};
      for (const Index i : t.at)
        k.push_back(i == kUnit ? -1 : names.try_emplace(i, int(names.size())).first->second);
      key.push_back(std::move(k));
    }
    Value eta;
    if (p.factors.empty()) {
      eta = graph_.constant(p.number, dtype_);
    } else {
      eta = product_over(p.factors, factor_all, keep) * p.number;
    }
    if (p.factors.empty() && !keep.empty()) throw NotSeparable{};
    for (Entry& e : entries_)
      if (e.key == key && e.sum.shape() == eta.shape()) {
        e.eta = e.eta + eta;
        return;
      }
    if (p.rows.empty()) throw NotSeparable{};
    entries_.push_back({std::move(key), row_sum(p.rows, row_all, keep), eta});
  }

  struct Entry {
    std::vector<std::vector<int>> key;
    Value sum, eta;
  };

  DType dtype_ = DType::f64;
  std::vector<char> of_rows_, of_factors_;
  int met_ = 0;
  bool whole_rows_ = false;  // what lies on rows may stay as it is, factors in it or not
  std::vector<Entry> entries_;
};

}  // namespace

std::optional<Separated> separate(Value f, std::span<const Value> leaves) {
  try {
    return Separator(f.graph(), leaves).run(f);
  } catch (const NotSeparable&) {
    return {};
  }
}

Value rows_first(Value f) {
  try {
    return Separator(f.graph(), {}).value(f);
  } catch (const NotSeparable&) {
    return f;
  } catch (const TooMany&) {
    return f;
  }
}

std::optional<Value> contracted(Value elements) {
  try {
    return Separator(elements.graph(), {}).products(elements);
  } catch (const NotSeparable&) {
    return {};
  }
}

}  // namespace fathom
