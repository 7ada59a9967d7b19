// Gaussian states of sequences of rows, each linear in the one before: linear dynamical systems
// whose motion is learned,
//
//   x_1 ~ N(first, diag(first precision)^-1),   x_ti ~ N(move_i' x_{t-1} + shift_ti, 1 / noise_i).
//
// Move, noise and shift may be those of a choice of the row: switching dynamics. A first precision
// of 0 is a flat prior, of density (2 pi)^(-1/2). Statistics are the state of a row, that of the
// row before and the pair's products, 0 where a sequence begins; as centred moments, so that no
// digits are lost far from the origin. The last one is nothing: its natural parameter says where
// sequences begin.
#pragma once

#include "fathom/dist/families/mvnormal.h"
#include "fathom/ops/gaussian_chain.h"

namespace fathom {

struct LinkedChain {
  static constexpr FamilyDoc doc{.name = "linked_chain",
                                 .brief = "vectors along sequences, each linear in the one before",
                                 .support = Support::vector,
                                 .source = "Ghahramani & Hinton 1996; Beal 2003, chapter 5",
                                 .event_axes = 1,
                                 .sequences = true};
  static constexpr ParameterDoc parameters[] = {
      {"first", Support::vector, "mean of the first state"},
      {"first_precision", Support::positive, "of its elements; 0: nothing is known"},
      {"move", Support::matrix, "a row for each element of the next state",
       ParameterDoc::Needs::mean_variance},
      {"noise", Support::positive, "precisions of the elements of a step",
       ParameterDoc::Needs::mean_log},
      {"begins", Support::bit, "1 on the first row of a sequence, else 0"},
      {"shift", Support::vector, "of the mean of each state but the first",
       ParameterDoc::Needs::mean_variance}};
  static constexpr int stat_axes[] = {1, 2, 1, 2, 2, 0};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (x.statistics.size() != 4)
      raise<ShapeError>("[linked_chain] wants the face of states along sequences");
    const Value before = x.statistics[0], spread_before = x.statistics[1], cross = x.statistics[2];
    const Value move = p[2].mean, noise = p[3].mean, begins = p[4].mean;
    const Value goes = 1.0 - begins;
    const Value first = first_of(x.mean - p[0].mean, diagonal(x.covariance), p[1].mean);
    if (!p[2].statistics.empty())
      return first * begins + together(x, goes, p[2].statistics) + x.statistics[3] * begins;
    const double n = double(x.mean.shape().extent(x.mean.shape().rank() - 1));
    // Where a sequence begins the moments of the row before are 0, and so shall be those of this.
    const Value row = on_events(goes, x.mean);
    Value step = x.mean * row - moved(before, move);
    if (!is_zero(p[5])) step = step - p[5].mean * row;
    Value distance = fathom::square(step);
    if (p[5].variance) distance = distance + p[5].variance * row;
    const Value scaled = move * as_column(noise);
    Value second = matmul(scaled, move, true);
    // Of a factor, as a whole matrix, whose product with what rows hold may be summed over them.
    Value square = sum_last(distance * noise);
    if (p[3].random) {
      square = square + sum_last(x.covariance * diagonal_matrix(noise), 2) * goes;
    } else {
      square = square + sum_last(diagonal(x.covariance) * noise) * goes;
    }
    if (const Value c = covariance_of(p[2])) {
      const Value each = c * as_column(as_column(noise));
      const Value spread = sum(each, each.shape().labelled(), 1);
      second = second + spread;
      square = square + sum_last(before * moved(before, spread));
    }
    square = square + sum_last(spread_before * second, 2) - sum_last(cross * scaled, 2) * 2.0;
    const Value level = (sum_last(p[3].expected_log()) * 0.5 - n * kHalfLogTwoPi) * goes;
    return first * begins + level - square * 0.5 + x.statistics[3] * begins;
  }

  static Values leaves(const Face& f) {
    return {f.mean,          f.covariance,    f.statistics[0],
            f.statistics[1], f.statistics[2], f.statistics[3]};
  }
  // F is quadratic in the means of both rows, and affine in the rest.
  static Values natural_from_gradient(std::span<const Value> m, std::span<const Value> g) {
    const Value half = symmetric(g[1]), half_before = symmetric(g[3]), link = g[4];
    return {g[0] - moved(m[0], half) * 2.0 - moved(m[2], link),
            half,
            g[2] - moved(m[2], half_before) * 2.0 - moved(m[0], transpose(link)),
            half_before,
            link,
            g[5]};
  }
  static Face face_of_leaves(std::span<const Value> m) {
    Face f = Face::real(m[0], diagonal(m[1]));
    f.covariance = m[1];
    f.statistics = {m[2], m[3], m[4], m[5]};
    return f;
  }
  static Values expected_stats(std::span<const Value> m) {
    return {m[0], m[1] + outer_product(m[0], m[0]), m[2], m[3] + outer_product(m[2], m[2]),
            m[4] + outer_product(m[0], m[2])};
  }

  // Of q: its face, and the natural parameters.
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const LinkedParts c = linked_parts(n, n[5]);
    std::vector<Face> out = {face_of_leaves(Values{c.mean, c.covariance, c.mean_before,
                                                   c.covariance_before, c.cross, like_zero(n[5])})};
    for (const Value& v : n) out.push_back(Face::at(v));
    return out;
  }
  static Face face(std::span<const Face> p) { return p[0]; }
  static Value entropy(std::span<const Face> p) {
    return less_met(log_norm(natural_of(p)), expected_stats(leaves(p[0])), p);
  }
  static Value log_norm(std::span<const Value> n) { return linked_parts(n, n[5]).log_norm; }

  // Of from_natural(): the natural parameters, and `h` less <stats, natural>.
  static Values natural_of(std::span<const Face> p) {
    Values n;
    for (std::size_t k = 1; k < p.size(); ++k) n.push_back(p[k].mean);
    return n;
  }
  static Value less_met(Value h, const Values& stats, std::span<const Face> p) {
    for (std::size_t k = 0; k < stats.size(); ++k) h = h - sum_events(stats[k] * p[k + 1].mean);
    return h;
  }
  // log p of the first state by its distance from the mean, element by element.
  static Value first_of(Value distance, Value variance, Value precision) {
    const Value zero = like(precision, 0.0);
    const Value level =
        where(equal(precision, zero), zero, log(max(precision, like(precision, 1e-300))) * 0.5);
    return sum_last(level - (square(distance) + variance) * precision * 0.5 - kHalfLogTwoPi);
  }
  // x m', row by row.
  static Value moved(Value x, Value m) {
    if (m.shape().labelled() > 0) return matrix_vector(m, x);
    return contract(x, m, 0, 1, false, true);
  }
  static Value symmetric(Value g) { return (g + transpose(g)) * 0.5; }
  static Value like_zero(Value v) { return broadcast_to(like(v, 0.0), v.shape()); }
  static Value as_column(Value v) { return reshape(v, v.shape().with_back(1)); }
  // A number of each row beside a vector of each.
  static Value on_events(Value v, Value like) { return broadcast_to(as_column(v), like.shape()); }
  // log p of a step by moments `t` of a motion M, [n, n] by columns, and the precision matrix L of
  // its noise: L, M L, M L M' and log |L|.
  static Value together(const Face& x, Value goes, const Values& t) {
    const Value before = x.statistics[0];
    const auto second = [](Value spread, Value a, Value b) { return spread + outer_product(a, b); };
    const auto met = [](Value a, Value b) { return sum_last(a * b, 2); };
    const Value precision = reshape(t[0], t[0].shape().without(t[0].shape().labelled())),
                level = reshape(t[3], Shape(t[3].shape().plates()));
    const Value square = met(second(x.covariance, x.mean, x.mean), precision) * goes +
                         met(second(x.statistics[1], before, before), t[2]) -
                         met(second(x.statistics[2], x.mean, before), transpose(t[1])) * 2.0;
    const double n = double(precision.shape().extent(precision.shape().rank() - 1));
    return (level * 0.5 - n * kHalfLogTwoPi) * goes - square * 0.5;
  }
  static bool is_zero(const Face& f) {
    double v = 1;
    return !f.random && f.mean.graph().uniform_value(f.mean.id(), &v) && v == 0;
  }
  static Value covariance_of(const Face& f) {
    if (f.covariance || !f.variance) return f.covariance;
    return diagonal_matrix(broadcast_to(f.variance, f.mean.shape()));
  }
};

}  // namespace fathom
