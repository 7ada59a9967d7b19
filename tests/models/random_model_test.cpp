// Laws of coordinate ascent over random conjugate models.
#include "tests/models/random_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include <fmt/ranges.h>

namespace fathom::test {
namespace {

constexpr int kModels = 1000;

TEST(RandomModels, One) {
  const char* which = std::getenv("SEED");
  if (!which) return;
  RandomModel r{std::uint64_t(std::atoi(which))};
  for (const auto& [what, n] : r.counts) fmt::print("{} {}; ", what, n);
  for (std::size_t i = 0; i < r.model.size(); ++i) {
    const ExprInfo& e = r.model.info(int(i));
    fmt::print("\n{} {} kind {} event {} plates {} inputs ", i, e.name, int(e.kind), e.event.text(), fmt::join(e.plates, ","));
    for (const Expr& x : e.inputs) fmt::print("{} ", x.index());
    if (const LatentInfo* z = r.model.latent_of(int(i))) {
      fmt::print(" ~ {} ", z->prior.text);
      for (const Arg& a : z->prior.args) a.expr() ? fmt::print("#{} ", a.expr().index()) : fmt::print("{} ", a.value());
    }
  }
  for (const ObservedInfo& o : r.model.observed()) {
    fmt::print("\n{} #{} ~ {} ", o.name, o.value.index(), o.likelihood.text);
    for (const Arg& a : o.likelihood.args) a.expr() ? fmt::print("#{} ", a.expr().index()) : fmt::print("{} ", a.value());
  }
  fmt::print("\n");
  State state;
  Workers one(1);
  CoordinateClimb climb(r.model, r.data, state, r.options);
  fmt::print("blocks ");
  for (const auto& b : climb.blocks()) fmt::print("[{}] ", fmt::join(b, ","));
  for (int sweep = 0; sweep < 4; ++sweep) {
    for (const auto& [name, value] : climb.terms(one)) fmt::print("{} {}  ", name, value);
    fmt::print("\n sweep {}\n", climb.sweep(one));
  }
}

TEST(RandomModels, Survey) {
  std::map<std::string, int> counts, faults;
  for (int seed = 0; seed < kModels; ++seed) {
    try {
      RandomModel r{std::uint64_t(seed)};
      for (const auto& [what, n] : r.counts) counts[what] += n;
      State state;
      Workers one(1);
      CoordinateClimb climb(r.model, r.data, state, r.options);
      double last = r.start.empty() || r.counts.count("scalar latent of rows") || r.counts.count("vector latent of rows") ? climb.elbo(one) : climb.start(r.start, one);
      for (int sweep = 0; sweep < 4; ++sweep) {
        const double now = climb.sweep(one);
        double size = 0;
        for (const auto& [name, value] : climb.terms(one)) size += std::abs(value);
        if (!(now >= last - 1e-10 * size)) {
          ++faults["falls"];
          fmt::print("seed {} sweep {}: {} -> {} stat {} mode {} sites {} pts {}: ", seed, sweep, last, now, climb.keeps_statistics(), int(r.options.factors), r.sites, r.options.points.size());
          for (const auto& [w, n] : r.counts) fmt::print("{} {}; ", w, n);
          fmt::print("\n");
          break;
        }
        last = now;
      }
    } catch (const std::exception& e) {
      if (++faults[std::string(e.what()).substr(0, 20)] <= 3) fmt::print("seed {}: {}\n", seed, e.what());
    }
  }
  for (const auto& [what, n] : counts) fmt::print("{:40} {}\n", what, n);
  for (const auto& [what, n] : faults) fmt::print("FAULT {:6} {}\n", n, what);
}

}  // namespace
}  // namespace fathom::test
