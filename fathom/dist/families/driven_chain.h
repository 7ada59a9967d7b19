// Gaussian states of sequences of rows that follow a known motion, driven by noise that need not
// reach all of them: structural time series,
//
//   x_1 ~ N(0, diag(first precision)^-1),   x_t = motion x_{t-1} + reach e_t,   e_ti ~ N(0, 1 /
//   noise_i).
//
// A first precision of 0 is a flat prior, of density (2 pi)^(-1/2). Statistics are the state and e
// of a row, the latter 0 where a sequence begins. Motion, reach and where sequences begin are no
// statistics, yet a conditional learns them from its prior, as the structure of a network
// (discrete_network.h): they have a place among the natural parameters, and what they add to a
// prior is zero.
#pragma once

#include "fathom/dist/families/linked_chain.h"

namespace fathom {

struct DrivenChain {
  static constexpr FamilyDoc doc{.name = "driven_chain",
                                 .brief = "vectors along sequences by a known motion and noise",
                                 .support = Support::vector,
                                 .source = "Harvey 1989, chapters 2 and 4",
                                 .event_axes = 1,
                                 .relative = true,
                                 .sequences = true,
                                 .shaped_by_prior = true};
  static constexpr ParameterDoc parameters[] = {
      {"motion", Support::matrix, "of a state to the next"},
      {"reach", Support::matrix, "of each noise on the elements of the state"},
      {"noise", Support::positive, "precisions of what drives a step",
       ParameterDoc::Needs::mean_log},
      {"first_precision", Support::positive, "of the first state's elements; 0: nothing is known"},
      {"begins", Support::bit, "1 on the first row of a sequence, else 0"}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (x.statistics.size() != 5)
      raise<ShapeError>("[driven_chain] wants the face of states along sequences");
    const Value drive = x.statistics[0], spread = x.statistics[1], noise = p[2].mean,
                begins = p[4].mean;
    const double r = double(drive.shape().extent(drive.shape().rank() - 1));
    const Value first = LinkedChain::first_of(x.mean, diagonal(x.covariance), p[3].mean);
    const Value level = sum_last(p[2].expected_log()) * 0.5 - r * kHalfLogTwoPi;
    return first * begins + level * (1.0 - begins) -
           sum_last((square(drive) + diagonal(spread)) * noise) * 0.5 +
           sum_last(x.statistics[2] * p[0].mean, 2) + sum_last(x.statistics[3] * p[1].mean, 2) +
           x.statistics[4] * begins;
  }
  // Of what shapes the statistics are.
  static Values natural(std::span<const Face> p) {
    const Value motion = p[0].mean, noise = p[2].mean;
    return {diagonal(motion) * 0.0,
            motion * 0.0,
            noise * 0.0,
            diagonal_matrix(noise) * 0.0,
            motion,
            p[1].mean,
            p[4].mean};
  }

  static Values leaves(const Face& f) {
    Values m = {f.mean, f.covariance};
    m.insert(m.end(), f.statistics.begin(), f.statistics.end());
    return m;
  }
  static Values natural_from_gradient(std::span<const Value> m, std::span<const Value> g) {
    const Value half = LinkedChain::symmetric(g[1]), half_drive = LinkedChain::symmetric(g[3]);
    return {g[0] - LinkedChain::moved(m[0], half) * 2.0,
            half,
            g[2] - LinkedChain::moved(m[2], half_drive) * 2.0,
            half_drive,
            g[4],
            g[5],
            g[6]};
  }
  static Face face_of_leaves(std::span<const Value> m) {
    Face f = Face::real(m[0], diagonal(m[1]));
    f.covariance = m[1];
    f.statistics = {m[2], m[3], m[4], m[5], m[6]};
    return f;
  }
  static Values expected_stats(std::span<const Value> m) {
    return {m[0], m[1] + outer_product(m[0], m[0]), m[2], m[3] + outer_product(m[2], m[2])};
  }

  static std::vector<Face> from_natural(std::span<const Value> n) {
    const DrivenParts c = driven_parts(n, n[4], n[5], n[6]);
    std::vector<Face> out = {face_of_leaves(
        Values{c.mean, c.covariance, c.drive, c.drive_covariance, LinkedChain::like_zero(n[4]),
               LinkedChain::like_zero(n[5]), LinkedChain::like_zero(n[6])})};
    for (const Value& v : n) out.push_back(Face::at(v));
    return out;
  }
  static Face face(std::span<const Face> p) { return p[0]; }
  static Value entropy(std::span<const Face> p) {
    return LinkedChain::less_met(log_norm(LinkedChain::natural_of(p)), expected_stats(leaves(p[0])),
                                 p);
  }
  static Value log_norm(std::span<const Value> n) {
    return driven_parts(n, n[4], n[5], n[6]).log_norm;
  }
};

}  // namespace fathom
