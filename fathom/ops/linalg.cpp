#include "fathom/ops/linalg.h"

#include "fathom/ops/transcendental.h"

namespace fathom {

namespace {

void check_square(std::string_view op, const TypeOf& t) {
  const Shape& s = t.shape;
  if (!is_real(t.dtype) || s.rank() - s.labelled() < 2 ||
      s.extent(s.rank() - 1) != s.extent(s.rank() - 2))
    raise<ShapeError>("[{}] wants square real matrices, got {} {}", op, name_of(t.dtype), s.text());
}

std::span<const Axis> part(const Shape& s, int first, int last) {
  return s.axes().subspan(std::size_t(first), std::size_t(last - first));
}

bool same(std::span<const Axis> a, std::span<const Axis> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

void MatMul::shape(ShapeCall& c) {
  const Attrs at = c.attrs.as<Attrs>();
  const Shape &a = c.in[0].shape, &b = c.in[1].shape;
  const int m = a.rank() - at.nb - at.nk, n = b.rank() - at.nb - at.nk;
  const auto refuse = [&](std::string_view why) {
    raise<ShapeError>("[matmul] {}: {} {} x {} {}", why, name_of(c.in[0].dtype), a.text(),
                      name_of(c.in[1].dtype), b.text());
  };
  if (m < 0 || n < 0) refuse("too few axes");
  if (c.in[0].dtype != c.in[1].dtype || !is_real(c.in[0].dtype))
    refuse("dtypes differ or are not real");
  const int ka = at.nb + (at.ta ? 0 : m), kb = at.nb + (at.tb ? n : 0);
  const int ma = at.nb + (at.ta ? at.nk : 0), nb = at.nb + (at.tb ? 0 : at.nk);
  if (!same(part(a, ka, ka + at.nk), part(b, kb, kb + at.nk))) refuse("inner sizes differ");
  if (!same(part(a, 0, at.nb), part(b, 0, at.nb))) refuse("batches differ");
  std::array<Axis, 2 * Shape::kMaxRank> axes{};
  std::size_t r = 0;
  for (const Axis& x : part(a, 0, at.nb)) axes[r++] = x;
  for (const Axis& x : part(a, ma, ma + m)) axes[r++] = x;
  for (const Axis& x : part(b, nb, nb + n)) axes[r++] = x;
  if (at.wide && c.in[0].dtype != DType::f32) refuse("only f32 is widened");
  const DType out = at.wide ? DType::f64 : c.in[0].dtype;
  c.out[0] = {Shape(std::span<const Axis>(axes.data(), r)), out};
}

int MatMul::aligned(const ShapeCall& c) {
  const Attrs at = c.attrs.as<Attrs>();
  if (at.nb > 0) return 3;
  const int m = c.in[0].shape.rank() - at.nk;
  if (m > 0) return at.ta ? -1 : 1;
  return at.tb ? 2 : -1;
}

void Cholesky::shape(ShapeCall& c) {
  check_square("cholesky", c.in[0]);
  c.out[0] = c.in[0];
}

void TriangularSolve::shape(ShapeCall& c) {
  check_square("triangular_solve", c.in[0]);
  const Shape &l = c.in[0].shape, &b = c.in[1].shape;
  if (c.in[1].dtype != c.in[0].dtype || b.rank() != l.rank() ||
      !same(part(l, 0, l.rank() - 1), part(b, 0, b.rank() - 1)))
    raise<ShapeError>("[triangular_solve] {} cannot be solved for {}", l.text(), b.text());
  c.out[0] = c.in[1];
}

void Tril::shape(ShapeCall& c) {
  check_square("tril", c.in[0]);
  c.out[0] = c.in[0];
}

void Diagonal::shape(ShapeCall& c) {
  check_square("diagonal", c.in[0]);
  c.out[0] = {c.in[0].shape.without(c.in[0].shape.rank() - 1), c.in[0].dtype};
}

void DiagonalMatrix::shape(ShapeCall& c) {
  const Shape& s = c.in[0].shape;
  if (s.rank() == s.labelled())
    raise<ShapeError>("[diagonal_matrix] {} has no unlabelled axis", s.text());
  c.out[0] = {s.with_back(s.extent(s.rank() - 1)), c.in[0].dtype};
}

Value contract(Value a, Value b, int nb, int nk, bool ta, bool tb) {
  const MatMul::Attrs at{nb, nk, ta ? 1 : 0, tb ? 1 : 0};
  return apply<MatMul>({a, b}, AttrBlob::of(at));
}

Value matmul(Value a, Value b, bool ta, bool tb) {
  const Shape &sa = a.shape(), &sb = b.shape();
  const int ea = sa.rank() - sa.labelled(), eb = sb.rank() - sb.labelled();
  if (ea < 1 || eb < 2 || (ea == 1 && ta))
    raise<ShapeError>("[matmul] wants matrices, got {} x {}", sa.text(), sb.text());
  if (eb == 2 && sb.labelled() == 0 && !ta)
    return contract(a, b, 0, 1, false, tb);  // rows of one product
  if (ea == 1) {
    const Shape row(Shape(sa.plates()).with_back(1).with_back(sa.extent(sa.rank() - 1)));
    const Value y = matmul(reshape(a, row), b, false, tb);
    return reshape(y, y.shape().without(y.shape().rank() - 2));
  }
  // Batches: everything before the last two axes, broadcast against each other.
  const auto outer = [](const Shape& s) { return s.without(s.rank() - 1).without(s.rank() - 2); };
  const Shape batch = broadcast_shapes("matmul", outer(sa), outer(sb));
  const auto whole = [&](Value v) {
    const Shape& s = v.shape();
    return broadcast_to(v,
                        batch.with_back(s.extent(s.rank() - 2)).with_back(s.extent(s.rank() - 1)));
  };
  return contract(whole(a), whole(b), batch.rank(), 1, ta, tb);
}

Value cholesky(Value a) { return apply<Cholesky>({a}); }

Value triangular_solve(Value l, Value b, bool transposed) {
  return apply<TriangularSolve>({l, b}, AttrBlob::of(TriangularSolve::Attrs{transposed ? 1 : 0}));
}

Value tril(Value x, double factor) { return apply<Tril>({x}, AttrBlob::of(Tril::Attrs{factor})); }
Value diagonal(Value x) { return apply<Diagonal>({x}); }
Value diagonal_matrix(Value x) { return apply<DiagonalMatrix>({x}); }

Value log_determinant(Value a) {
  const Value d = diagonal(cholesky(a));
  return sum(log(d), d.shape().rank() - 1, 1) * 2.0;
}

// The last axis of x as that of a matrix of one row.
static Value as_row(Value x) {
  const Shape& s = x.shape();
  std::vector<Axis> row(s.axes().begin(), s.axes().end());
  row.insert(row.end() - 1, Axis{1, kNoLabel});
  return reshape(x, Shape(std::span<const Axis>(row)));
}

Value matrix_vector(Value a, Value x) { return sum_last(a * as_row(x)); }

Value outer_product(Value a, Value b) { return reshape(a, a.shape().with_back(1)) * as_row(b); }

Value quadratic_form(Value a, Value x) {
  const Value y = matmul(x, a);
  return sum(y * x, broadcast_shapes("quadratic_form", x.shape(), y.shape()).rank() - 1, 1);
}

}  // namespace fathom
