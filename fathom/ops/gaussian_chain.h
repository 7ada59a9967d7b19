// Chains of gaussian states along sequences of rows (kernels/gaussian_chain.h): one forward
// recursion and its adjoint, which is the smoother.
#pragma once

#include "fathom/ops/linalg.h"

namespace fathom {

// Of states of n elements. Inputs: natural parameters of the state of a row, [n] and [n, n]; of the
// one before, the same; of the pair, [n, n], this row's axis first; each with rows or one for all
// of them; where sequences begin [row]. Outputs, of each row: what it adds to the log-normaliser;
// mean and covariance; of the row before; the covariance of this row with it.
struct LinkedChainNorm {
  static constexpr OpDoc doc{.name = "linked_chain_norm",
                             .brief = "log-normaliser of linked gaussian states, and its gradient",
                             .domain = "precision of all states positive definite; otherwise NaN",
                             .grad = "dy times the statistics",
                             .ulp = 64};
  static constexpr OpKind kind = OpKind::sequences;
  static constexpr int arity = 6, outputs = 6, marks = 5;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c);
  // Nothing is learned through the other outputs.
  static Grads vjp(const auto& c);
};

// Of states of n elements that follow x_t = A x_{t-1} + R e_t, e of r elements, no more than n.
// Inputs: natural parameters of the state of a row, [n] and [n, n], and of e, [r] and [r, r], each
// with rows or one for all of them; A [n, n], R [n, r], where sequences begin [row]. Outputs, of
// each row: what it adds to the log-normaliser; mean and covariance of its state, and of e, 0 where
// a sequence begins.
struct DrivenChainNorm {
  static constexpr OpDoc doc{.name = "driven_chain_norm",
                             .brief = "log-normaliser of driven gaussian states, and its gradient",
                             .domain =
                                 "J and W positive semidefinite, of all states and e together "
                                 "positive definite; otherwise NaN",
                             .grad = "dy times the statistics",
                             .ulp = 64};
  static constexpr OpKind kind = OpKind::sequences;
  static constexpr int arity = 7, outputs = 5, marks = 6;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c);
  static Grads vjp(const auto& c);
};

// The outputs by name.
struct LinkedParts {
  Value log_norm, mean, covariance, mean_before, covariance_before, cross;
};
LinkedParts linked_parts(std::span<const Value> natural, Value begins);
struct DrivenParts {
  Value log_norm, mean, covariance, drive, drive_covariance;
};
DrivenParts driven_parts(std::span<const Value> natural, Value motion, Value reach, Value begins);

// The adjoint `dy` [row] times a statistic of each row, for an input of this shape.
Value weighted_statistic(Value dy, Value statistic, const Shape& input);

Grads LinkedChainNorm::vjp(const auto& c) {
  for (std::size_t k = 1; k < c.dys.size(); ++k)
    if (c.dys[k])
      raise<ShapeError>("[linked_chain_norm] only its log-normaliser is differentiated, and once");
  const Value dy = c.dys[0], mean = c.ys[1], before = c.ys[3];
  const auto of = [&](int k, Value v) {
    return weighted_statistic(dy, v, c.x[std::size_t(k)].shape());
  };
  return {of(0, mean),
          of(1, c.ys[2] + outer_product(mean, mean)),
          of(2, before),
          of(3, c.ys[4] + outer_product(before, before)),
          of(4, c.ys[5] + outer_product(mean, before)),
          {}};
}

Grads DrivenChainNorm::vjp(const auto& c) {
  for (std::size_t k = 1; k < c.dys.size(); ++k)
    if (c.dys[k])
      raise<ShapeError>("[driven_chain_norm] only its log-normaliser is differentiated, and once");
  const Value dy = c.dys[0], mean = c.ys[1], drive = c.ys[3];
  const auto of = [&](int k, Value v) {
    return weighted_statistic(dy, v, c.x[std::size_t(k)].shape());
  };
  return {of(0, mean),
          of(1, c.ys[2] + outer_product(mean, mean)),
          of(2, drive),
          of(3, c.ys[4] + outer_product(drive, drive)),
          {},
          {},
          {}};
}

}  // namespace fathom
