// State spaces through the jobs: known variances, how series go on, what missing cells may be,
// sequences, mistakes with their place.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fathom/jobs/forecast_table.h"
#include "fathom/jobs/impute_table.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using nlohmann::json;

const char* kNile = FATHOM_SOURCE_DIR "/data/nile.csv";

class LdsJobs : public testing::TableFits {
 protected:
  std::string write_rows(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  json nile(const std::function<void(LdsSettings&, FitTableConfig&)>& change = {}) const {
    return fit<Lds>(kNile, [&](LdsSettings& s, FitTableConfig& c) {
      c.settings.table.columns = "flow";
      s.method = "em";
      c.settings.ascent.tolerance = 1e-12;
      if (change) change(s, c);
    });
  }
  // Two states that turn, seen in three columns of two sequences; some cells and rows are missing.
  std::string turning() const {
    std::string text = "walk,a,b,c\n";
    std::vector<double> e(2000, 0.0);
    kernels::fill_normal(Key{5, 1}, nullptr, 0, 1, std::int64_t(e.size()), e.data());
    const double* next = e.data();
    for (int walk = 0; walk < 2; ++walk) {
      double x = 0, y = 0;
      for (int t = 0; t < 120; ++t) {
        const double u = 0.95 * (std::cos(0.4) * x - std::sin(0.4) * y) + *next++;
        y = 0.95 * (std::sin(0.4) * x + std::cos(0.4) * y) + *next++;
        x = u;
        const double cells[] = {x + 0.8 * *next++ + 10, 2 * y - x + 0.8 * *next++,
                                x + y + 0.8 * *next++};
        text += fmt::format("w{}", walk);
        for (int j = 0; j < 3; ++j) {
          const bool gone = (t * 3 + j) % 11 == 4 || (t > 60 && t < 65);
          text += gone ? "," : fmt::format(",{:.5f}", cells[j]);
        }
        text += "\n";
      }
    }
    return write_rows("turning.csv", text);
  }
  ForecastTableConfig ahead(std::int64_t steps, double interval = 95) const {
    ForecastTableConfig c;
    c.run = path("run");
    c.steps = steps;
    c.interval = interval;
    return c;
  }
  ImputedTable filled_table(const std::string& data) const {
    ImputeTableConfig c;
    c.run = path("run");
    c.data = data;
    c.sd = true;
    c.threads = 1;
    return impute_table(c);
  }
  template <class F>
  std::string error(const std::string& data, F&& change) const {
    try {
      fit<Lds>(data, change);
    } catch (const Error& e) {
      EXPECT_FALSE(std::filesystem::exists(path("run")));
      return e.what();
    }
    return "no error";
  }
};

// R's StructTS gives variances of 1469.147 and 15098.577 (many digits: 1469.176, 15098.52).
TEST_F(LdsJobs, TheLevelOfTheNile) {
  const json s = nile();
  EXPECT_EQ(s["task"], "lds");
  EXPECT_NEAR(s["objective"].get<double>(), -633.46456364, 1e-7);
  EXPECT_NEAR(s["step_sd"]["level"].get<double>(), std::sqrt(1469.176), 0.02);
  EXPECT_NEAR(s["noise_sd"]["flow"].get<double>(), std::sqrt(15098.52), 0.02);
  // The likelihood of a row given those before it, but for the first one, of which nothing is
  // known before, adds up to that of the fit, whose convention it is to count -log(2 pi) / 2 there.
  const TablePrediction p = predict_table({path("run"), kNile, {}, 1});
  EXPECT_NEAR(p.figures["log_predictive"].get<double>() - 0.9189385332046727,
              s["objective"].get<double>(), 1e-7);
  EXPECT_EQ(p.table.names, (std::vector<std::string>{"level", "level_sd", "fit.flow", "fit.flow_sd",
                                                     "log_density"}));
}

// A level goes on as it is last, its variance growing by that of a step each row.
TEST_F(LdsJobs, ALevelGoesOnAsItIs) {
  const json s = nile();
  const ForecastTable f = forecast_table(ahead(4));
  const TablePrediction p = predict_table({path("run"), kNile, {}, 1});
  const double *v = f.table.values.data<double>(), *last = p.table.values.data<double>() + 99 * 5;
  const double step = std::pow(s["step_sd"]["level"].get<double>(), 2),
               noise = std::pow(s["noise_sd"]["flow"].get<double>(), 2);
  ASSERT_EQ(f.table.names,
            (std::vector<std::string>{"ahead", "flow", "flow_sd", "flow_low", "flow_high"}));
  for (int h = 0; h < 4; ++h, v += 5) {
    EXPECT_EQ(v[0], h + 1);
    EXPECT_NEAR(v[1], last[0], 1e-9);
    EXPECT_NEAR(v[2] * v[2], last[1] * last[1] + (h + 1) * step + noise, 1e-5);
    EXPECT_NEAR(v[4] - v[1], 1.959963984540054 * v[2], 1e-9);
    EXPECT_NEAR(v[1] - v[3], 1.959963984540054 * v[2], 1e-9);
  }
}

// A motion and its loadings come back, whatever turn of the state is found.
TEST_F(LdsJobs, AMotionComesBack) {
  const std::string data = turning();
  for (const char* method : {"em", "vb"}) {
    const json s = fit<Lds>(data, [&](LdsSettings& l, FitTableConfig& c) {
      l.form = "full";
      l.method = method;
      c.settings.table.sequence = "walk";
    });
    EXPECT_NEAR(s["modes"][0]["size"].get<double>(), 0.95, 0.03) << method;
    EXPECT_NEAR(s["modes"][0]["period"].get<double>(), 2 * 3.14159265 / 0.4, 0.7) << method;
    for (const char* column : {"a", "b", "c"})
      EXPECT_NEAR(s["noise_sd"][column].get<double>(), 0.8, 0.15) << method << " " << column;
    if (s.contains("elbo")) {
      EXPECT_NEAR(testing::sum_of_terms(s), s["elbo"].get<double>(),
                  1e-9 * std::abs(s["elbo"].get<double>()));
    }
  }
}

// What is filled in is what the states add up to; cells that were seen stay.
TEST_F(LdsJobs, MissingCellsAreFilledBySmoothing) {
  const std::string data = turning();
  const json s = fit<Lds>(data, [&](LdsSettings& l, FitTableConfig& c) {
    l.form = "full";
    l.method = "em";
    c.settings.table.sequence = "walk";
  });
  const ImputedTable filled = filled_table(data);
  const TablePrediction p = predict_table({path("run"), data, {}, 1});
  const std::vector<std::string> names = {"a", "b", "c"};
  int gone = 0;
  for (int i = 0; i < 240; ++i)
    for (int j = 0; j < 3; ++j) {
      const int t = i % 120;
      const double *row = filled.table.values.data<double>() + i * 6,
                   *fit = p.table.values.data<double>() + i * 11 + 4 + 2 * j;
      if ((t * 3 + j) % 11 != 4 && !(t > 60 && t < 65)) {
        EXPECT_EQ(row[3 + j], 0);
        continue;
      }
      ++gone;
      const double noise = s["noise_sd"][names[std::size_t(j)]].get<double>();
      EXPECT_NEAR(row[j], fit[0], 1e-9);
      EXPECT_NEAR(row[3 + j], std::hypot(fit[1], noise), 1e-9);
    }
  EXPECT_EQ(filled.figures["missing"], gone);
}

// Far ahead a hidden Markov model has forgotten where it was: every sequence goes on alike.
TEST_F(LdsJobs, HiddenMarkovModelsGoOnAndAreFilled) {
  const std::string data = turning();
  fit<Hmm>(data, [&](HmmSettings& h, FitTableConfig& c) {
    h.components = 2;
    h.method = "em";
    h.covariance = "diag";
    c.settings.table.sequence = "walk";
  });
  const ForecastTable f = forecast_table(ahead(400));
  ASSERT_EQ(f.table.ids.size(), 800u);
  EXPECT_EQ(f.table.ids[0], "w0");
  EXPECT_EQ(f.table.ids[400], "w1");
  const double *one = f.table.values.data<double>() + 399 * 13, *two = one + 400 * 13;
  for (int j = 0; j < 13; ++j) EXPECT_NEAR(one[j], two[j], 1e-6 * (1 + std::abs(two[j])));
  const ImputedTable filled = filled_table(data);
  for (std::int64_t i = 0; i < filled.table.values.size(); ++i)
    EXPECT_TRUE(std::isfinite(filled.table.values.data<double>()[i]));
}

TEST_F(LdsJobs, MistakesAreTold) {
  const std::string data = turning();
  const auto as = [&](const char* form, std::int64_t period, const char* columns) {
    return [=](LdsSettings& s, FitTableConfig& c) {
      s.form = form;
      s.period = period;
      c.settings.table.columns = columns;
      c.settings.table.sequence = "walk";
    };
  };
  EXPECT_EQ(error(data, as("wave", 0, "a")),
            "--form \"wave\": one of level, trend, seasonal, full");
  EXPECT_NE(error(data, as("level", 0, "a,b")).find("is of one column, the table has 2"),
            std::string::npos);
  EXPECT_NE(error(data, as("seasonal", 0, "a")).find("--period says"), std::string::npos);
  EXPECT_EQ(error(data, as("level", 4, "a")), "--period 4 goes with --form seasonal, not level");
  const std::string few = write_rows("few.csv", "walk,x\na,1\na,2\nb,3\nc,4\nc,5.5\n");
  const std::string told = error(few, as("trend", 0, "x"));
  EXPECT_NE(told.find("few.csv: rows 3 to 3: a sequence with 1 row that is seen; its first 2 rows "
                      "are needed"),
            std::string::npos)
      << told;
  const std::string weights = write_rows("weights.csv", "walk,x,w\na,1,1\na,2,2\nb,3,1\nb,4,1\n");
  const std::string differs = error(weights, [&](LdsSettings&, FitTableConfig& c) {
    c.settings.table.columns = "x";
    c.settings.table.sequence = "walk";
    c.settings.table.weights = "w";
  });
  EXPECT_NE(differs.find("weights.csv: row 2: its weight 2 in column \"w\" differs"),
            std::string::npos)
      << differs;
  const std::string single = write_rows("single.csv", "walk,x\na,1\nb,2\nc,3\nd,4.5\n");
  EXPECT_NE(
      error(single, as("level", 0, "x")).find("every sequence of column \"walk\" is a single"),
      std::string::npos);
  const std::string blank = write_rows("blank.csv", "x\n1\n2\n\n4\n3\n");
  const std::string empty = error(blank, [](LdsSettings&, FitTableConfig&) {});
  EXPECT_NE(empty.find("blank.csv: line 4 is blank"), std::string::npos) << empty;
  nile();
  EXPECT_THROW(forecast_table(ahead(0)), ConfigError);
  EXPECT_THROW(forecast_table(ahead(4, 100)), ConfigError);
}

}  // namespace
}  // namespace fathom
