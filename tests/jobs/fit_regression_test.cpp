// Regressions of tables: evidence in closed form against published values, the bound against it,
// predictions that are densities, and units.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "fathom/jobs/use_table.h"
#include "fathom/kernels/quantiles.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::sum_of_terms;
using testing::table_fit;
using testing::TempFolder;

const char* kDiabetes = FATHOM_SOURCE_DIR "/data/diabetes.csv";

// Sums over the rows of diabetes.csv with a column of ones first.
RegressionSums diabetes_sums(bool centred) {
  const Array all = read_csv(kDiabetes).values;
  const std::int64_t n = all.shape().extent(0), p = 11;
  double mean = 0;
  for (std::int64_t i = 0; i < n; ++i) mean += all.data<double>()[i * p + 10] / double(n);
  RegressionSums s{double(n), 0, Array(DType::f64, Shape{p, p}), Array(DType::f64, Shape{p})};
  for (std::int64_t i = 0; i < n; ++i) {
    double x[11] = {1};
    std::copy_n(all.data<double>() + i * p, 10, x + 1);
    const double y = all.data<double>()[i * p + 10] - (centred ? mean : 0);
    s.yy += y * y;
    for (std::int64_t a = 0; a < p; ++a) {
      s.xy.data<double>()[a] += x[a] * y;
      for (std::int64_t b = 0; b < p; ++b) s.xx.data<double>()[a * p + b] += x[a] * x[b];
    }
  }
  return s;
}

class FitRegression : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  template <class F>
  nlohmann::json fit(const std::string& data, F&& change) const {
    FitTableConfig c = table_fit<RegressionTable>(data, path("run"), [&](auto& r, auto& f) {
      r.target = "target";
      change(r, f);
    });
    c.force = true;
    return fit_table(c, {}).summary;
  }
  Coefficients fitted() const {
    const TableRun run = open_table_run(path("run"));
    return dynamic_cast<const RegressionTable&>(*run.model).coefficients(run.state);
  }
  // A table of two columns and a target: 1 where `count` is false with the probability of the
  // logistic of 0.5 + 1.5 a - b, else a sum of such.
  std::string outcomes(bool count) const {
    std::ofstream out(path("y.csv"));
    out << "a,b,target\n";
    const std::int64_t n = 500;
    Array x(DType::f64, Shape{n, 2}), u(DType::f64, Shape{n, 6});
    kernels::fill_normal(Key{7, 1}, nullptr, 0, n, 2, x.data<double>());
    kernels::fill_uniform(Key{7, 2}, nullptr, 0, n, 6, u.data<double>());
    for (std::int64_t i = 0; i < n; ++i) {
      const double a = x.data<double>()[2 * i], b = x.data<double>()[2 * i + 1],
                   p = 1 / (1 + std::exp(-0.5 - 1.5 * a + b));
      int y = 0;
      for (int k = 0; k < (count ? 6 : 1); ++k) y += u.data<double>()[6 * i + k] < p;
      out << a << "," << b << "," << y << "\n";
    }
    return path("y.csv");
  }
  TempFolder folder_;
};

// Precisions that are known: Bishop 2006, equation 3.86, on the table with its column of ones.
TEST_F(FitRegression, EvidenceAtKnownPrecisionsIsThePublishedOne) {
  EXPECT_NEAR(linear_evidence(diabetes_sums(false), std::vector<double>(11, 1e-5), 1.0 / 3000),
              -2410.77828207, 1e-8);
  // scikit-learn's BayesianRidge takes the intercept out beforehand, and adds its priors, gamma
  // with shape and rate 1e-6 in the logarithm of a precision, without their constants.
  const double lambda = 1.14622962e-5, tau = .000341019507;
  std::vector<double> alpha(11, lambda);
  alpha[0] = 1e12;
  const double priors = 1e-6 * (std::log(lambda) - lambda + std::log(tau) - tau);
  EXPECT_NEAR(linear_evidence(diabetes_sums(true), alpha, tau) + priors, -2405.771326965745, 1e-8);
}

// The same through the model: its bound with known precisions is the evidence.
TEST_F(FitRegression, TheBoundAtKnownPrecisionsIsTheEvidence) {
  const Array all = read_csv(kDiabetes).values;
  const std::int64_t n = all.shape().extent(0);
  Array x(DType::f64, Shape{n, 11}), y(DType::f64, Shape{n});
  for (std::int64_t i = 0; i < n; ++i) {
    x.data<double>()[11 * i] = 1;
    std::copy_n(all.data<double>() + 11 * i, 10, x.data<double>() + 11 * i + 1);
    y.data<double>()[i] = all.data<double>()[11 * i + 10];
  }
  RegressionConfig config;
  config.weights = config.intercept = 1e-5;
  config.noise = 1.0 / 3000;
  const Regression r(11, config);
  DataSet data;
  data.rows = n;
  data.columns = {{"x", x}, {"y", y}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(r.model, data, state, {});
  climb.sweep(workers);
  EXPECT_NEAR(climb.sweep(workers), -2410.77828207, 1e-8);
}

TEST_F(FitRegression, TheBoundLiesJustBelowTheEvidence) {
  const nlohmann::json vb = fit(kDiabetes, [](auto& r, auto&) { r.prior = "ridge"; });
  const double gap = vb["log_evidence"].get<double>() - vb["elbo"].get<double>();
  EXPECT_GT(gap, 0);
  EXPECT_LT(gap, 1);
  EXPECT_NEAR(sum_of_terms(vb), vb["elbo"].get<double>(), 1e-9);
  for (const char* prior : {"ridge", "ard"}) {
    const nlohmann::json em = fit(kDiabetes, [&](auto& r, FitTableConfig& c) {
      r.prior = prior;
      r.method = "em";
      c.settings.ascent.tolerance = 1e-13;
      c.settings.ascent.sweeps = 5000;
    });
    EXPECT_NEAR(em["objective"].get<double>(), em["log_evidence"].get<double>(), 1e-6) << prior;
    EXPECT_EQ(em["objective_kind"], "maximised log evidence");
    EXPECT_FALSE(em.contains("elbo"));
  }
}

// Sharp priors leave one place of the grid: the evidence there.
TEST_F(FitRegression, IntegratedEvidenceMeetsTheConditionalOne) {
  const RegressionSums s = diabetes_sums(true);
  const double alpha = 1.1e-5, tau = 3.4e-4, sharp = 1e5;
  std::vector<double> each(11, alpha);
  each[0] = 1e-6;
  EXPECT_NEAR(ridge_evidence(s, 1e-6, {sharp, sharp / alpha}, {sharp, sharp / tau}, alpha, tau),
              linear_evidence(s, each, tau), 5e-3);
}

// A change of a column's units changes its coefficient alone.
TEST_F(FitRegression, CoefficientsAreInTheUnitsOfTheirColumns) {
  const nlohmann::json plain = fit(kDiabetes, [](auto&, auto&) {});
  std::ofstream out(path("scaled.csv"));
  out << "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,target\n";
  const Array all = read_csv(kDiabetes).values;
  for (std::int64_t i = 0; i < 442; ++i) {
    const double* row = all.data<double>() + 11 * i;
    out << fmt::format("{}", 100 * row[0] + 7);
    for (int j = 1; j < 11; ++j) out << fmt::format(",{}", j == 10 ? 10 * row[j] - 3 : row[j]);
    out << "\n";
  }
  out.close();
  const nlohmann::json s = fit(path("scaled.csv"), [](auto&, auto&) {});
  EXPECT_NEAR(s["elbo"].get<double>() + 442 * std::log(10), plain["elbo"].get<double>(), 1e-4);
  for (std::size_t j = 0; j < 10; ++j)
    for (const char* key : {"mean", "sd", "low", "high"}) {
      const double want = plain["coefficients"][j][key].get<double>() * (j == 0 ? 0.1 : 10);
      EXPECT_NEAR(s["coefficients"][j][key].get<double>(), want, 1e-4 * (1 + std::abs(want)))
          << j << key;
    }
  const double shift = plain["coefficients"][0]["mean"].get<double>() * 10 * -0.07;
  EXPECT_NEAR(s["intercept"]["mean"].get<double>(),
              10 * plain["intercept"]["mean"].get<double>() - 3 + shift, 1e-3);
}

// What is predicted is a density, and its interval holds 95 % of it.
TEST_F(FitRegression, PredictionsOfNumbersAreDensities) {
  fit(kDiabetes, [](auto&, auto&) {});
  const Coefficients c = fitted();
  const Array all = read_csv(kDiabetes).values;
  for (const std::int64_t i : {0, 17}) {
    const double* row = all.data<double>() + 11 * i;
    const Estimate95 e = c.predict(row);
    double total = 0, inside = 0, mean = 0, square = 0;
    const double step = e.sd / 200;
    for (double y = e.mean - 12 * e.sd; y < e.mean + 12 * e.sd; y += step) {
      const double p = step * std::exp(c.log_density(row, y));
      total += p;
      mean += p * y;
      square += p * y * y;
      if (y > e.low && y < e.high) inside += p;
    }
    EXPECT_NEAR(total, 1, 1e-6);
    EXPECT_NEAR(mean, e.mean, 1e-4 * e.sd);
    EXPECT_NEAR(std::sqrt(square - mean * mean), e.sd, 1e-3 * e.sd);
    EXPECT_NEAR(inside, 0.95, 5e-3);
  }
}

TEST_F(FitRegression, PredictionsOfCountsAndClassesAddUp) {
  const std::string counts = outcomes(true);
  nlohmann::json s = fit(counts, [](auto& r, auto&) { r.likelihood = "poisson"; });
  Coefficients c = fitted();
  const double row[] = {0.3, -1};
  Estimate95 e = c.predict(row);
  double total = 0, below = 0, upto = 0, mean = 0;
  for (int y = 0; y < 200; ++y) {
    const double p = std::exp(c.log_density(row, y));
    total += p;
    mean += p * y;
    if (y < e.low) below += p;
    if (y <= e.high) upto += p;
  }
  EXPECT_NEAR(total, 1, 1e-9);
  EXPECT_NEAR(mean, e.mean, 1e-8);
  EXPECT_LT(below, 0.025);
  EXPECT_GE(upto, 0.975);
  EXPECT_GT(s["coefficients"][0]["low"].get<double>(), 0);
  EXPECT_LT(s["coefficients"][1]["high"].get<double>(), 0);

  const std::string classes = outcomes(false);
  s = fit(classes, [](auto& r, auto&) { r.likelihood = "bernoulli"; });
  c = fitted();
  EXPECT_NEAR(std::exp(c.log_density(row, 0)) + std::exp(c.log_density(row, 1)), 1, 1e-12);
  e = c.predict(row);
  EXPECT_NEAR(std::exp(c.log_density(row, 1)), e.mean, 1e-12);
  EXPECT_LT(e.low, e.mean);
  EXPECT_GT(e.high, e.mean);
  for (int j = 0; j < 2; ++j) {  // what the outcomes were made with
    const double made = j == 0 ? 1.5 : -1;
    EXPECT_LT(s["coefficients"][std::size_t(j)]["low"].get<double>(), made);
    EXPECT_GT(s["coefficients"][std::size_t(j)]["high"].get<double>(), made);
  }
  const TablePrediction p = predict_table({path("run"), classes, {}, 1, true});
  EXPECT_EQ(p.table.names, (std::vector<std::string>{"p", "p_low", "p_high"}));
  const nlohmann::json j = evaluate_table(path("run"), classes, 1);
  EXPECT_LT(j["elbo"].get<double>(), j["log_predictive"].get<double>());
}

// Rows to be predicted need no outcome, whether their column is empty or not there.
TEST_F(FitRegression, RowsWithoutAnOutcomeArePredicted) {
  fit(kDiabetes, [](auto&, auto&) {});
  const TablePrediction whole = predict_table({path("run"), kDiabetes, {}, 1});
  const Array all = read_csv(kDiabetes).values;
  std::ofstream lacking(path("lacking.csv")), holes(path("holes.csv"));
  lacking << "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6\n";
  holes << "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,target\n";
  for (std::int64_t i = 0; i < 20; ++i) {
    std::string cells;
    for (int j = 0; j < 10; ++j)
      cells += fmt::format("{}{}", j ? "," : "", all.data<double>()[11 * i + j]);
    lacking << cells << "\n";
    holes << cells << "," << (i == 3 ? fmt::format("{}", all.data<double>()[11 * i + 10]) : "")
          << "\n";
  }
  lacking.close();
  holes.close();
  for (const char* name : {"lacking.csv", "holes.csv"}) {
    const TablePrediction p = predict_table({path("run"), path(name), {}, 1});
    for (std::int64_t i = 0; i < 20; ++i)
      for (int j = 0; j < 4; ++j)
        EXPECT_EQ(p.table.values.data<double>()[std::int64_t(p.table.names.size()) * i + j],
                  whole.table.values.data<double>()[5 * i + j])
            << name;
    EXPECT_EQ(p.figures.contains("log_predictive"), std::string(name) == "holes.csv");
  }
}

// McFadden's R2 and the deviance of counts, written out with the coefficients of the summary.
TEST_F(FitRegression, ExplainedDevianceIsThatOfItsCoefficients) {
  for (const bool counts : {false, true}) {
    const std::string data = outcomes(counts);
    const nlohmann::json s =
        fit(data, [&](auto& r, auto&) { r.likelihood = counts ? "poisson" : "bernoulli"; });
    const Array rows = read_csv(data).values;
    const std::int64_t n = rows.shape().extent(0);
    double mean = 0, explained = 0, whole = 0, right = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += rows.data<double>()[3 * i + 2] / double(n);
    const auto log_likelihood = [&](double expected, double y) {
      return counts  ? y * std::log(expected) - expected
             : y > 0 ? std::log(expected)
                     : std::log(1 - expected);
    };
    for (std::int64_t i = 0; i < n; ++i) {
      const double *x = rows.data<double>() + 3 * i, y = x[2];
      double f = s["intercept"]["mean"].get<double>();
      for (std::size_t j = 0; j < 2; ++j) f += x[j] * s["coefficients"][j]["mean"].get<double>();
      const double best = counts && y > 0 ? y * std::log(y) - y : 0;
      explained += log_likelihood(counts ? std::exp(f) : 1 / (1 + std::exp(-f)), y) - best;
      whole += log_likelihood(mean, y) - best;
      right += (f > 0) == (y > 0);
    }
    EXPECT_NEAR(s["deviance_explained"].get<double>(), 1 - explained / whole, 1e-10);
    EXPECT_GT(s["deviance_explained"].get<double>(), 0.1);
    EXPECT_EQ(s.contains("accuracy"), !counts);
    if (!counts) {
      EXPECT_NEAR(s["accuracy"].get<double>(), right / double(n), 1e-12);
    }
  }
}

// Outcomes that are missing when it is fitted are left out of the bound.
TEST_F(FitRegression, MissingOutcomesAreLeftOut) {
  Array all = read_csv(kDiabetes).values.copy();
  for (std::int64_t i = 0; i < 442; i += 5)
    all.data<double>()[11 * i + 10] = std::numeric_limits<double>::quiet_NaN();
  write_npy(path("x.npy"), all);
  const nlohmann::json s = fit(path("x.npy"), [](auto& r, auto&) { r.target = "11"; });
  EXPECT_EQ(s["target"], "x11");
  EXPECT_NEAR(sum_of_terms(s), s["elbo"].get<double>(), 1e-9);
  const double per_seen = -2474.6 / 442;
  EXPECT_NEAR(s["elbo"].get<double>(), per_seen * 353, 40);
}

TEST_F(FitRegression, SaysWhatCannotBe) {
  const auto says = [&](const std::string& what, auto&& change) {
    try {
      fit(kDiabetes, change);
      ADD_FAILURE() << "not refused: " << what;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
    EXPECT_FALSE(std::filesystem::exists(path("run")));
  };
  says("--target", [](auto& r, auto&) { r.target = ""; });
  says("did you mean target?", [](auto& r, auto&) { r.target = "targt"; });
  says("gaussian, bernoulli, poisson", [](auto& r, auto&) { r.likelihood = "gamma"; });
  says("ard, ridge", [](auto& r, auto&) { r.prior = "lasso"; });
  says("vb, em", [](auto& r, auto&) { r.method = "map"; });
  says("0 and 1 alone; for counts say --likelihood poisson",
       [](auto& r, auto&) { r.likelihood = "bernoulli"; });
  says("whole numbers from 0", [](auto& r, auto&) {
    r.likelihood = "poisson";
    r.target = "bmi";
  });
}

}  // namespace
}  // namespace fathom
