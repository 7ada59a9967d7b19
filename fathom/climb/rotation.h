// Parameter expansion. A product of states and loadings does not tell C x from (C R^-1)(R x), and
// each of the two holds the other, so that coordinate ascent turns both by small steps: thousands
// of sweeps. Here states of rows become R x, with whatever R makes the bound largest once all
// factors have been updated on what rows then say: a sweep with R = 1 among its choices, so that
// the bound rises by no less (Liu, Rubin & Wu 1998; Luttinen & Ilin 2010, for factor analysis;
// Luttinen 2013, for state spaces). Statistics of rows follow R without another pass over them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fathom/climb/site.h"

namespace fathom {

// E log p of rows by the leaves of their latents, once the states of one of them are multiplied by
// `rotation`, a slot [n, n] that stands for what is put in its place; and what changes nothing.
struct RotatedRows {
  Value given, rotation, none;
};
// `leaves` are those of `latent`. Throws ConfigError naming it where they are no means [row, n] and
// second moments about them.
RotatedRows rotate_rows(const std::string& latent, std::span<const Value> leaves, Value given);

class RotationStep {
 public:
  // The leaves that a factor has at other natural parameters.
  using Leaves = std::function<std::vector<Value>(const Factor& f, std::vector<Value> natural)>;

  // `expected` is E log p of `rows` rows by their statistics, `rotation` in it; factors are updated
  // in their order.
  RotationStep(Value expected, Value entropies, Value rotation, double rows,
               const std::vector<Factor>& factors, const Leaves& leaves, const MakeProgram& make);

  // Updates all factors at the best rotation found. Returns what statistics and factors then add
  // to the bound.
  double run(Workers& workers);

 private:
  // The bound at what step_ holds, and its gradient.
  double at(std::vector<double>* gradient, Workers& workers);

  double rows_;
  Array step_;  // from R = 1, as two triangles: see the constructor
  LazyProgram bound_, update_;
};

}  // namespace fathom
