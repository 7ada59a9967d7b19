// A linear VAE touches the likelihood of probabilistic PCA at its optimum, where everything about
// it is known in closed form.
#include "tests/elbo/linear.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

using testing::centred_digits;
using testing::LinearVae;
using testing::Ppca;

constexpr double kNoise = 0.02;
constexpr int kUnits = 3;

class LinearAtOptimum : public ::testing::Test {
 protected:
  DataSet data = centred_digits();
  Ppca exact{data, kUnits, kNoise};
  LinearVae vae{kUnits, 64, kNoise};
  State state;
  Workers workers{2};

  void SetUp() override { vae.set_optimum(exact, kNoise, state); }
};

TEST_F(LinearAtOptimum, BoundEqualsLogLikelihood) {
  Evaluator e(vae.model, {}, state);
  const Evaluation r = e.elbo(data, Key{1, 1}, workers);
  EXPECT_NEAR(r.elbo_per_row, exact.log_likelihood, 1e-6);
  double terms = 0;
  for (const TermValue& t : r.terms) {
    EXPECT_EQ(t.how, Estimate::closed) << t.name;
    terms += t.value;
  }
  EXPECT_NEAR(terms, r.elbo, 1e-9 * std::abs(r.elbo));
}

TEST_F(LinearAtOptimum, UnitKlIsHalfLogOfEigenvalueOverNoise) {
  Evaluator e(vae.model, {}, state);
  const std::vector<double> kl = e.unit_kl(data, "z", Key{1, 1}, workers);
  ASSERT_EQ(kl.size(), std::size_t(kUnits));
  for (int j = 0; j < kUnits; ++j)
    EXPECT_NEAR(kl[std::size_t(j)], 0.5 * std::log(exact.eigenvalues[std::size_t(j)] / kNoise),
                1e-9);
}

TEST_F(LinearAtOptimum, ImportanceWeightsAreConstantUnderTheExactPosterior) {
  Evaluator e(vae.model, {}, state);
  DataSet few;
  few.rows = 100;
  few.columns["x"] = Array(DType::f64, Shape{100, 64});
  std::copy_n(data.columns["x"].data<double>(), 6400, few.columns["x"].data<double>());
  const LogEvidence one = e.log_evidence(few, 1, Key{2, 2}, workers);
  const LogEvidence many = e.log_evidence(few, 120, Key{3, 3}, workers);
  EXPECT_NEAR(many.effective_samples, 120, 1e-6);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_NEAR(one.per_row[i], many.per_row[i], 1e-8);
}

TEST_F(LinearAtOptimum, AmortisationGapIsTheClosedForm) {
  // A scaled encoder variance: gap = 1/2 sum (r - 1 - log r), r = D / D*.
  Array& sd = *state.find("log_sd");
  const double r = 1.7;
  for (int j = 0; j < kUnits; ++j) sd.data<double>()[j] += 0.5 * std::log(r);
  Evaluator e(vae.model, {}, state);
  const double gap = exact.log_likelihood - e.elbo(data, Key{1, 1}, workers).elbo_per_row;
  EXPECT_NEAR(gap, kUnits * 0.5 * (r - 1 - std::log(r)), 1e-9);
}

TEST_F(LinearAtOptimum, SampledTermAgreesWithMomentsInTheMean) {
  Graph g(op_table());
  LowerOptions options;
  options.capacity = data.rows;
  options.samples = 64;
  options.sampled = {"x"};
  Lowering lowering(vae.model, g, options);
  const std::vector<Term> terms = lowering.terms();
  ASSERT_EQ(terms[0].how, Estimate::sampled);
  const Value total = sum(terms[0].value);
  Program program(g, std::span<const Value>(&total, 1), {}, state);
  std::vector<std::int64_t> ids(std::size_t(data.rows));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = std::int64_t(i);
  program.bind("data.x", data.columns["x"]);
  program.bind("ids", Array::of<std::int64_t>({data.rows}, ids));
  program.set_key("key", Key{5, 5});
  program.run(workers);
  const double sampled = program.scalar(0) / double(data.rows);
  Evaluator e(vae.model, {}, state);
  const double closed = e.elbo(data, Key{1, 1}, workers).terms[0].value / double(data.rows);
  // Var of |x - zW|^2 / (2 sigma^2) over z: from tr((W W' S)^2) and the residual; below 5 nats^2
  // here.
  EXPECT_NEAR(sampled, closed, 5 * std::sqrt(5.0 / (64.0 * double(data.rows))));
}

TEST_F(LinearAtOptimum, DegreeCheckFindsAffineAndNames) {
  Model& m = vae.model;
  const Expr w = m.parameter("other", Shape{kUnits, 5});
  EXPECT_TRUE(m.degree(dot(vae.z, w), vae.z).affine);
  EXPECT_FALSE(m.degree(vae.x, vae.z).depends);
  const Degree square = m.degree(vae.z * vae.z, vae.z);
  EXPECT_FALSE(square.affine);
  EXPECT_EQ(square.culprit, "mul");
  const Degree through = m.degree(dot(exp(vae.z), w), vae.z);
  EXPECT_FALSE(through.affine);
  EXPECT_EQ(through.culprit, "exp");
}

}  // namespace
}  // namespace fathom
