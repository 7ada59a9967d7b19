// Bayesian networks through the jobs: structures and queries as text, fits, verbs on their runs,
// and mistakes.
#include "fathom/jobs/network.h"

#include <cmath>

#include "fathom/jobs/impute_table.h"
#include "fathom/jobs/posterior_table.h"
#include "fathom/jobs/query_table.h"
#include "fathom/jobs/report_table.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

const char* const kAsia = FATHOM_SOURCE_DIR "/data/asia.csv";
const char* const kClinic =
    "asia; tub <- asia; smoke; lung <- smoke; bronc <- smoke; either <- tub lung; xray <- either; "
    "dysp <- either bronc";

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing is wrong";
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(NetworkText, IsReadAndWritten) {
  const NetworkText a = NetworkText::of("wet <- rain, sprinkler ; sprinkler <- rain");
  EXPECT_EQ(a.text(), "wet <- rain sprinkler; rain; sprinkler <- rain");
  EXPECT_EQ(a.order(), (std::vector<int>{1, 2, 0}));
  EXPECT_EQ(NetworkText::of(a.text()).parents, a.parents);
  const NetworkText b =
      NetworkText::of("# a lawn; not of ours\nrain\n\nwet <- rain  # it pours; rain\nsun;moon\n");
  EXPECT_EQ(b.text(), "rain; wet <- rain; sun; moon");
}

TEST(NetworkText, MistakesAreNamed) {
  const auto error = [](const char* text) { return error_of([&] { NetworkText::of(text); }); };
  EXPECT_TRUE(says(error("a <- b; b <- c; c <- a"), "cycle: a -> c -> b -> a")) << error("a <- a");
  EXPECT_TRUE(says(error("a <- a"), "cycle: a -> a")) << error("a <- a");
  EXPECT_TRUE(says(error("a <- b; a <- c"), "\"a\" are given twice"));
  EXPECT_TRUE(says(error("a <- b b"), "\"b\" is a parent of \"a\" twice"));
  EXPECT_TRUE(says(error("a b"), "variable <- its parents"));
  EXPECT_TRUE(says(error("a <-"), "variable <- its parents"));
  EXPECT_TRUE(says(error("a <- b <- c"), "variable <- its parents"));
  EXPECT_TRUE(says(error(" ; "), "says what depends on what"));
  EXPECT_TRUE(says(error("no/such.net"), "no such file"));
}

TEST(NetworkQuery, IsReadOrRefused) {
  const std::vector<std::string> names = {"rain", "wet lawn"};
  const std::vector<std::vector<std::string>> states = {{"no", "yes"}, {"dry", "a, b", "wet"}};
  const NetworkQuery q = parse_query("P(\"wet lawn\" | rain = yes)", names, states);
  ASSERT_EQ(q.targets.size(), 1u);
  EXPECT_EQ(q.targets[0], (std::pair<int, int>(1, -1)));
  EXPECT_EQ(q.given, (std::map<int, int>{{0, 1}}));
  const NetworkQuery both = parse_query("rain=no, wet lawn=\"a, b\"", names, states);
  EXPECT_EQ(both.targets[1], (std::pair<int, int>(1, 1)));
  const auto error = [&](const char* text) {
    return error_of([&] { parse_query(text, names, states); });
  };
  EXPECT_TRUE(says(error("P(rein)"), "did you mean rain?"));
  EXPECT_TRUE(says(error("P(rain=yess)"), "did you mean yes?"));
  EXPECT_TRUE(says(error("P(rain=7)"), "but no, yes"));
  EXPECT_TRUE(says(error("P(wet lawn | rain)"), "rain=no or yes"));
  EXPECT_TRUE(says(error("P(rain | rain=yes)"), "asked for and given"));
  EXPECT_TRUE(says(error("P(wet lawn | rain=yes, rain=no)"), "given as yes and as no"));
  for (const char* text : {"P(rain", "", "P()", "P(rain | wet lawn=wet | rain=no)", "rain=yes=no"})
    EXPECT_TRUE(says(error(text), "ask as in")) << text << ": " << error(text);
}

class NetworkJobs : public testing::TableFits {
 protected:
  nlohmann::json fit_clinic(const std::string& method = "vb") const {
    return fit<NetworkTable>(kAsia, [&](NetworkSettings& s, FitTableConfig&) {
      s.structure = kClinic;
      s.method = method;
    });
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
};

TEST_F(NetworkJobs, AFitHasItsTablesAndItsTermsAddUp) {
  const nlohmann::json s = fit_clinic();
  double total = 0;
  for (const auto& [name, value] : s.at("terms").items()) total += value.get<double>();
  EXPECT_NEAR(total, s.at("elbo").get<double>(), 1e-9 * std::abs(total));
  const auto& net = s.at("network");
  EXPECT_EQ(net.at("structure"), kClinic);
  EXPECT_EQ(net.at("missing_cells"), 456);
  EXPECT_GT(net.at("mean_field_gap_per_row").get<double>(), 0);
  for (const auto& v : net.at("variables"))
    for (const auto& line : v.at("table")) {
      double sum = 0;
      for (const auto& p : line.at("probabilities")) sum += p.get<double>();
      EXPECT_NEAR(sum, 1, 1e-12);
    }
  // The same bits where rows are read as they are needed.
  const nlohmann::json streamed =
      fit<NetworkTable>(kAsia, [&](NetworkSettings& n, FitTableConfig& c) {
        n.structure = kClinic;
        c.settings.table.stream = "always";
      });
  EXPECT_EQ(streamed.at("elbo"), s.at("elbo"));
  EXPECT_EQ(streamed.at("network"), net);
  // By independent variables instead: below, by no more than a little of what the summary says.
  const nlohmann::json apart = fit<NetworkTable>(kAsia, [&](NetworkSettings& c, FitTableConfig&) {
    c.structure = kClinic;
    c.inference = "meanfield";
  });
  EXPECT_LT(apart.at("elbo").get<double>(), s.at("elbo").get<double>());
  EXPECT_GE(
      apart.at("elbo").get<double>(),
      s.at("elbo").get<double>() - 1500 * net.at("mean_field_gap_per_row").get<double>() - 1e-6);
}

// Sums over the joint states by hand, from the tables that the summary holds.
TEST_F(NetworkJobs, QueriesAreSumsOverJointStates) {
  const nlohmann::json s = fit_clinic();
  const auto& all = s.at("network").at("variables");
  double given = 0, both = 0, joint[4] = {};
  for (int x = 0; x < 256; ++x) {
    double p = 1;
    for (std::size_t v = 0; v < 8; ++v) {
      std::size_t j = 0;
      for (const auto& parent : all[v].at("parents"))
        for (std::size_t u = 0; u < 8; ++u)
          if (all[u].at("name") == parent) j = 2 * j + std::size_t(x >> u & 1);
      p *= all[v].at("table")[j].at("probabilities")[std::size_t(x >> v & 1)].get<double>();
    }
    const bool smoke = x >> 2 & 1, xray = x >> 6 & 1, lung = x >> 3 & 1, bronc = x >> 4 & 1;
    if (smoke && xray) given += p, both += lung ? p : 0, joint[2 * lung + bronc] += p;
  }
  const QueryResult q = query_table(path("run"), "P(lung=yes | smoke=yes, xray=yes)");
  EXPECT_NEAR(q.json.at("probabilities")[0].at("probability").get<double>(), both / given, 1e-12);
  EXPECT_NEAR(q.json.at("log_evidence").get<double>(), std::log(given), 1e-12);
  const QueryResult pair = query_table(path("run"), "P(lung, bronc | smoke=yes, xray=yes)");
  ASSERT_EQ(pair.json.at("probabilities").size(), 4u);
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(pair.json.at("probabilities")[k].at("probability").get<double>(), joint[k] / given,
                1e-12);
  const QueryResult none = query_table(path("run"), "tub");
  EXPECT_NEAR(none.json.at("log_evidence").get<double>(), 0, 1e-14);
  EXPECT_TRUE(says(none.heading, "posterior mean"));
}

TEST_F(NetworkJobs, RowsArePredictedFilledDrawnAndScored) {
  fit_clinic();
  PredictTableConfig c;
  c.run = path("run");
  c.data = kAsia;
  const TablePrediction all = predict_table(c);
  EXPECT_EQ(all.table.names.size(), 8u + 16u + 1u);
  EXPECT_TRUE(says(all.table.csv(), "\nno,no,no,no,no,no,no,no,1,0,"));
  // The sum of what the rows' cells are worth, as the query has it.
  c.data = write("rows.csv", "smoke,xray\nyes,yes\n,\n");
  c.target = "lung";
  const TablePrediction one = predict_table(c);
  ASSERT_EQ(one.table.names,
            (std::vector<std::string>{"lung", "p.lung=no", "p.lung=yes", "log_density"}));
  const QueryResult q = query_table(path("run"), "P(lung=yes | smoke=yes, xray=yes)");
  EXPECT_NEAR(one.table.values.data<double>()[2],
              q.json.at("probabilities")[0].at("probability").get<double>(), 1e-14);
  EXPECT_NEAR(one.table.values.data<double>()[3], q.json.at("log_evidence").get<double>(), 1e-14);
  EXPECT_NEAR(one.table.values.data<double>()[7], 0, 1e-14);
  c.proba = true;
  EXPECT_EQ(predict_table(c).table.names, (std::vector<std::string>{"p.lung=no", "p.lung=yes"}));
  c.target = "lunk";
  EXPECT_TRUE(says(error_of([&] { predict_table(c); }), "did you mean lung?"));
  ImputeTableConfig i;
  i.run = path("run");
  i.data = kAsia;
  const ImputedTable filled = impute_table(i);
  EXPECT_EQ(filled.figures.at("missing"), 456);
  for (const double v : filled.table.values.values<double>()) EXPECT_FALSE(std::isnan(v));
  EXPECT_TRUE(says(filled.table.csv(), "no,no,yes,no,yes,no,no,yes\n"));
  i.sd = true;
  EXPECT_TRUE(says(error_of([&] { impute_table(i); }), "categories"));
  const TextTable drawn = sample_table({path("run"), "", 20000, 1});
  double smokers = 0;
  for (std::int64_t r = 0; r < 20000; ++r) smokers += drawn.values.data<double>()[8 * r + 2];
  const double p = query_table(path("run"), "smoke=yes")
                       .json.at("probabilities")[0]
                       .at("probability")
                       .get<double>();
  EXPECT_NEAR(smokers / 20000, p, 5 * std::sqrt(p * (1 - p) / 20000));
  const nlohmann::json e = evaluate_table(path("run"), kAsia, 1);
  EXPECT_GT(e.at("log_predictive_per_row").get<double>(), e.at("elbo_per_row").get<double>());
  const PosteriorTable table = posterior_table(path("run"));
  EXPECT_EQ(table.rows.size(), 36u);
  EXPECT_EQ(table.rows[2].element, "no | asia=no");
  report_table(path("run"), "", 1, {});
}

// A grid that is too large for exact sums: queries near its corner need its ancestors alone.
TEST_F(NetworkJobs, QueriesOfLargeNetworksSumOverAncestors) {
  std::string header, structure, rows;
  for (int v = 0; v < 144; ++v) {
    header += fmt::format("{}g{}", v == 0 ? "" : ",", v);
    std::string parents = v % 12 > 0 ? fmt::format(" g{}", v - 1) : "";
    if (v >= 12) parents += fmt::format(" g{}", v - 12);
    structure += fmt::format("g{}{}{}\n", v, parents.empty() ? "" : " <-", parents);
  }
  for (int i = 0; i < 40; ++i)
    for (int v = 0; v < 144; ++v)
      rows += fmt::format("{}{}", (i * i + v * (i % 7) + v / 12) % 4, v == 143 ? "\n" : ",");
  const std::string data = write("grid.csv", header + "\n" + rows);
  const auto change = [&](const char* inference) {
    return [&structure, inference](NetworkSettings& s, FitTableConfig&) {
      s.structure = structure;
      s.inference = inference;
    };
  };
  EXPECT_TRUE(says(error_of([&] { fit<NetworkTable>(data, change("exact")); }), "meanfield"));
  fit<NetworkTable>(data, change("meanfield"));
  const QueryResult near = query_table(path("run"), "P(g0 | g13=1)");
  EXPECT_TRUE(near.json.at("exact"));
  const QueryResult far = query_table(path("run"), "P(g0 | g143=1)");
  EXPECT_FALSE(far.json.at("exact"));
  EXPECT_TRUE(says(far.heading, "a bound"));
}

// What cannot be is said so, or has no density.
TEST_F(NetworkJobs, ContradictionsAreNamed) {
  const std::string data = write("t.csv", "a,b\n0,x\n0,x\n1,y\n1,y\n");
  fit<NetworkTable>(data, [](NetworkSettings& s, FitTableConfig&) {
    s.structure = "a; b <- a";
    s.method = "em";
  });
  EXPECT_TRUE(says(error_of([&] { query_table(path("run"), "P(a | a=0, b=y)"); }), "both asked"));
  fit<NetworkTable>(write("u.csv", "a,b,c\n0,x,1\n0,x,2\n1,y,1\n1,y,2\n"),
                    [](NetworkSettings& s, FitTableConfig&) {
                      s.structure = "a; b <- a; c";
                      s.method = "em";
                    });
  const std::string e = error_of([&] { query_table(path("run"), "P(c | a=0, b=y)"); });
  EXPECT_TRUE(says(e, "a=0, b=y cannot be")) << e;
  PredictTableConfig c;
  c.run = path("run");
  c.data = write("v.csv", "a,b,c\n0,y,\n1,y,\n");
  const TablePrediction p = predict_table(c);
  EXPECT_TRUE(says(p.table.csv(), ",-inf\n")) << p.table.csv();
  ImputeTableConfig i;
  i.run = path("run");
  i.data = c.data;
  EXPECT_TRUE(says(impute_table(i).table.csv(), "\n0,y,\n"));  // nothing can stand there
  EXPECT_TRUE(says(error_of([&] {
                     write("w.csv", "a,b,c\n0,z,1\n");
                     c.data = path("w.csv");
                     predict_table(c);
                   }),
                   "\"b\""));
}

TEST_F(NetworkJobs, TablesWithoutDataAreRefused) {
  const std::string data = write("t.csv", "a,b\n0,\n1,\n");
  const auto structure = [](const char* text) {
    return [text](NetworkSettings& s, FitTableConfig&) { s.structure = text; };
  };
  EXPECT_TRUE(says(error_of([&] { fit<NetworkTable>(data, structure("b <- a")); }),
                   "all cells of column \"b\" are missing"));
  EXPECT_TRUE(says(error_of([&] { fit<NetworkTable>(data, structure("bb <- a")); }), "\"bb\""));
  // Columns that are the same, or one row, are no fault here.
  EXPECT_EQ(fit<NetworkTable>(write("u.csv", "a,b\n0,0\n"), structure("b <- a")).at("n"), 1);
}

}  // namespace
}  // namespace fathom
