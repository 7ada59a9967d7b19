// States of sequences of rows, each given the one before: hidden Markov models. The statistics are
// the state of a row, the pair of states that leads into it or, where a sequence begins, the state
// again, and nothing more; which is what the last one is for, whose natural parameter says where
// that is.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Chain {
  static constexpr FamilyDoc doc{.name = "chain",
                                 .brief = "states of sequences, each given the one before",
                                 .support = Support::category,
                                 .source = "Rabiner 1989; Beal 2003, section 3.4",
                                 .event_axes = 1,
                                 .sequences = true};
  static constexpr ParameterDoc parameters[] = {
      {"start", Support::simplex, "of the first state", ParameterDoc::Needs::log},
      {"move", Support::simplex, "of the next state, a row for each", ParameterDoc::Needs::log},
      {"begins", Support::bit, "1 on the first row of a sequence, else 0"}};
  static constexpr int stat_axes[] = {1, 2, 1, 0};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value first = sum_last(x.statistics[1] * floored(p[0].expected_log()));
    const Value moved = sum_last(x.statistics[0] * floored(p[1].expected_log()), 2);
    return first + moved + x.statistics[2] * p[2].mean;
  }

  static Values leaves(const Face& f) {
    return {f.mean, f.statistics[0], f.statistics[1], f.statistics[2]};
  }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g.begin(), g.end()};
  }
  static Face face_of_leaves(std::span<const Value> m) {
    Face f = Face::real(m[0], m[0] * (1.0 - m[0]));
    f.statistics = {m[1], m[2], m[3]};
    return f;
  }
  static Values expected_stats(std::span<const Value> m) { return {m[0], m[1], m[2]}; }
  // Leaves of states that are independent of each other, by the probabilities m[0].
  static Values completed(std::span<const Value> m, std::span<const Value> n) {
    const Value probabilities = log(max(m[0], like(m[0], 1e-300)));
    const auto none = [&](const Shape& s) { return broadcast_to(like(m[0], 0.0), s); };
    const ChainParts c =
        chain_parts(probabilities, none(n[1].shape().events()), n[3], none(m[0].shape().events()));
    return {m[0], outer_product(c.before, c.after), where_begins(m[0], n[3]), none(n[3].shape())};
  }

  // Of q: its face, and the natural parameters.
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const ChainParts c = parts(n);
    return member(n, c.states, outer_product(c.before, c.after) * exp(n[1]));
  }
  static Face face(std::span<const Face> p) { return p[0]; }
  static Value entropy(std::span<const Face> p) {
    const Value a = p[1].mean, zero = like(a, 0.0);
    const Value met = where(equal(p[0].mean, zero), zero, p[0].mean * a);
    return log_norm(Values{a, p[2].mean, p[3].mean, p[4].mean}) - sum_last(met) -
           sum_last(p[0].statistics[0] * p[2].mean, 2) - sum_last(p[0].statistics[1] * p[3].mean);
  }
  static Value log_norm(std::span<const Value> n) { return parts(n).log_norm; }
  // The likeliest path (Viterbi 1967): the best of <natural, stats>, and its states as a face.
  static Value best_norm(std::span<const Value> n) { return parts(n, true).log_norm; }
  static std::vector<Face> best(std::span<const Value> n) {
    const ChainParts c = parts(n, true);
    return member(n, c.states, outer_product(c.before, c.after));
  }

 private:
  static ChainParts parts(std::span<const Value> n, bool best = false) {
    return chain_parts(n[0], n[1], n[3], n[2], best);
  }
  static std::vector<Face> member(std::span<const Value> n, Value states, Value pairs) {
    std::vector<Face> out = {
        face_of_leaves(Values{states, pairs, where_begins(states, n[3]), like(states, 0.0)})};
    for (const Value& v : n) out.push_back(Face::at(v));
    return out;
  }
  // Logarithms of zeros are -690.8: a factor of zero is then no trouble.
  static Value floored(Value logs) { return max(logs, like(logs, -690.7755278982137)); }
};

}  // namespace fathom
