// Laws of coordinate ascent over random conjugate models.
#include "tests/models/random_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/autodiff/gradient.h"
#include "fathom/exec/reference.h"
#include "fathom/ops/substitute.h"
#include "tests/laws/support.h"
#include "tests/models/points.h"

namespace fathom::test {
namespace {

constexpr int kModels = 1000;

struct Climb {
  RandomModel r;
  State state;
  CoordinateClimb climb;

  explicit Climb(int seed, RandomModel::Variant variant = RandomModel::Variant::plain)
      : r(std::uint64_t(seed), variant), climb(r.model, r.data, state, r.options) {}

  // Whether latents of rows are choices alone, so that a start can be given.
  bool startable() const {
    return !r.start.empty() && !r.counts.count("scalar latent of rows") &&
           !r.counts.count("vector latent of rows");
  }
  double begin(Workers& workers) {
    return startable() ? climb.start(r.start, workers) : climb.elbo(workers);
  }
  // The sum of the sizes of all terms, and their sum.
  std::pair<double, double> size(Workers& workers) {
    double size = 0, total = 0;
    for (const auto& [name, value] : climb.terms(workers)) {
      size += std::abs(value);
      total += value;
    }
    return {size, total};
  }
};

bool same_state(const State& a, const State& b) {
  for (const auto& [name, array] : a.slots()) {
    const Array* other = b.find(name);
    if (!other || other->bytes() != array.bytes() ||
        (array.bytes() > 0 && std::memcmp(other->raw(), array.raw(), array.bytes()) != 0))
      return false;
  }
  return true;
}

class RandomModels : public testing::TestWithParam<int> {
 protected:
  static constexpr int kBlock = 100;
  template <class F>
  void each(F&& f) {
    for (int i = 0; i < kBlock; ++i) {
      const int seed = GetParam() * kBlock + i;
      SCOPED_TRACE(fmt::format("seed {}", seed));
      ASSERT_NO_THROW(f(seed));
      if (HasFatalFailure()) return;
    }
  }
  Workers one{1};
};

// No sweep lowers the bound; the terms add up to it, and so do statistics where they are kept.
TEST_P(RandomModels, SweepsRaiseTheBoundAndTermsAddUpToIt) {
  each([&](int seed) {
    Climb c(seed);
    double last = c.begin(one);
    for (int sweep = 0; sweep < 4; ++sweep) {
      const double now = c.climb.sweep(one);
      const auto [size, total] = c.size(one);
      ASSERT_GE(now, last - 1e-10 * size) << "sweep " << sweep;
      const double best = c.climb.elbo(one);
      ASSERT_NEAR(total, best, 1e-12 * size);
      ASSERT_GE(best, now - 1e-10 * size);
      last = now;
    }
    if (!c.climb.keeps_statistics() || c.climb.has_sites()) return;
    const double beyond = c.climb.collect(one), kept = beyond + c.climb.statistics_bound(one);
    ASSERT_NEAR(kept, c.climb.elbo(one), 1e-10 * c.size(one).first);
  });
}

// The terms by moments are those by points.
TEST_P(RandomModels, TermsAreExpectedLogDensities) {
  each([&](int seed) {
    Climb c(seed);
    if (c.r.options.factors != Factors::mean_field || !c.r.options.points.empty()) return;
    c.begin(one);
    for (int sweep = 0; sweep < 2; ++sweep) c.climb.sweep(one);
    const auto terms = compare_terms(c.r, c.state);
    for (const auto& [name, t] : terms)
      ASSERT_NEAR(t.by_moments, t.by_points, 1e-8 * (1 + std::abs(t.by_points))) << name;
  });
}

// What a factor is set to does not depend on where it is: F is affine in its statistics.
TEST_P(RandomModels, UpdatesDoNotDependOnTheFactorItself) {
  each([&](int seed) {
    Climb c(seed);
    if (c.r.options.factors != Factors::mean_field || !c.r.affine) return;
    c.begin(one);
    c.climb.sweep(one);
    Graph g(op_table());
    LowerOptions options;
    options.capacity = c.r.data.rows;
    options.factors = Factors::mean_field;
    options.collapse = true;
    Lowering lowering(c.r.model, g, options);
    Value f;
    const auto add = [&](Value v) { f = f ? f + v : v; };
    for (const Term& t : lowering.terms())
      if (t.kind != Term::Kind::entropy && !t.local) add(sum(t.value));
    if (const Lowering::Given given = lowering.given_locals(); given.expected) add(given.expected);
    std::vector<Value> asked;
    std::vector<std::size_t> first;
    std::vector<const LatentInfo*> latents;
    for (const LatentInfo& z : c.r.model.latents()) {
      if (c.r.model.streamed(c.r.model.info(z.expr))) continue;
      const std::vector<Value> leaves = z.prior.family->leaves(lowering.moments(z));
      latents.push_back(&z);
      first.push_back(asked.size());
      for (const Value& v : z.prior.family->natural_from_gradient(leaves, gradient(f, leaves)))
        asked.push_back(v);
    }
    first.push_back(asked.size());
    Stream random{std::uint64_t(seed) + 5000};
    Bindings b;
    for (const auto& [name, array] : c.r.data.columns) b["data." + name] = array;
    for (const InputInfo& i : g.graph_inputs()) {
      if (i.kind == InputKind::slot) b[i.name] = *c.state.find(i.name);
      if (i.name.rfind("local.", 0) != 0) continue;
      Array a(DType::f64, g.shape(i.node));  // positive, on a diagonal where it is a matrix
      const Shape events = a.shape().events();
      for (std::int64_t k = 0; k < a.size(); ++k) {
        const std::int64_t at = k % events.size(), d = events.rank() > 0 ? events.extent(0) : 1;
        const bool off = events.rank() == 2 && at / d != at % d;
        a.data<double>()[k] = off ? 0 : random.between(0.1, 0.9);
      }
      b[i.name] = a;
    }
    const std::vector<Array> here = evaluate_reference(g, asked, b);
    for (std::size_t z = 0; z < latents.size(); ++z) {
      Bindings there = b;
      const FamilyInfo* family_of = latents[z]->prior.family;
      const std::string name = c.r.model.info(latents[z]->expr).name;
      for (std::size_t k = 0; k < first[z + 1] - first[z]; ++k) {
        const std::string slot = fmt::format("{}.natural.{}", name, k);
        Array moved = there.at(slot).copy();
        const double by = k == 0 || family_of->doc.support == Support::joint ? 1.4 : 1.9;
        for (std::int64_t i = 0; i < moved.size(); ++i) moved.data<double>()[i] *= by;
        there[slot] = moved;
      }
      const auto own = std::vector<Value>(asked.begin() + std::int64_t(first[z]),
                                          asked.begin() + std::int64_t(first[z + 1]));
      const std::vector<Array> moved = evaluate_reference(g, own, there);
      for (std::size_t k = 0; k < own.size(); ++k)
        ASSERT_EQ(first_difference(moved[k], here[first[z] + k], 1e-9, 10), "") << name << " " << k;
    }
  });
}

// P3: the slopes of the bound with latents of rows integrated out are those of the bound with these
// given, where they are at their optimum (the envelope theorem).
TEST_P(RandomModels, CollapsedSlopesAreTheStatisticsOfTwoSteps) {
  each([&](int seed) {
    Climb c(seed);
    if (c.r.options.factors != Factors::mean_field) return;
    c.begin(one);
    c.climb.sweep(one);
    Graph g(op_table());
    LowerOptions options;
    options.capacity = c.r.data.rows;
    options.factors = Factors::mean_field;
    options.points = c.r.options.points;
    options.collapse = true;
    Lowering lowering(c.r.model, g, options);
    lowering.terms();
    const Lowering::Given given = lowering.given_locals();
    if (!given.expected) return;
    std::vector<Value> leaves;
    for (const LatentInfo& z : c.r.model.latents())
      if (!c.r.model.streamed(c.r.model.info(z.expr)))
        for (const Value& v : z.prior.family->leaves(lowering.moments(z))) leaves.push_back(v);
    const std::vector<Value> collapsed = gradient(sum(lowering.evidence()), leaves);
    const std::vector<Value> steps =
        substitute(gradient(given.expected, leaves), given.leaves, given.optimum);
    Bindings b;
    for (const auto& [name, array] : c.r.data.columns) b["data." + name] = array;
    for (const InputInfo& i : g.graph_inputs())
      if (i.kind == InputKind::slot) b[i.name] = *c.state.find(i.name);
    const std::vector<Array> one_step = evaluate_reference(g, collapsed, b),
                             two_steps = evaluate_reference(g, steps, b);
    for (std::size_t k = 0; k < leaves.size(); ++k)
      ASSERT_EQ(first_difference(one_step[k], two_steps[k], 1e-9, 10), "") << k;
  });
}

// P12 and P11: the same bits for any number of threads, and from a state that was kept.
TEST_P(RandomModels, ThreadsAndInterruptionsChangeNoBit) {
  Workers two(2), three(3);
  each([&](int seed) {
    Climb c(seed);
    c.climb.sweep(one);  // makes all slots
    const State fresh = c.state.copy();
    std::vector<double> bounds;
    State after;
    for (Workers* w : {&one, &two, &three}) {
      if (w == &three && seed % 4 > 0) continue;
      c.state.assign(fresh);
      std::vector<double> now = {c.begin(*w), c.climb.sweep(*w)};
      const State kept = c.state.copy();
      now.push_back(c.climb.sweep(*w));
      if (w == &one) {
        bounds = now;
        after = c.state.copy();
        if (seed % 4 > 0) continue;
        State resumed = kept.copy();
        CoordinateClimb again(c.r.model, c.r.data, resumed, c.r.options);
        ASSERT_EQ(again.sweep(one), bounds[2]);
        ASSERT_TRUE(same_state(resumed, after));
        continue;
      }
      ASSERT_EQ(now, bounds) << w->size() << " threads";
      ASSERT_TRUE(same_state(c.state, after));
    }
  });
}

// P6: a row of weight two is the row twice.
TEST_P(RandomModels, WeightsAreCounts) {
  each([&](int seed) {
    RandomModel look{std::uint64_t(seed)};
    if (!look.weighed) return;
    Climb weighed(seed), counted(seed, RandomModel::Variant::duplicated);
    const double size = weighed.size(one).first;
    ASSERT_NEAR(weighed.begin(one), counted.begin(one), 1e-10 * size);
    for (int sweep = 0; sweep < 3; ++sweep)
      ASSERT_NEAR(weighed.climb.sweep(one), counted.climb.sweep(one),
                  1e-10 * (size + weighed.size(one).first));
  });
}

// P5: nothing observed leaves the prior, and the bound is log 1; where latents depend on each
// other, the bound is below it.
TEST_P(RandomModels, NothingObservedIsThePrior) {
  each([&](int seed) {
    Climb c(seed, RandomModel::Variant::gone);
    if (!c.r.maskable || c.r.options.factors != Factors::mean_field || !c.r.options.points.empty())
      return;
    const State prior = c.state.copy();
    const double before = c.climb.elbo(one), size = 1 + c.size(one).first;
    ASSERT_LE(before, 1e-10 * size);
    const double bound = c.climb.sweep(one);
    ASSERT_LE(bound, 1e-10 * size);
    if (!c.r.flat || c.r.hidden_cells) return;  // the cells have a factor of their own
    ASSERT_NEAR(bound, 0, 1e-10 * size);
    for (const auto& [name, array] : prior.slots())
      if (name.find(".natural.") != std::string::npos && name.find(".old") == std::string::npos) {
        ASSERT_EQ(first_difference(*c.state.find(name), array, 1e-10), "") << name;
      }
  });
}

// P9: without priors this is EM, which never lowers the likelihood.
TEST_P(RandomModels, LikelihoodsRiseWithoutPriors) {
  each([&](int seed) {
    RandomModel r{std::uint64_t(seed)};
    if (r.global_choice) return;  // a choice has no mode
    for (const LatentInfo& z : r.model.latents())
      for (const Arg& a : z.prior.args)
        if (a.expr() && r.model.info(a.expr()).kind == ExprKind::latent &&
            !r.model.streamed(r.model.info(z.expr)))
          return;  // priors of priors: nothing would speak of these
    r.options.factors = Factors::likelihood;
    r.options.points.clear();
    State state;
    CoordinateClimb climb(r.model, r.data, state, r.options);
    double last = -INFINITY;
    for (int sweep = 0; sweep < 4; ++sweep) {
      const double now = climb.sweep(one);
      if (!std::isfinite(now)) break;  // no maximum: a normal on one row, weights nobody sees
      double size = 0;
      for (const auto& [name, value] : climb.terms(one)) size += std::abs(value);
      ASSERT_GE(now, last - 1e-10 * (size + 1)) << "sweep " << sweep;
      last = now;
    }
  });
}

TEST(RandomModel, HasEverythingOften) {
  std::map<std::string, int> counts;
  for (int seed = 0; seed < kModels; ++seed)
    for (const auto& [what, n] : RandomModel(std::uint64_t(seed)).counts) counts[what] += n;
  for (const auto& [what, n] : counts) {
    fmt::print("{:32} {}\n", what, n);
    EXPECT_GE(n, 30) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, RandomModels, testing::Range(0, kModels / 100));

}  // namespace
}  // namespace fathom::test
