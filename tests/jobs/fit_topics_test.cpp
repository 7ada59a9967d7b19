#include "fathom/jobs/fit_topics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fathom/jobs/use_topics.h"
#include "fathom/kernels/rng.h"
#include "tests/jobs/small_data.h"

namespace fathom {
namespace {

// Documents of 40 words, nine in ten of them from one of four groups of eight words.
std::string grouped_documents(std::int64_t documents, std::uint64_t seed) {
  Array u(DType::f64, Shape{documents * 80});
  kernels::fill_uniform(Key{seed, 0}, nullptr, 0, 1, u.size(), u.data<double>());
  const double* x = u.data<double>();
  std::string text;
  for (std::int64_t d = 0; d < documents; ++d) {
    std::map<int, int> counts;
    for (int i = 0; i < 40; ++i, x += 2) {
      const int group = x[0] < 0.9 ? int(d % 4) : int((x[0] - 0.9) * 39.9);
      ++counts[group * 8 + int(x[1] * 8)];
    }
    text += std::to_string(counts.size());
    for (const auto& [w, n] : counts) text += fmt::format(" {}:{}", w, n);
    text += '\n';
  }
  return text;
}

class TopicFits : public ::testing::Test {
 protected:
  TopicFits() {
    std::ofstream(file("d.txt")) << grouped_documents(120, 3);
    std::ofstream words(file("w.txt"));
    for (int w = 0; w < 32; ++w) words << "g" << w / 8 << "_" << w % 8 << '\n';
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  template <class F>
  FitTableResult fit(F&& change) const {
    FitTopicsConfig c;
    c.data = file("d.txt");
    c.run = file("run");
    c.force = true;
    c.threads = 1;
    c.settings.topics = 4;
    c.settings.restarts = 3;
    c.settings.vocabulary = file("w.txt");
    change(c);
    return fit_topics(c, {});
  }
  testing::TempFolder folder_;
};

// Each topic's eight likeliest words are one group.
void expect_groups(const std::string& run) {
  const nlohmann::json j = topics_of({run, 8});
  std::set<char> seen;
  for (const auto& t : j.at("topics")) {
    std::set<char> groups;
    for (const auto& w : t.at("words")) groups.insert(w.at("word").get<std::string>()[1]);
    EXPECT_EQ(groups.size(), 1u) << t.dump();
    seen.insert(groups.begin(), groups.end());
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST_F(TopicFits, FindGroupsOfWordsByEveryWay) {
  std::map<std::string, double> bounds;
  const auto way = [&](const std::string& name, auto&& change) {
    SCOPED_TRACE(name);
    const FitTableResult r = fit(change);
    bounds[name] = r.summary.at("elbo_per_row").get<double>();
    EXPECT_LT(r.summary.at("perplexity").get<double>(), 20);
    expect_groups(file("run"));
  };
  way("sweeps", [](FitTopicsConfig&) {});
  way("memoised", [](FitTopicsConfig& c) { c.settings.batch = 25; });
  way("stochastic", [](FitTopicsConfig& c) {
    c.settings.method = "svi";
    c.settings.batch = 10;
    c.settings.ascent.sweeps = 60;
  });
  way("single precision", [](FitTopicsConfig& c) { c.settings.precision = "f32"; });
  for (const auto& [name, bound] : bounds) EXPECT_NEAR(bound, bounds["sweeps"], 0.2) << name;
  // Documents that are warm find the groups too, and may stay in other optima of their own.
  way("warm sweeps", [](FitTopicsConfig& c) { c.settings.warm = 1; });
  way("warm and memoised", [](FitTopicsConfig& c) {
    c.settings.warm = 1;
    c.settings.batch = 25;
  });
  way("warm in single precision", [](FitTopicsConfig& c) {
    c.settings.warm = 1;
    c.settings.precision = "f32";
  });
}

TEST_F(TopicFits, TermsAddUpAndEvaluationIsTheirWords) {
  const FitTableResult r = fit([](FitTopicsConfig&) {});
  double total = 0;
  for (const auto& [name, value] : r.summary.at("terms").items()) total += value.get<double>();
  EXPECT_NEAR(total, r.summary.at("elbo").get<double>(), 1e-9);
  const nlohmann::json e = evaluate_topics(file("run"), file("d.txt"), "", 1);
  EXPECT_NEAR(e.at("elbo").get<double>(), r.summary.at("terms").at("words").get<double>(), 1e-6);
  EXPECT_NEAR(std::log(e.at("perplexity").get<double>()), -e.at("per_token").get<double>(), 1e-12);
}

TEST_F(TopicFits, ProportionsSayWhichGroup) {
  fit([](FitTopicsConfig&) {});
  const TopicPrediction p = predict_topics(file("run"), file("d.txt"), "", "", 2);
  ASSERT_EQ(p.table.values.shape(), (Shape{120, 4}));
  const double* v = p.table.values.data<double>();
  std::set<std::ptrdiff_t> topics;
  for (int d = 0; d < 120; ++d) {
    double sum = 0;
    for (int k = 0; k < 4; ++k) sum += v[4 * d + k];
    EXPECT_NEAR(sum, 1, 1e-12);
    const auto most = std::max_element(v + 4 * d, v + 4 * d + 4) - (v + 4 * d);
    EXPECT_EQ(most, std::max_element(v + 4 * (d % 4), v + 4 * (d % 4) + 4) - (v + 4 * (d % 4)));
    if (d < 4) topics.insert(most);
  }
  EXPECT_EQ(topics.size(), 4u);
}

// Words of another file are found by their names, and those that are unknown are left out.
TEST_F(TopicFits, AnotherOrderOfWords) {
  fit([](FitTopicsConfig&) {});
  std::ofstream(file("a.txt")) << "2 0:3 9:1\n";
  std::ofstream(file("b.txt")) << "3 0:5 1:1 2:3\n0\n";
  std::ofstream(file("b_words.txt")) << "unheard\ng1_1\ng0_0\n";
  const TopicPrediction a = predict_topics(file("run"), file("a.txt"), "", "", 1),
                        b = predict_topics(file("run"), file("b.txt"), file("b_words.txt"), "", 1);
  EXPECT_EQ(b.figures.at("left_out"), 5);
  EXPECT_EQ(b.figures.at("empty_documents"), 1);
  for (int k = 0; k < 4; ++k) {
    EXPECT_EQ(a.table.values.data<double>()[k], b.table.values.data<double>()[k]);
    EXPECT_EQ(b.table.values.data<double>()[4 + k], 0.25);
  }
}

// With one update of proportions in a pass and no tolerance every recorded bound is at least the
// one before; a restart begins without the proportions of the one before.
TEST_F(TopicFits, WarmSweepsNeverLowerTheBound) {
  const auto bounds = [&](int restarts, std::int64_t batch) {
    const FitTableResult r = fit([&](FitTopicsConfig& c) {
      c.settings.warm = 1;
      c.settings.inner_updates = 1;
      c.settings.batch = batch;
      c.settings.restarts = restarts;
      c.settings.ascent = {.sweeps = 40, .tolerance = 0};
    });
    std::map<int, std::vector<double>> by_restart;
    std::ifstream lines(file("run/metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json j = nlohmann::json::parse(line);
      if (j.at("elbo").is_number()) by_restart[j.at("restart")].push_back(j.at("elbo"));
    }
    EXPECT_TRUE(
        nlohmann::json::parse(std::ifstream(file("run/config.json")))["settings"].at("warm") == 1);
    for (const auto& [restart, all] : by_restart)
      for (std::size_t i = 1; i < all.size(); ++i)
        EXPECT_GE(all[i], all[i - 1] - 1e-12 * std::abs(all[i])) << restart << " " << i;
    // The topics that are left are those of the bound that the summary has.
    EXPECT_GE(r.summary.at("elbo_per_row").get<double>(),
              by_restart[r.summary.at("best_restart")].back() - 1e-12);
    return by_restart;
  };
  for (const std::int64_t batch : {0, 25}) {
    const auto one = bounds(1, batch), two = bounds(2, batch);
    EXPECT_EQ(one.at(1), two.at(1));
    EXPECT_NE(two.at(1), two.at(2));
  }
}

// Until then a fit is what it is without, bit for bit.
TEST_F(TopicFits, WarmAfterSomeSweeps) {
  const auto topics = [&](int warm, int sweeps, std::int64_t batch) {
    fit([&](FitTopicsConfig& c) {
      c.settings.warm = warm;
      c.settings.batch = batch;
      c.settings.restarts = 1;
      c.settings.ascent = {.sweeps = sweeps, .tolerance = 0};
    });
    const Array a = open_topics_run(file("run")).lambda;
    return std::vector<double>(a.data<double>(), a.data<double>() + a.size());
  };
  for (const std::int64_t batch : {0, 25}) {
    EXPECT_EQ(topics(3, 3, batch), topics(0, 3, batch));
    EXPECT_NE(topics(3, 4, batch), topics(0, 4, batch));
  }
}

TEST_F(TopicFits, AFitIsAFunctionOfItsSeedAlone) {
  const auto tensor = [&] { return open_topics_run(file("run")).lambda; };
  for (const char* method : {"vb", "svi", "warm"}) {
    const auto with = [&](int threads) {
      return [=](FitTopicsConfig& c) {
        c.settings.warm = method == std::string("warm") ? 2 : 0;
        c.settings.method = c.settings.warm > 0 ? "vb" : method;
        c.settings.ascent.sweeps = 3;
        c.threads = threads;
      };
    };
    fit(with(1));
    const Array one = tensor();
    fit(with(3));
    const Array three = tensor();
    for (std::int64_t i = 0; i < one.size(); ++i)
      ASSERT_EQ(one.data<double>()[i], three.data<double>()[i]) << method << " " << i;
  }
}

// A fit that was interrupted and goes on is the fit that was not, bit for bit.
TEST_F(TopicFits, GoOnWhereTheyWereInterrupted) {
  const auto model_of = [&](const std::string& run) {
    const Bytes b = map_file(file(run + "/model.safetensors"));
    return std::string(reinterpret_cast<const char*>(b.data.get()), b.size);
  };
  const auto way = [&](const char* name, auto&& change, bool goes_on,
                       int* first_was_best = nullptr) {
    SCOPED_TRACE(name);
    FitTopicsConfig c;
    c.data = file("d.txt");
    c.run = file("whole");
    c.force = true;
    c.threads = 1;
    c.settings.topics = 4;
    c.settings.restarts = 2;
    c.settings.ascent.sweeps = 8;
    c.settings.ascent.tolerance = 0;
    c.resume = false;
    change(c);
    const FitTableResult whole = fit_topics(c, {});
    if (first_was_best) *first_was_best += whole.summary["best_restart"] == 1;
    c.run = file("parts");
    for (const int stop : {3, 7, 0}) {  // the second within the second restart
      int done = 0;
      FitTableHooks hooks;
      hooks.sweep = [&](const TableSweep&) { ++done; };
      hooks.interrupted = [&] { return done == stop; };
      const FitTableResult part = fit_topics(c, hooks);
      EXPECT_EQ(part.interrupted, stop > 0);
      EXPECT_EQ(part.goes_on, stop > 0 && goes_on);
      if (!goes_on) return;
      if (stop == 0) {
        EXPECT_EQ(part.summary["elbo"], whole.summary["elbo"]);
        EXPECT_EQ(part.summary["restarts"], whole.summary["restarts"]);
        EXPECT_EQ(part.summary["verdict"], whole.summary["verdict"]);
      }
      c.force = false;
      c.resume = true;
      c.threads = 3 - c.threads;
    }
    EXPECT_EQ(model_of("parts"), model_of("whole"));
    const auto bounds = [&](const std::string& run) {
      std::vector<double> all;
      for (const auto& line : RunFolder::open(file(run)).read_metrics())
        all.push_back(line.at("elbo").get<double>());
      return all;
    };
    EXPECT_EQ(bounds("parts"), bounds("whole"));
    EXPECT_THROW(fit_topics(c, {}), ConfigError);  // it has ended
  };
  way(
      "sweeps", [](FitTopicsConfig&) {}, true);
  way(
      "warm", [](FitTopicsConfig& c) { c.settings.warm = 2; }, true);
  way(
      "single precision", [](FitTopicsConfig& c) { c.settings.precision = "f32"; }, true);
  way(
      "stochastic",
      [](FitTopicsConfig& c) {
        c.settings.method = "svi";
        c.settings.batch = 25;
      },
      true);
  way(
      "memoised", [](FitTopicsConfig& c) { c.settings.batch = 25; }, false);
}

}  // namespace
}  // namespace fathom
