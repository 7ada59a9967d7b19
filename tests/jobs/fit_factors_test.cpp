// Probabilistic PCA, factor analysis and Bayesian PCA of tables: published values, closed forms and
// laws, through the run folder.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "fathom/jobs/impute_table.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"
#include "tests/oracles/gaussian.h"

namespace fathom {
namespace {

using testing::sum_of_terms;

const char* kIris = FATHOM_SOURCE_DIR "/data/iris.csv";
const char* kWine = FATHOM_SOURCE_DIR "/data/wine.csv";

Array iris() {
  CsvOptions options;
  options.columns = {"0:4"};
  return read_csv(kIris, options).values.copy();
}

class FitFactors : public testing::TableFits {
 protected:
  LinearFactors fitted() const {
    const TableRun run = open_table_run(path("run"));
    return dynamic_cast<const FactorTable&>(*run.model).factors(run.state);
  }
  // Iris where of every seven cells one is missing.
  std::string holes() const {
    Array x = iris();
    for (std::int64_t i = 3; i < x.size(); i += 7)
      x.data<double>()[i] = std::numeric_limits<double>::quiet_NaN();
    write_npy(path("holes.npy"), x);
    return path("holes.npy");
  }
};

// Tipping & Bishop 1999: the reference's case 15, which EM from elsewhere reaches in up to 865
// steps.
TEST_F(FitFactors, ProbabilisticPcaReachesTheClosedForm) {
  const double want[] = {-470.66945832, -404.96278016, -379.91463012},
               variance[] = {0.1141390796, 0.0506821479, 0.0236761924};
  for (const std::int64_t q : {1, 2, 3}) {
    const nlohmann::json s = fit<Ppca>(kIris, [&](FactorSettings& f, auto&) {
      f.latent = q;
      f.method = "em";
    });
    EXPECT_NEAR(s["objective"].get<double>(), want[q - 1], 1e-8) << q;
    EXPECT_NEAR(s["highest_likelihood"].get<double>(), want[q - 1], 1e-8) << q;
    EXPECT_NEAR(std::pow(s["noise_sd"][0].get<double>(), 2), variance[q - 1], 1e-9) << q;
  }
  const nlohmann::json s = fit<Ppca>(kIris, [](FactorSettings& f, FitTableConfig& c) {
    f.method = "em";
    f.start = "random";
    c.settings.restarts = 2;
    c.settings.ascent.tolerance = 1e-13;
    c.settings.ascent.sweeps = 3000;
  });
  EXPECT_NEAR(s["objective"].get<double>(), want[1], 1e-6);
}

TEST_F(FitFactors, LeavesARunWhoseFiguresAddUp) {
  const nlohmann::json s = fit<Bpca>(kWine, [](FactorSettings& f, FitTableConfig& c) {
    f.latent = 4;
    c.settings.table.standardize = true;
  });
  const RunFolder run = RunFolder::open(path("run"));
  EXPECT_EQ(s, run.read_json("summary.json"));
  EXPECT_NEAR(sum_of_terms(s), s["elbo"].get<double>(), 1e-12 * std::abs(s["elbo"].get<double>()));
  for (const char* file : {"report.html", "loadings.svg", "spectrum.svg", "relevance.svg"})
    EXPECT_TRUE(run.has(file)) << file;
  double last = -INFINITY;
  for (const auto& line : run.read_metrics()) {
    EXPECT_GE(line["elbo"].get<double>(), last - 1e-12);
    last = line["elbo"];
  }
}

TEST_F(FitFactors, ToldWhereOneColumnIsAllThatIsSeen) {
  const auto told = [&](const char* table, bool standardize) {
    const nlohmann::json s = fit<Ppca>(table, [&](FactorSettings& f, FitTableConfig& c) {
      f.latent = 2;
      c.settings.table.standardize = standardize;
    });
    return s["verdict"].dump().find("alone: --standardize") != std::string::npos;
  };
  EXPECT_TRUE(told(kWine, false));  // proline, in hundreds where the others are ones
  EXPECT_FALSE(told(kWine, true));
  EXPECT_FALSE(told(kIris, false));
}

// Axes are fixed by convention, so that starts do not show in what is reported.
TEST_F(FitFactors, LoadingsAreInPrincipalAxesFromAnyStart) {
  for (const char* method : {"em", "vb"}) {
    LinearFactors found[2];
    for (const bool random : {false, true}) {
      fit<Fa>(kIris, [&](FactorSettings& f, FitTableConfig& c) {
        f.latent = 1;
        f.method = method;
        f.start = random ? "random" : "pca";
        c.settings.ascent.tolerance = 1e-13;
        c.settings.ascent.sweeps = 4000;
      });
      found[random] = fitted();
    }
    for (int j = 0; j < 4; ++j)
      EXPECT_NEAR(found[0].loadings.data<double>()[j], found[1].loadings.data<double>()[j], 1e-3)
          << method;
  }
  fit<Ppca>(kIris, [](FactorSettings& f, auto&) { f.latent = 3; });
  const LinearFactors f = fitted();
  const auto w = [&](int j, int i) { return f.loadings.data<double>()[j * 3 + i]; };
  const auto gram = [&](int i, int k) {
    double sum = 0;
    for (int j = 0; j < 4; ++j) sum += w(j, i) * f.noise.data<double>()[j] * w(j, k);
    return sum;
  };
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < i; ++j) EXPECT_NEAR(gram(i, j), 0, 1e-9 * gram(0, 0));
    if (i > 0) {
      EXPECT_LE(gram(i, i), gram(i - 1, i - 1));
    }
    double top = 0;
    for (int j = 0; j < 4; ++j)
      if (std::abs(w(j, i)) > std::abs(top)) top = w(j, i);
    EXPECT_GT(top, 0);
  }
}

// Point masses: the model is a gaussian, whose marginals and conditionals are written out.
TEST_F(FitFactors, DensitiesAndFilledCellsAreThoseOfTheGaussian) {
  const std::string data = holes();
  const nlohmann::json s = fit<Fa>(data, [](FactorSettings& f, auto&) {
    f.latent = 1;
    f.method = "em";
  });
  const LinearFactors f = fitted();
  const double* w = f.loadings.data<double>();
  // In the units of the table.
  std::vector<double> mean(4), c(16);
  const TableRun run = open_table_run(path("run"));
  const std::vector<double>& scale = run.format.scale;
  for (std::size_t j = 0; j < 4; ++j) {
    mean[j] = f.mean.data<double>()[j] * scale[j] + run.format.shift[j];
    for (std::size_t k = 0; k < 4; ++k)
      c[j * 4 + k] =
          (w[j] * w[k] + (j == k ? f.noise_variance(std::int64_t(j)) : 0)) * scale[j] * scale[k];
  }
  const Array x = read_npy(data);
  const TablePrediction p = predict_table({path("run"), data, {}, 1});
  const ImputedTable t = impute_table({path("run"), data, {}, true, 1});
  ASSERT_EQ(t.table.names[4], t.table.names[0] + "_sd");
  double total = 0;
  for (std::int64_t i = 0; i < 150; ++i) {
    const double* row = x.data<double>() + 4 * i;
    const double log_density = oracle::log_normal({row, 4}, mean, c);
    EXPECT_NEAR(p.table.values.data<double>()[3 * i + 2], log_density, 1e-9);
    total += log_density;
    const oracle::Filled filled = oracle::fill_normal({row, 4}, mean, c);
    const double* out = t.table.values.data<double>() + 8 * i;
    for (std::size_t j = 0; j < 4; ++j) {
      if (std::isnan(row[j])) {
        EXPECT_NEAR(out[j], filled.mean[j], 1e-9);
        EXPECT_NEAR(out[4 + j], filled.sd[j], 1e-9);
      } else {
        EXPECT_DOUBLE_EQ(out[j], row[j]);
        EXPECT_EQ(out[4 + j], 0);
      }
    }
  }
  EXPECT_NEAR(total, s["objective"].get<double>() - 150 * s["log_scale_per_row"].get<double>(),
              1e-5);
}

// What was hidden is found again far better than by the column's mean.
TEST_F(FitFactors, FilledCellsAreNearWhatWasHidden) {
  const std::string data = holes();
  const Array x = iris(), seen = read_npy(data);
  for (const char* method : {"em", "vb"}) {
    fit<Ppca>(data, [&](FactorSettings& f, auto&) { f.method = method; });
    const ImputedTable t = impute_table({path("run"), data, {}, true, 1});
    double error = 0, spread = 0, scaled = 0;
    int count = 0;
    for (std::int64_t i = 0; i < 150; ++i)
      for (std::int64_t j = 0; j < 4; ++j) {
        if (!std::isnan(seen.data<double>()[4 * i + j])) continue;
        const double *out = t.table.values.data<double>() + 8 * i,
                     e = out[j] - x.data<double>()[4 * i + j];
        error += e * e;
        scaled += e * e / (out[4 + j] * out[4 + j]);
        spread += std::pow(x.data<double>()[4 * i + j] - 3.5, 2);
        ++count;
      }
    EXPECT_LT(error, 0.1 * spread);
    EXPECT_NEAR(scaled / count, 1, 0.5) << method;  // errors are as large as they are said to be
  }
}

TEST_F(FitFactors, TheBoundOfRowsIsBelowTheirPredictiveDensity) {
  for (const bool some : {false, true}) {
    const std::string data = some ? holes() : std::string(kIris);
    fit<Bpca>(data, [](FactorSettings& f, auto&) { f.latent = 2; });
    const nlohmann::json j = evaluate_table(path("run"), data, 1);
    EXPECT_NEAR(sum_of_terms(j), j["elbo"].get<double>(), 1e-9);
    EXPECT_LT(j["elbo"].get<double>(), j["log_predictive"].get<double>());
  }
}

TEST_F(FitFactors, RelevanceSwitchesOffWhatIsNotNeeded) {
  // Two directions in eight columns, and noise.
  const std::int64_t n = 400, d = 8;
  Array x(DType::f64, Shape{n, d}), z(DType::f64, Shape{n, 2});
  kernels::fill_normal(Key{5, 1}, nullptr, 0, n, d, x.data<double>());
  kernels::fill_normal(Key{5, 2}, nullptr, 0, n, 2, z.data<double>());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      x.data<double>()[i * d + j] += 3 * z.data<double>()[2 * i] * (j < 4 ? 1 : 0.2) +
                                     2 * z.data<double>()[2 * i + 1] * (j % 2 ? 1 : -1);
  write_npy(path("x.npy"), x);
  const nlohmann::json s = fit<Bpca>(path("x.npy"), [](FactorSettings& f, FitTableConfig& c) {
    f.latent = 6;
    c.settings.ascent.sweeps = 3000;
  });
  EXPECT_EQ(s["active"], 2);
  EXPECT_NE(s["verdict"].dump().find("2 of 6 latent elements are in use"), std::string::npos);
  EXPECT_NEAR(s["noise_sd"][0].get<double>(), 1, 0.05);
}

TEST_F(FitFactors, DrawsHaveTheMomentsOfTheModel) {
  for (const char* method : {"em", "vb"}) {
    fit<Ppca>(kIris, [&](FactorSettings& f, auto&) {
      f.latent = 2;
      f.method = method;
    });
    const TextTable t = sample_table({path("run"), {}, 20000, 1});
    const Array x = iris();
    const oracle::Moments have = oracle::moments({t.values.data<double>(), 80000}, 4),
                          want = oracle::moments({x.data<double>(), 600}, 4);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(have.mean[i], want.mean[i], 0.06);
      for (std::size_t j = 0; j < 4; ++j)
        EXPECT_NEAR(have.covariance[i * 4 + j], want.covariance[i * 4 + j],
                    0.15 * std::sqrt(want.covariance[i * 5] * want.covariance[j * 5]));
    }
  }
}

// Bounds follow shifts, and those of factor analysis units of columns.
TEST_F(FitFactors, BoundsFollowUnitsAndShifts) {
  const auto em = [](FactorSettings& f, FitTableConfig& c) {
    f.latent = 1;
    f.method = "em";
    c.settings.ascent.tolerance = 1e-13;
  };
  nlohmann::json s = fit<Fa>(kIris, em);
  const double plain = s["objective"].get<double>() - 150 * s["log_scale_per_row"].get<double>();
  Array scaled = iris();
  for (std::int64_t i = 0; i < scaled.size(); ++i) scaled.data<double>()[i] *= double(i % 4 + 1);
  write_npy(path("scaled.npy"), scaled);
  s = fit<Fa>(path("scaled.npy"), em);
  EXPECT_NEAR(s["objective"].get<double>() - 150 * s["log_scale_per_row"].get<double>() +
                  150 * std::log(24),
              plain, 1e-6);
  const double vb = fit<Ppca>(kIris, [](auto&, auto&) {})["elbo"];
  Array far = iris();
  for (std::int64_t i = 0; i < far.size(); ++i)
    far.data<double>()[i] = 2 * far.data<double>()[i] + 1e6;
  write_npy(path("far.npy"), far);
  s = fit<Ppca>(path("far.npy"), [](auto&, auto&) {});
  EXPECT_NEAR(s["elbo"].get<double>() + 600 * std::log(2), vb, 1e-4);
}

// Law P6 of weights.
TEST_F(FitFactors, AWeightOfTwoIsTheRowTwice) {
  const Array x = iris();
  std::ofstream weighed(path("w.csv")), repeated(path("r.csv"));
  weighed << "a,b,c,d,w\n";
  repeated << "a,b,c,d\n";
  for (std::int64_t i = 0; i < 150; ++i) {
    std::string cells;
    for (int j = 0; j < 4; ++j)
      cells += fmt::format("{}{}", j ? "," : "", x.data<double>()[4 * i + j]);
    weighed << cells << "," << i % 3 << "\n";
    for (std::int64_t k = 0; k < i % 3; ++k) repeated << cells << "\n";
  }
  weighed.close();
  repeated.close();
  for (const char* method : {"em", "vb"}) {
    const auto set = [&](FactorSettings& f) { f.method = method; };
    const char* key = std::string(method) == "em" ? "objective" : "elbo";
    const nlohmann::json a = fit<Ppca>(path("w.csv"),
                                       [&](FactorSettings&f, FitTableConfig&c) {
                                         set(f);
                                         c.settings.table.weights = "w";
                                         c.settings.ascent.tolerance = 1e-13;
                                       }),
                         b = fit<Ppca>(path("r.csv"), [&](FactorSettings&f, FitTableConfig&c) {
                           set(f);
                           c.settings.ascent.tolerance = 1e-13;
                         });
    EXPECT_NEAR(a[key].get<double>(), b[key].get<double>(), 1e-6) << method;
    EXPECT_NEAR(a["noise_sd"][0].get<double>(), b["noise_sd"][0].get<double>(), 1e-7) << method;
  }
}

TEST_F(FitFactors, RefusesWhatHasNoMaximum) {
  Array x(DType::f64, Shape{3, 5});
  kernels::fill_normal(Key{2, 2}, nullptr, 0, 3, 5, x.data<double>());
  write_npy(path("few.npy"), x);
  EXPECT_THROW(fit<Ppca>(path("few.npy"), [](FactorSettings& f, auto&) { f.method = "em"; }),
               DataError);
  EXPECT_NO_THROW(fit<Ppca>(path("few.npy"), [](auto&, auto&) {}));
  Array flat = iris();  // three directions
  for (std::int64_t i = 0; i < 150; ++i)
    flat.data<double>()[4 * i + 3] = flat.data<double>()[4 * i] - flat.data<double>()[4 * i + 1];
  write_npy(path("flat.npy"), flat);
  for (const char* method : {"em", "map"})
    EXPECT_THROW(fit<Ppca>(path("flat.npy"),
                           [&](FactorSettings& f, auto&) {
                             f.latent = 3;
                             f.method = method;
                           }),
                 DataError);
  EXPECT_NO_THROW(fit<Ppca>(path("flat.npy"), [](FactorSettings& f, auto&) { f.latent = 3; }));
}

}  // namespace
}  // namespace fathom
