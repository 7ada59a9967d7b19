// Mixtures of factor analysers of tables: laws that tie them to factor analysis and to their own
// densities, through the run folder.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fathom/io/npy.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"
#include "tests/oracles/gaussian.h"

namespace fathom {
namespace {

using testing::sum_of_terms;

const char* kWineTable = FATHOM_SOURCE_DIR "/data/wine.csv";

class FitMfa : public testing::TableFits {};

// One component is factor analysis: both climbs end at the maximum of one likelihood.
TEST_F(FitMfa, OneComponentIsFactorAnalysis) {
  const auto exact = [](auto& f, FitTableConfig& c) {
    f.method = "em";
    f.latent = 2;
    c.settings.ascent.tolerance = 1e-12;
    c.settings.ascent.sweeps = 5000;
  };
  const auto one = fit<Mfa>(kWineTable, [&](MfaSettings& s, FitTableConfig& c) {
    exact(s, c);
    s.components = 1;
  });
  const auto fa = fit<Fa>(kWineTable, exact);
  EXPECT_NEAR(one["objective"].get<double>(), fa["objective"].get<double>(), 1e-5);
}

// Ghahramani & Hinton 1996: at points p(x) = sum_k weight_k N(mu_k, W_k W_k' + diag(1 / tau)), and
// EM climbs its logarithm over the rows, wherever it stands.
TEST_F(FitMfa, DensitiesOfRowsAddUpToTheLikelihood) {
  const auto s = fit<Mfa>(kWineTable, [](MfaSettings& m, FitTableConfig& c) {
    m.method = "em";
    m.components = 3;
    m.latent = 2;
    c.settings.restarts = 2;
    c.settings.ascent.sweeps = 30;
  });
  const TablePrediction p = predict_table({path("run"), kWineTable, {}, 1});
  const std::size_t width = p.table.names.size();
  ASSERT_EQ(p.table.names[width - 1], "log_density");
  double total = 0;
  for (std::size_t i = 0; i < 178; ++i)
    total += p.table.values.data<double>()[i * width + width - 1];
  EXPECT_NEAR(total, s["objective"].get<double>() - 178 * s["log_scale_per_row"].get<double>(),
              1e-7);
  EXPECT_EQ(s["parameters"], 2 + 3 * (13 + 2 * 13 - 1) + 13);
}

TEST_F(FitMfa, TermsAddUpAndMissingCellsAreFilled) {
  CsvOptions options;
  options.columns = {"0:13"};
  Array x = read_csv(kWineTable, options).values.copy();
  for (std::int64_t i = 5; i < x.size(); i += 17)
    x.data<double>()[i] = std::numeric_limits<double>::quiet_NaN();
  write_npy(path("holes.npy"), x);
  for (const char* method : {"em", "map", "vb"}) {
    const auto s = fit<Mfa>(path("holes.npy"), [&](MfaSettings& m, FitTableConfig& c) {
      m.method = method;
      m.components = 2;
      m.latent = 2;
      c.settings.restarts = 2;
      c.settings.ascent.sweeps = 20;
    });
    EXPECT_NEAR(sum_of_terms(s), s[s.contains("elbo") ? "elbo" : "objective"].get<double>(), 1e-8);
    // A row's cells are filled and the rest kept.
    const TableRun run = open_table_run(path("run"));
    Workers workers(1);
    const FilledRows filled = run.model->fill(run.state, testing::rows_of(x), workers);
    for (std::int64_t i = 0; i < x.size(); ++i) {
      EXPECT_TRUE(std::isfinite(filled.values.data<double>()[i]));
      EXPECT_EQ(filled.sd.data<double>()[i] > 0, std::isnan(x.data<double>()[i]));
    }
  }
}

// Draws have the moments of the rows: of a maximum of the likelihood those of the data.
TEST_F(FitMfa, DrawsHaveTheMomentsOfTheRows) {
  fit<Mfa>(kWineTable, [](MfaSettings& m, FitTableConfig& c) {
    m.method = "em";
    m.components = 2;
    m.latent = 3;
    c.settings.restarts = 1;
  });
  const TextTable t = sample_table({path("run"), {}, 20000, 1});
  CsvOptions options;
  options.columns = {"0:13"};
  const Array x = read_csv(kWineTable, options).values;
  const oracle::Moments have = oracle::moments({t.values.data<double>(), 20000 * 13}, 13),
                        want = oracle::moments({x.data<double>(), 178 * 13}, 13);
  for (std::size_t j = 0; j < 13; ++j) {
    const double sd = std::sqrt(want.covariance[j * 14]);
    EXPECT_NEAR(have.mean[j], want.mean[j], 0.05 * sd);
    EXPECT_NEAR(std::sqrt(have.covariance[j * 14]), sd, 0.05 * sd);
  }
}

TEST_F(FitMfa, MistakesAreRefused) {
  const auto refused = [&](auto&& change) {
    try {
      fit<Mfa>(kWineTable, change);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("taken");
  };
  EXPECT_EQ(refused([](MfaSettings& m, auto&) { m.latent = 13; }),
            "--latent 13 for 13 columns: at least 1, and fewer than columns");
  EXPECT_EQ(refused([](MfaSettings& m, auto&) { m.method = "svi"; }),
            "--method svi: one of em, map, vb for a mixture of factor analysers");
}

}  // namespace
}  // namespace fathom
