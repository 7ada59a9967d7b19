// Parameters with their intervals: quantiles of the families, and what runs say of theirs.
#include <gtest/gtest.h>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/inverse_gamma.hpp>
#include <cmath>

#include "fathom/jobs/impute_table.h"
#include "fathom/jobs/posterior_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::kFaithful;
using testing::table_fit;
using testing::TempFolder;

TEST(Posterior, RowsHaveTheMomentsAndQuantilesOfTheirFamilies) {
  namespace bm = boost::math;
  const auto same = [](const PosteriorRow& r, const auto& family) {
    EXPECT_NEAR(r.mean, mean(family), 1e-10 * std::abs(r.mean));
    EXPECT_NEAR(r.sd, standard_deviation(family), 1e-8 * r.sd);
    EXPECT_NEAR(cdf(family, r.low), 0.025, 1e-10);
    EXPECT_NEAR(cdf(family, r.high), 0.975, 1e-10);
  };
  for (const double shape : {2.5, 40.0}) {
    same(gamma_row("", "", shape, 3), bm::gamma_distribution<>(shape, 1 / 3.0));
    same(inverse_gamma_row("", "", shape, 3), bm::inverse_gamma_distribution<>(shape, 3));
    same(beta_row("", "", shape, 0.7), bm::beta_distribution<>(shape, 0.7));
    const PosteriorRow root = root_inverse_gamma_row("", "", shape, 3),
                       whole = inverse_gamma_row("", "", shape, 3);
    EXPECT_NEAR(root.mean * root.mean + root.sd * root.sd, whole.mean, 1e-10 * whole.mean);
    EXPECT_NEAR(root.low * root.low, whole.low, 1e-12 * whole.low);
  }
  const PosteriorRow t = student_row("", "", 1, 2, 5);
  EXPECT_NEAR(t.high, 1 + 2 * 2.5705818356363146, 1e-10);  // tables of Student's t
  EXPECT_NEAR(t.sd, 2 * std::sqrt(5.0 / 3), 1e-12);
  EXPECT_NEAR(normal_row("", "", 1, 2).low, 1 - 2 * 1.959963984540054, 1e-10);
}

class PosteriorOf : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  TempFolder folder_;
};

TEST_F(PosteriorOf, AMixtureInTheUnitsOfItsTable) {
  for (const bool standardize : {false, true}) {
    fit_table(gmm_fit(kFaithful, path("run"),
                      [&](GmmSettings& g, FitTableConfig& c) {
                        g.components = 1;
                        c.settings.table.standardize = standardize;
                        c.force = true;
                      }),
              {});
    const PosteriorTable t = posterior_table(path("run"));
    ASSERT_EQ(t.rows.size(), 5u);
    EXPECT_EQ(t.rows[1].element, "1.eruptions");
    const Array x = testing::old_faithful();
    double mean = 0, square = 0;
    for (std::int64_t i = 0; i < 272; ++i) mean += x.data<double>()[2 * i] / 272;
    for (std::int64_t i = 0; i < 272; ++i)
      square += std::pow(x.data<double>()[2 * i] - mean, 2) / 271;
    EXPECT_NEAR(t.rows[1].mean, mean, 1e-9);
    EXPECT_NEAR(t.rows[1].sd, std::sqrt(square / 272), 0.01 * t.rows[1].sd);
    EXPECT_NEAR(t.rows[3].mean, std::sqrt(square), 0.01 * t.rows[3].mean);
    EXPECT_LT(t.rows[3].low, std::sqrt(square));
    EXPECT_GT(t.rows[3].high, std::sqrt(square));
  }
}

TEST_F(PosteriorOf, EveryKindOfModel) {
  const char* iris = FATHOM_SOURCE_DIR "/data/iris.csv";
  for (const char* method : {"em", "vb"}) {
    FitTableConfig c = table_fit<Ppca>(iris, path(std::string("p") + method),
                                       [&](FactorSettings& f, auto&) { f.method = method; });
    fit_table(c, {});
    const PosteriorTable t = posterior_table(c.run);
    EXPECT_EQ(t.rows.size(), 8u + 4 + 4);
    for (const PosteriorRow& r : t.rows) EXPECT_EQ(std::isnan(r.sd), std::string(method) == "em");
    const std::string text = csv_of(t);
    EXPECT_EQ(text.rfind("factor,element,mean,sd,low,high\nloadings,sepal_length_cm.z1,", 0), 0u);
    EXPECT_EQ(json_of(t)["posterior"][0].contains("sd"), std::string(method) == "vb");
  }
  FitTableConfig c = table_fit<RegressionTable>(
      iris, path("r"), [](auto& r, auto&) { r.target = "petal_width_cm"; });
  fit_table(c, {});
  const PosteriorTable t = posterior_table(c.run);
  EXPECT_EQ(t.rows.size(), 1u + 4 + 1 + 4);
  // The generic table has the same factors, as the model sees them.
  const TableRun run = open_table_run(c.run);
  const auto plain = posterior_of(run.model->model(), run.state, run.model->options());
  EXPECT_EQ(plain.size(), 4u + 5 + 1);
}

// One component at points: cells are filled by the conditional of the gaussian.
TEST_F(PosteriorOf, CellsFilledByAMixture) {
  const Array x = testing::old_faithful();
  Array holes = x.copy();
  for (std::int64_t i = 0; i < 272; i += 9) holes.data<double>()[2 * i + (i % 2)] = NAN;
  write_npy(path("holes.npy"), holes);
  for (const char* covariance : {"full", "tied", "diag", "spherical"})
    for (const char* method : {"em", "vb"}) {
      FitTableConfig c = gmm_fit(path("holes.npy"), path("g"), [&](GmmSettings& g, auto& f) {
        g.components = 1;
        g.covariance = covariance;
        g.method = method;
        f.force = true;
      });
      fit_table(c, {});
      const TableRun run = open_table_run(c.run);
      const GaussianComponents g = dynamic_cast<const Gmm&>(*run.model).components(run.state);
      const double *m = g.mean.data<double>(), *v = g.covariance.data<double>();
      const ImputedTable t = impute_table({c.run, path("holes.npy"), {}, true, 1});
      EXPECT_EQ(t.figures["missing"], 31);
      for (std::int64_t i = 0; i < 272; i += 9) {
        const int gone = int(i % 2), there = 1 - gone;
        const double shift_gone = run.format.shift[std::size_t(gone)],
                     shift_there = run.format.shift[std::size_t(there)];
        const double slope = v[2 * gone + there] / v[2 * there + there],
                     want = m[gone] + shift_gone +
                            slope * (holes.data<double>()[2 * i + there] - m[there] - shift_there),
                     left = v[2 * gone + gone] - slope * v[2 * gone + there];
        const double* out = t.table.values.data<double>() + 4 * i;
        EXPECT_NEAR(out[gone], want, 1e-8) << covariance << method;
        if (std::string(method) == "em") {
          EXPECT_NEAR(out[2 + gone], std::sqrt(left), 1e-8);
        }
        EXPECT_NEAR(out[2 + gone], std::sqrt(left), 0.05 * out[2 + gone]);
        EXPECT_EQ(out[2 + there], 0);
      }
    }
}

// Two components far apart: the cell is filled by the one that the other cell speaks for.
TEST_F(PosteriorOf, AFilledCellFollowsTheComponentOfItsRow) {
  const Array x = testing::two_clusters(90, 2, 20);
  Array holes = x.copy();
  for (std::int64_t i = 0; i < 90; i += 10) holes.data<double>()[2 * i + 1] = NAN;
  write_npy(path("holes.npy"), holes);
  FitTableConfig c =
      gmm_fit(path("holes.npy"), path("g"), [](GmmSettings& g, auto&) { g.components = 2; });
  fit_table(c, {});
  const ImputedTable t = impute_table({c.run, path("holes.npy"), {}, false, 1});
  for (std::int64_t i = 0; i < 90; i += 10)
    EXPECT_NEAR(t.table.values.data<double>()[2 * i + 1], i % 3 == 0 ? 20 : 0, 1.5);
}

TEST_F(PosteriorOf, KindsThatCannotFillSaySo) {
  FitTableConfig c = table_fit<RegressionTable>(kFaithful, path("r"),
                                                [](auto& r, auto&) { r.target = "waiting"; });
  fit_table(c, {});
  EXPECT_THROW(impute_table({c.run, kFaithful, {}, false, 1}), ConfigError);
  EXPECT_THROW(check_posterior_file("x.txt"), ConfigError);
}

}  // namespace
}  // namespace fathom
