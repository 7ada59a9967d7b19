// Positive, by shape and rate; conjugate to precisions and Poisson rates. Bishop 2006, appendix B.
// With one parameter it is both shape and rate: of mean one, as the scales of Student's t are.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Gamma {
  static constexpr FamilyDoc doc{.name = "gamma",
                                 .brief = "positive, skewed",
                                 .support = Support::positive,
                                 .source = "Bishop 2006, appendix B"};
  static constexpr ParameterDoc parameters[] = {
      {"shape", Support::positive, "k", ParameterDoc::Needs::log_gamma},
      {"rate", Support::positive, "1 / scale", ParameterDoc::Needs::mean_log}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value k = p[0].mean;
    const bool tied = p.size() == 1;
    const Value scale = tied ? p[0].expected_times_log() : k * p[1].expected_log(),
                rate = tied ? k : p[1].mean;
    return scale - p[0].expected_log_gamma() + (k - 1.0) * x.expected_log() - rate * x.mean;
  }
  static Face face(std::span<const Face> p) {
    Face f = Face::positive(p[0].mean / p[1].mean, digamma(p[0].mean) - log(p[1].mean));
    f.variance = p[0].mean / square(p[1].mean);
    return f;
  }

  static Values leaves(const Face& f) { return {f.log, f.mean}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1]};
  }
  static Face face_of_leaves(std::span<const Value> m) { return Face::positive(m[1], m[0]); }
  static Values expected_stats(std::span<const Value> m) { return {m[0], m[1]}; }

  // Statistics log x and x about the base measure 1: natural (k - 1, -rate).
  static Values stats(Value x) { return {log(x), x}; }
  static Values natural(std::span<const Face> p) {
    return {p[0].mean - 1.0, -(p.size() == 1 ? p[0] : p[1]).mean};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(n[0] + 1.0), Face::at(-n[1])};
  }
  static Face mode(std::span<const Value> n) { return Face::point_positive(relu(n[0]) / -n[1]); }
  static Values inside(std::span<const Value> n) { return {n[0] + 1.0, n[1]}; }  // at the mean
  static Value log_norm(std::span<const Value> n) {
    const Value k = n[0] + 1.0;
    return lgamma(k) - k * log(-n[1]);
  }
};

}  // namespace fathom
