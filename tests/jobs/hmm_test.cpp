// Hidden Markov models through the jobs: sequences by a column, states that come back, transitions
// that are forbidden, what new rows are said to be, mistakes with their place.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using nlohmann::json;

class HmmJobs : public testing::TableFits {
 protected:
  static constexpr int kSteps = 150;
  static double uniform(std::uint64_t key, std::int64_t i) {
    return (double(philox(Key{key, 41}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  // Four walks round three states, each left with probability 0.1 for the next one.
  static int state(int row) {
    int z = 0;
    for (int t = row / kSteps * kSteps + 1; t <= row; ++t)
      if (uniform(1, t) < 0.1) z = (z + 1) % 3;
    return z;
  }
  std::string walks() const {
    std::string text = "walk,x,y,shots,gone\n";
    for (int i = 0; i < 4 * kSteps; ++i) {
      const int z = state(i);
      const auto noise = [&](std::uint64_t k) {
        return uniform(k, i) + uniform(k + 1, i) + uniform(k + 2, i) - 1.5;
      };
      text += fmt::format("w{},{:.4f},{:.4f},{},{}\n", i / kSteps, 3 * z + noise(2),
                          (z == 1 ? 2 : 0) + noise(5), std::int64_t((1 + 4 * z) * uniform(8, i)),
                          uniform(9, i) < 0.2 + 0.3 * z ? "yes" : "no");
    }
    return write("walks.csv", text);
  }
  json hmm(const std::string& data,
           const std::function<void(HmmSettings&, FitTableConfig&)>& change = {}) const {
    return fit<Hmm>(data, [&](HmmSettings& s, FitTableConfig& c) {
      s.components = 3;
      c.settings.table.sequence = "walk";
      c.settings.table.columns = "x,y";
      if (change) change(s, c);
    });
  }
  std::string error(const std::string& data,
                    const std::function<void(HmmSettings&, FitTableConfig&)>& change = {}) const {
    try {
      hmm(data, change);
    } catch (const Error& e) {
      EXPECT_FALSE(std::filesystem::exists(path("run")));
      return e.what();
    }
    return "no error";
  }
};

// Batches of whole sequences, with kept sums and as stand-ins for all, end where sweeps end.
TEST_F(HmmJobs, BatchesOfSequencesEndWhereSweepsEnd) {
  const std::string data = walks();
  for (const std::string method : {"vb", "em", "hard", "map"}) {
    const auto bound = [&](std::int64_t batch) {
      const json s = hmm(data, [&](HmmSettings& h, FitTableConfig& c) {
        h.method = method;
        c.settings.climb.batch = batch;
        c.settings.ascent.tolerance = 1e-12;
      });
      EXPECT_TRUE(s["converged"].get<bool>()) << method << batch;
      return s[s.contains("elbo") ? "elbo" : "objective"].get<double>();
    };
    const double whole = bound(0);
    for (const std::int64_t batch : {150, 200, 300, 600})
      EXPECT_NEAR(bound(batch), whole, 1e-6 * std::abs(whole)) << method << batch;
  }
  const auto elbo = [&](const std::string& method) {
    return hmm(data,
               [&](HmmSettings& h, FitTableConfig& c) {
                 h.method = method;
                 c.settings.climb.batch = method == "svi" ? 300 : 0;
                 c.settings.ascent.sweeps = 200;
               })["elbo"]
        .get<double>();
  };
  const double best = elbo("vb"), steps = elbo("svi");
  EXPECT_LE(steps, best + 1e-6 * std::abs(best));
  EXPECT_GE(steps, best - 2e-3 * std::abs(best));
}

TEST_F(HmmJobs, StatesAndTransitionsComeBack) {
  const std::string data = walks();
  json s = hmm(data);
  EXPECT_EQ(s["task"], "hmm");
  EXPECT_EQ(s["effective_states"], 3);
  EXPECT_NEAR(testing::sum_of_terms(s), s["elbo"].get<double>(),
              1e-9 * std::abs(s["elbo"].get<double>()));
  s = hmm(data, [](HmmSettings& h, FitTableConfig&) { h.method = "em"; });
  double first = 0;
  for (const json& one : s["states"]) {
    first += one["first"].get<double>();
    double total = 0;
    for (const json& p : one["next"]) total += p.get<double>();
    EXPECT_NEAR(total, 1, 1e-12);
    EXPECT_NEAR(one["stay"].get<double>(), 10, 4);       // 1 / 0.1
    EXPECT_NEAR(one["sd"][0].get<double>(), 0.5, 0.08);  // of three uniform numbers
  }
  EXPECT_NEAR(first, 1, 1e-12);
  const TablePrediction p = predict_table({path("run"), data, {}, 1});
  ASSERT_EQ(p.table.names, (std::vector<std::string>{"state", "p1", "p2", "p3", "log_density"}));
  // States in the order of their means.
  std::vector<std::pair<double, int>> order;
  for (int k = 0; k < 3; ++k)
    order.emplace_back(s["states"][std::size_t(k)]["mean"][0].get<double>(), k + 1);
  std::sort(order.begin(), order.end());
  int wrong = 0;
  for (int i = 0; i < 4 * kSteps; ++i)
    wrong += p.table.values.data<double>()[i * 5] != order[std::size_t(state(i))].second;
  EXPECT_LE(wrong, 12);
}

TEST_F(HmmJobs, SequencesAreApart) {
  const std::string data = walks();
  const json together = hmm(data, [](HmmSettings& s, FitTableConfig&) { s.method = "em"; });
  // Rows of one sequence score as they do among others; a row's density is given those before it.
  const json all = evaluate_table(path("run"), data, 1);
  std::ifstream in(data);
  std::string header, line, text[4];
  std::getline(in, header);
  for (int i = 0; std::getline(in, line); ++i) text[i / kSteps] += line + "\n";
  double apart = 0;
  for (int w = 0; w < 4; ++w)
    apart += evaluate_table(path("run"), write("one.csv", header + "\n" + text[w]), 1)["objective"]
                 .get<double>();
  EXPECT_NEAR(apart, together["objective"].get<double>(), 1e-8);
  EXPECT_NEAR(all["log_predictive"].get<double>(), together["objective"].get<double>(), 1e-8)
      << "with point estimates the densities of rows multiply to the likelihood";
}

TEST_F(HmmJobs, ForbiddenTransitionsHaveNoProbability) {
  const std::string data = walks();
  for (const char* method : {"vb", "map", "em"}) {
    const json s = hmm(data, [&](HmmSettings& h, FitTableConfig& c) {
      h.method = method;
      h.left_right = true;
      c.settings.table.sequence = {};
      c.settings.restarts = 1;
    });
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(s["states"][i]["first"].get<double>(), i == 0 ? 1 : 0);
      for (std::size_t j = 0; j < 3; ++j) {
        const double p = s["states"][i]["next"][j].get<double>();
        if (j < i || j > i + 1) {
          EXPECT_EQ(p, 0) << method << " " << i << " " << j;
        }
      }
    }
  }
  const json s = hmm(data, [&](HmmSettings& h, FitTableConfig&) { h.forbid = "1>2,2>2"; });
  EXPECT_EQ(s["states"][0]["next"][1].get<double>(), 0);
  EXPECT_EQ(s["states"][1]["next"][1].get<double>(), 0);
}

TEST_F(HmmJobs, ColumnsOfEveryKindAndGaps) {
  std::string data = walks();
  std::ifstream in(data);
  std::string line, text;
  for (int i = 0; std::getline(in, line); ++i) {
    if (i % 17 == 5) line = line.substr(0, line.rfind(',')) + ",";
    text += line + "\n";
  }
  data = write("gaps.csv", text);
  const json s = hmm(data, [](HmmSettings& h, FitTableConfig& c) {
    h.emission = "columns";
    c.settings.table.columns = "x,shots,gone";
  });
  EXPECT_EQ(s["effective_states"], 3);
  const json& columns = s["states"][0]["columns"];
  EXPECT_TRUE(columns["x"].contains("mean") && columns["shots"].contains("rate") &&
              columns["gone"].contains("levels"))
      << columns;
  EXPECT_EQ(predict_table({path("run"), data, {}, 1}).table.values.shape().extent(0), 4 * kSteps);
  EXPECT_EQ(sample_table({path("run"), {}, 20, 1}).values.shape(), (Shape{20, 3}));
}

TEST_F(HmmJobs, StickyStatesStay) {
  const std::string data = walks();
  const auto stays = [](const json& s) {
    double all = 0;
    for (const json& one : s["states"]) all += one["stay"].get<double>();
    return all;
  };
  const double plain = stays(hmm(data));
  EXPECT_GT(stays(hmm(data, [](HmmSettings& h, FitTableConfig&) { h.sticky = 100; })), plain);
}

TEST_F(HmmJobs, MistakesAreTold) {
  const std::string data = walks();
  const auto expect = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  };
  expect(error(write("order.csv", "walk,x,y\na,1,2\na,2,1\nb,1,1\na,3,2\nb,2,2\n")),
         "row 4: sequence \"a\" of column \"walk\" goes on after another one; it began in row 1");
  expect(error(data, [](HmmSettings& h, FitTableConfig&) { h.forbid = "1>9"; }),
         "between states 1 to 3");
  expect(error(data, [](HmmSettings& h, FitTableConfig&) { h.forbid = "2>1,2>2,2>3"; }),
         "from state 2 there is no way");
  expect(error(data, [](HmmSettings& h, FitTableConfig&) { h.components = 0; }),
         "--states must be");
  for (const bool svi : {false, true})
    expect(error(data,
                 [svi](HmmSettings& h, FitTableConfig& c) {
                   if (svi) h.method = "svi";
                   c.settings.climb.batch = 100;
                   c.settings.table.sequence.clear();
                 }),
           "one sequence, which is not cut");
  expect(error(data, [](HmmSettings& h, FitTableConfig&) { h.sticky = -1; }), "--sticky");
  expect(error(data, [](HmmSettings&, FitTableConfig& c) { c.settings.table.sequence = "wolk"; }),
         "walk");
  expect(error(data,
               [](HmmSettings& h, FitTableConfig&) {
                 h.method = "em";
                 h.sticky = 2;
               }),
         "--sticky is a prior");
  try {
    fit<Gmm>(data, [](GmmSettings&, FitTableConfig& c) { c.settings.table.sequence = "walk"; });
    FAIL();
  } catch (const ConfigError& e) {
    expect(e.what(), "do not follow each other");
  }
}

}  // namespace
}  // namespace fathom
