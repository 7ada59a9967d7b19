#include "fathom/dist/expfam.h"

#include "fathom/autodiff/gradient.h"

namespace fathom {

namespace {

void require(const FamilyInfo& f) {
  if (!f.exponential()) raise<ShapeError>("[{}] is no exponential family", f.doc.name);
}

// <a, b> summed over the axes of each statistic.
Value inner(const FamilyInfo& f, std::span<const Value> a, std::span<const Value> b) {
  Value total;
  for (std::size_t i = 0; i < a.size(); ++i) {
    Value t = a[i] * b[i];
    const int axes = f.stat_axes.empty() ? f.doc.event_axes : f.stat_axes[i];
    if (axes > 0) t = sum(t, t.shape().rank() - axes, axes);
    total = total ? total + t : t;
  }
  return total;
}

}  // namespace

Values moments(const FamilyInfo& f, std::span<const Value> natural) {
  require(f);
  // Whatever natural parameters were made of, they are what log_norm is derived by, equal ones
  // apart.
  Values at;
  for (const Value& n : natural) at.push_back(keep(n, std::int64_t(at.size()) + 1));
  return gradient(sum(f.log_norm(at)), at);
}

Value expfam_log_prob(const FamilyInfo& f, std::span<const Value> natural, Value x) {
  require(f);
  const Value p = inner(f, natural, f.stats(x)) - f.log_norm(natural);
  return f.log_base ? p + f.log_base(x) : p;
}

Value kl_divergence(const FamilyInfo& f, std::span<const Value> p, std::span<const Value> q) {
  require(f);
  Values difference;
  for (std::size_t i = 0; i < p.size(); ++i) difference.push_back(p[i] - q[i]);
  return inner(f, difference, moments(f, p)) - f.log_norm(p) + f.log_norm(q);
}

Value entropy(const FamilyInfo& f, std::span<const Value> natural) {
  if (f.log_base) raise<ShapeError>("[{}] has no closed entropy", f.doc.name);
  return f.log_norm(natural) - inner(f, natural, moments(f, natural));
}

Values blend(std::span<const Value> old, std::span<const Value> target, Value rate) {
  Values out;
  for (std::size_t i = 0; i < old.size(); ++i) out.push_back(old[i] + rate * (target[i] - old[i]));
  return out;
}

}  // namespace fathom
