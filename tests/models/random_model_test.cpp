// Laws of coordinate ascent over random conjugate models. The properties P1 to P12 that the
// reference asks for, and where each is asserted:
//
//   P1  no exact update lowers the bound        SweepsRaiseTheBoundAndTermsAddUpToIt
//   P2  an update is its closed form            TermsAreExpectedLogDensities with
//                                               UpdatesDoNotDependOnTheFactorItself: what is
//                                               climbed is the bound, and an update its gradient;
//                                               exact_test.cpp OneComponent, against formulas
//   P3  collapsed gradient = two-step sums      CollapsedSlopesAreTheStatisticsOfTwoSteps
//   P4  permutations                            NamesAndOrderDoNotMatter; translation and scale,
//                                               which priors must follow: zoo/invariance_test.cpp
//   P5  all masked: the prior and a bound of 0  NothingObservedIsThePrior
//   P6  a row twice = weight 2                  WeightsAreCounts
//   P7  one batch, rho 1 = a sweep; batches     BatchesAddUpToTheWhole
//       are unbiased
//   P8  no bound above the evidence             exact_test.cpp BoundsMixturesFromBelow; of no data,
//                                               whose evidence is 1: NothingObservedIsThePrior
//   P9  EM without priors raises likelihoods    LikelihoodsRiseWithoutPriors
//   P10 one component = exact evidence          exact_test.cpp OneComponent
//   P11 a kept state goes on bit for bit        ThreadsAndInterruptionsChangeNoBit
//   P12 threads change no bit                   ThreadsAndInterruptionsChangeNoBit
#include "tests/models/random_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/autodiff/gradient.h"
#include "fathom/climb/batches.h"
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

  bool startable() const { return !r.start.empty() && r.choices_alone; }
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
    if (c.r.nested) return;  // latents of a row depend on each other there
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

// Cells of what a term observes that are not missing.
std::int64_t cells_of(const RandomModel& r, const ObservedInfo& o) {
  const auto cells = r.data.columns.at(r.model.info(o.value).name).values<double>();
  return std::count_if(cells.begin(), cells.end(), [](double v) { return !std::isnan(v); });
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
      // No maximum: a normal on one row, weights nobody sees, cells that are met exactly. Cells are
      // of order one; densities of e^8 a cell are on their way to infinity.
      if (!std::isfinite(now)) break;
      bool endless = false;
      for (const auto& [name, value] : climb.terms(one))
        for (const ObservedInfo& o : r.model.observed())
          endless = endless || (o.name == name && value > 8 * double(cells_of(r, o)));
      if (endless) break;
      double size = 0;
      for (const auto& [name, value] : climb.terms(one)) size += std::abs(value);
      ASSERT_GE(now, last - 1e-10 * (size + 1)) << "sweep " << sweep;
      last = now;
    }
  });
}

// Rows [n, ...] in the other order; of choices the categories too.
Array turned(const Array& rows, bool categories) {
  Array out = rows.copy();
  const std::int64_t n = rows.shape().extent(0), width = rows.size() / n;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      out.data<double>()[(n - 1 - i) * width + (categories ? width - 1 - j : j)] =
          rows.data<double>()[i * width + j];
  return out;
}

// P4: the order of rows and the names of components do not matter.
TEST_P(RandomModels, NamesAndOrderDoNotMatter) {
  each([&](int seed) {
    Climb c(seed), t(seed);
    const bool sticks = c.r.contents().count("family stick_breaking") > 0;  // have an order
    if (c.climb.has_sites() || c.r.chained) return;  // rows of sequences have an order
    for (auto& [name, array] : t.r.data.columns) array = turned(array, false);
    for (auto& [name, array] : t.r.start) array = turned(array, !sticks);
    State state;
    CoordinateClimb other(t.r.model, t.r.data, state, t.r.options);
    const auto bounds = [&](CoordinateClimb& climb, const Climb& of) {
      std::vector<double> all = {of.startable() ? climb.start(of.r.start, one) : climb.elbo(one)};
      for (int sweep = 0; sweep < 3; ++sweep) all.push_back(climb.sweep(one));
      return all;
    };
    const std::vector<double> here = bounds(c.climb, c), there = bounds(other, t);
    const double size = c.size(one).first;
    for (std::size_t i = 0; i < here.size(); ++i)
      ASSERT_NEAR(here[i], there[i], 1e-9 * (size + 1)) << i;
  });
}

// P7: one batch and a whole step are a sweep, to the last places: with a factor of one between them
// products are fused in another order. What batches give of the statistics, which are the gradient,
// adds up to what all rows give, and so does what they add to the bound.
TEST_P(RandomModels, BatchesAddUpToTheWhole) {
  int taken = 0;
  each([&](int seed) {
    Climb c(seed);
    if (!c.climb.keeps_statistics() || c.climb.has_sites()) return;
    if (c.r.chained) return;  // sequences are not cut
    ++taken;
    c.begin(one);
    c.climb.sweep(one);
    const State here = c.state.copy();
    State stepped = here.copy();
    BatchClimb whole(c.r.model, c.r.data, stepped, c.r.options);
    whole.stochastic(0, 1, one);
    const double beyond = c.climb.collect(one);
    std::vector<Array> sums;
    for (const Array* s : c.climb.statistics()) sums.push_back(s->copy());
    c.climb.update(one);
    for (const Array* n : c.climb.naturals())
      for (const auto& [name, array] : c.state.slots())
        if (&array == n) {
          ASSERT_EQ(first_difference(*stepped.find(name), array, 1e-14), "") << name;
        }
    State parts = here.copy();
    CoordinateOptions options = c.r.options;
    options.batch = 1 + c.r.data.rows / 3;
    CoordinateClimb batches(c.r.model, c.r.data, parts, options);
    double added = 0;
    std::vector<Array> total;
    for (std::int64_t at = 0; at < c.r.data.rows; at += options.batch) {
      batches.show(at, std::min(options.batch, c.r.data.rows - at));
      added += batches.collect(one);
      for (std::size_t k = 0; k < sums.size(); ++k) {
        const Array& s = *batches.statistics()[k];
        if (at == 0) {
          total.push_back(s.copy());
          continue;
        }
        for (std::int64_t i = 0; i < s.size(); ++i)
          total[k].data<double>()[i] += s.data<double>()[i];
      }
    }
    const double size = 10 + c.size(one).first;
    ASSERT_NEAR(added, beyond, 1e-10 * size);
    for (std::size_t k = 0; k < sums.size(); ++k)
      ASSERT_EQ(first_difference(total[k], sums[k], 1e-10, size), "") << k;
  });
  EXPECT_GT(taken, 10);
}

// In how many models each occurs.
TEST(RandomModel, HasEverythingOften) {
  std::map<std::string, int> counts;
  // What must be there: families with an exponential face, which alone a coordinate climb meets,
  // those of sequences, and the functions of model.h that keep moments.
  // Networks of rows' states have tests of their own.
  for (const FamilyInfo& f : all_families())
    if (f.doc.sequences || (f.exponential() && !f.doc.shaped_by_prior))
      counts[fmt::format("family {}", f.doc.name)] = 0;
  for (const char* node : {"add", "sub", "mul", "dot", "inner", "concat", "take", "slice",
                           "reshape", "sum", "repeat", "regressed", "spread", "across", "stacked",
                           "gate", "gate of a gate", "gate of a gate, both of rows"})
    counts[fmt::format("node {}", node)] = 0;
  for (int seed = 0; seed < kModels; ++seed) {
    const RandomModel r{std::uint64_t(seed)};
    for (const std::string& what : r.contents()) ++counts[what];
    for (const auto& [what, n] : r.counts) ++counts[what];
  }
  for (const auto& [what, n] : counts) {
    fmt::print("{:60} {}\n", what, n);
    EXPECT_GE(n, 30) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, RandomModels, testing::Range(0, kModels / 100));

}  // namespace
}  // namespace fathom::test
