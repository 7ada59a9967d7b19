// The states of the variables of a discrete Bayesian network, by the tables of each given its
// parents, of which terms see the logarithms. Values are indicators of the states of all variables,
// side by side, [..., states], or a face whose mean holds their probabilities (kernels/network.h
// says how states, tables and structure lie).
//
// log p = <families, log tables>: the statistics of a member are the indicators of each variable's
// state with those of its parents. Conditionals given data are members too, with potentials on
// states and with cells: what was seen, indicators, 0 for all states of a variable that was not. A
// term that observes states reads E log of an indicator; its slope there is the cells, which rule
// states out exactly.
//
// The structure is no statistic, yet a conditional learns it from its prior, as the number of
// trials in polya_gamma.h: it has a place among the natural parameters, and what that adds to a
// prior is zero.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct DiscreteNetwork {
  static constexpr FamilyDoc doc{
      .name = "discrete_network",
      .brief = "states of a Bayesian network",
      .support = Support::joint,
      .source = "Cowell, Dawid, Lauritzen & Spiegelhalter 1999, chapter 6",
      .event_axes = 1,
      .relative = true,
      .shaped_by_prior = true};
  static constexpr ParameterDoc parameters[] = {
      {"tables", Support::simplex, "of each variable given its parents", ParameterDoc::Needs::log},
      {"structure", Support::counts, "NetworkStructure::numbers()"},
      {"potentials", Support::real, "added to the log probabilities of states"},
      {"cells", Support::counts, "1 at states that were seen"}};

  // Of tables that add up to one, and neither potentials nor cells.
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value log_tables = p[0].expected_log();
    if (x.statistics.size() != 2)
      raise<ShapeError>("[discrete_network] wants the face of a network's states");
    const Value one = x.statistics[0] * log_tables, none = x.statistics[1] * p[1].mean;
    return sum(one, one.shape().rank() - 1, 1) + sum(none, none.shape().rank() - 1, 1);
  }
  static Face face(std::span<const Face> p) {
    const Values n = natural(p);
    const NetworkOutputs q = network_norm(n[3], n[0], n[1], n[2]);
    const Value log_mean = log(max(q.marginals, like(q.marginals, 1e-300)));
    return face_of_leaves(Values{q.marginals, q.families, n[2] * 0.0, log_mean});
  }
  static Value entropy(std::span<const Face> p) {
    const Values n = natural(p);
    const NetworkOutputs q = network_norm(n[3], n[0], n[1], n[2]);
    const Value state = q.marginals * n[0], table = q.families * n[1];
    const int last = state.shape().rank() - 1;
    return q.log_norm - sum(state, last, 1) - sum(table, last, 1);
  }

  static Values leaves(const Face& f) { return {f.mean, f.statistics[0], f.statistics[1], f.log}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1], g[2], g[3]};
  }
  static Face face_of_leaves(std::span<const Value> m) {
    Face f{m[0], {}, m[3], true, {}, {}};
    f.statistics = {m[1], m[2]};
    return f;
  }
  static Values expected_stats(std::span<const Value> m) { return {m[0], m[1], m[2], m[3]}; }

  static Values natural(std::span<const Face> p) {
    return {p[2].mean, p[0].expected_log(), p[1].mean, p[3].mean};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(exp(n[1]), n[1]), Face::at(n[2]), Face::at(n[0]), Face::at(n[3])};
  }
  static Value log_norm(std::span<const Value> n) {
    return network_norm(n[3], n[0], n[1], n[2]).log_norm;
  }
};

}  // namespace fathom
