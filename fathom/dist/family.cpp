#include "fathom/dist/family.h"

namespace fathom {

std::string_view name_of(Support s) {
  constexpr std::string_view names[] = {"real",
                                        "positive",
                                        "in (0, 1)",
                                        "a simplex",
                                        "0 or 1",
                                        "a count",
                                        "counts of categories",
                                        "a category",
                                        "a vector",
                                        "a positive definite matrix",
                                        "several quantities"};
  return names[std::size_t(s)];
}

Value log_prob(const Distribution& d, Value x) {
  return d.family->expected_log_prob(Face::at(x), d.parameters);
}

Value cross_entropy_term(const Distribution& p, const Face& x) {
  return p.family->expected_log_prob(x, p.parameters);
}

Value sample(const Distribution& d, const Draw& draw) {
  if (!d.family->sample) raise<ShapeError>("[{}] has no sampler", d.family->doc.name);
  return d.family->sample(draw, d.parameters);
}

Value entropy(const Distribution& d) {
  if (d.family->entropy) return d.family->entropy(d.parameters);
  return -d.family->expected_log_prob(face(d), d.parameters);
}

Face face(const Distribution& d) { return d.family->face(d.parameters); }

}  // namespace fathom
