// Tables that are read as they are needed give the same bits as tables that are held.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "fathom/io/npy.h"
#include "fathom/jobs/impute_table.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::table_fit;
using testing::TempFolder;
using testing::two_clusters;

std::string bytes_of(const std::string& path) {
  const Bytes b = map_file(path);
  return {reinterpret_cast<const char*>(b.data.get()), b.size};
}

std::string text_of(const std::string& path) {
  return std::filesystem::exists(path) ? bytes_of(path) : "none";
}

class Stream : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }

  // A fit of one kind of model, as a configuration for each run.
  using Fit = std::function<FitTableConfig(const std::string& data, const std::string& run)>;

  template <class M, class F>
  Fit kind(F&& change) const {
    return [=](const std::string& data, const std::string& run) {
      return table_fit<M>(data, run, [&](auto& settings, FitTableConfig& f) {
        f.settings.restarts = 2;
        f.settings.ascent.sweeps = 4;
        change(settings, f.settings.table);
      });
    };
  }
  Fit mixture_of_two(const TableConfig& table = {}) const {
    return kind<Gmm>([=](GmmSettings& g, TableConfig& t) {
      g.components = 2;
      t = table;
    });
  }

  nlohmann::json fit(const Fit& make, const std::string& data, const std::string& run,
                     const std::string& stream, int threads) {
    FitTableConfig c = make(data, path(run));
    c.settings.table.stream = stream;
    c.threads = threads;
    FitTableHooks hooks;
    std::string& notes = stream == "never" ? held_notes_ : notes_;
    notes.clear();
    hooks.note = [&](const std::string& text) { notes += text + "\n"; };
    nlohmann::json s = fit_table(c, hooks).summary;
    for (const char* key : {"seconds", "rows_per_second", "threads"}) s.erase(key);
    return s;
  }

  // Fits of `data`, held and streamed; what they say of `others`.
  void expect_same(const Fit& make, const std::string& data,
                   const std::vector<std::string>& others) {
    std::filesystem::remove_all(path("held"));
    std::filesystem::remove_all(path("read"));
    const nlohmann::json held = fit(make, data, "held", "never", 1),
                         read = fit(make, data, "read", "always", 2);
    EXPECT_EQ(held, read);
    for (const char* file : {"model.safetensors", "components.svg", "scores.svg"})
      EXPECT_EQ(text_of(path("held/") + file), text_of(path("read/") + file)) << file;
    for (const std::string& rows : others) expect_same_use(rows);
  }
  void expect_same(const Fit& make, const std::string& data) { expect_same(make, data, {data}); }

  void expect_same_use(const std::string& data) {
    nlohmann::json scores = evaluate_table(path("held"), data, 1),
                   again = evaluate_table(path("read"), data, 2);
    scores.erase("threads");
    again.erase("threads");
    EXPECT_EQ(scores, again);
    for (const char* ending : {".npy", ".csv"}) {
      const TablePrediction whole = predict_table({path("held"), data, path("held") + ending, 1}),
                            blocks = predict_table({path("read"), data, path("read") + ending, 2});
      EXPECT_EQ(whole.table.names, blocks.table.names);
      EXPECT_TRUE(blocks.table.values.empty());  // of a table that is not held, they are not either
      EXPECT_EQ(bytes_of(path("held") + ending), bytes_of(path("read") + ending)) << ending;
    }
    if (!open_table_run(path("held")).model->fills()) return;
    impute_table({path("held"), data, path("held.csv"), true, 1});
    impute_table({path("read"), data, path("read.csv"), true, 2});
    EXPECT_EQ(bytes_of(path("held.csv")), bytes_of(path("read.csv")));
  }

  // All but the number of threads.
  void expect_same_notes() {
    const auto at = [](const std::string& notes) { return notes.rfind(';'); };
    EXPECT_EQ(notes_.substr(0, at(notes_)), held_notes_.substr(0, at(held_notes_)));
  }

  // The one line that a fit ends in, held and streamed alike; nothing is left.
  std::string error(const Fit& make, const std::string& data) {
    std::string said[2];
    const auto before = std::distance(std::filesystem::directory_iterator(path("")), {});
    for (const bool stream : {false, true}) try {
        fit(make, data, "bad", stream ? "always" : "never", 1);
      } catch (const Error& e) {
        said[stream] = e.what();
      }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("")), {}), before);
    EXPECT_EQ(said[0], said[1]);
    EXPECT_EQ(said[1].find('\n'), std::string::npos);
    return said[1];
  }

  std::string npy(const Array& x, const std::string& name = "x.npy") {
    write_npy(path(name), x);
    return path(name);
  }

  // Draws in [0, 1) by cell.
  static double unit(std::uint64_t key, std::int64_t i) {
    return (double(philox(Key{key, 5}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
  }
  static Array with_gaps(Array x) {
    x = x.copy();
    for (std::int64_t i = 0; i < x.size(); ++i)
      if (unit(1, i) < 0.1) x.data<double>()[i] = NAN;
    return x;
  }
  // A line of text for each row: text(row, cells).
  template <class F>
  std::string csv(const std::string& name, const std::string& head, const Array& x,
                  F&& text) const {
    std::ofstream out(path(name));
    out << head << "\n";
    const std::int64_t d = x.shape().extent(1);
    for (std::int64_t i = 0; i < x.shape().extent(0); ++i) {
      std::string cells;
      for (std::int64_t j = 0; j < d; ++j) {
        const double v = x.data<double>()[i * d + j];
        cells += (j ? "," : "") + (std::isnan(v) ? std::string("NA") : fmt::format("{}", v));
      }
      out << text(i, cells) << "\n";
    }
    return path(name);
  }
  // Two groups that differ in a real column, a count, a bit and a category of three levels. As text
  // the category has names; as numbers the levels 2, 5 and 7.
  Array columns_of_kinds() const {
    Array x(DType::f64, Shape{9001, 4});
    for (std::int64_t i = 0; i < 9001; ++i) {
      const bool first = i % 3 == 0;
      double* row = x.data<double>() + 4 * i;
      row[0] = (first ? 105.0 : 101.0) + unit(1, i) + unit(2, i);
      row[1] = std::floor((first ? 9.0 : 3.0) * unit(3, i));
      row[2] = unit(4, i) < (first ? 0.8 : 0.3);
      row[3] = unit(5, i) < (first ? 0.7 : 0.1) ? 7 : unit(6, i) < 0.5 ? 2 : 5;
    }
    return x;
  }

  // More rows than a start takes, and no whole number of tiles.
  const Array rows_ = two_clusters(9001, 3, 6);
  TempFolder folder_;
  std::string notes_, held_notes_;
};

TEST_F(Stream, NumbersAsTheyAre) { expect_same(mixture_of_two(), npy(rows_)); }

TEST_F(Stream, ColumnsFarFromZeroAreShifted) {
  Array far = rows_.copy();
  for (std::int64_t i = 0; i < far.size(); ++i) far.data<double>()[i] += 1e6;
  expect_same(mixture_of_two(), npy(far));
}

TEST_F(Stream, StandardizedColumnsInAnotherOrder) {
  expect_same(mixture_of_two({.columns = "3,1", .standardize = true}), npy(rows_));
}

TEST_F(Stream, OtherTypes) {
  expect_same(mixture_of_two(), npy(rows_.cast(DType::f32)));
  Array whole = rows_.copy();
  for (std::int64_t i = 0; i < whole.size(); ++i) whole.data<double>()[i] *= 100;
  expect_same(mixture_of_two({.drop = "2"}), npy(whole.cast(DType::i32)));
}

TEST_F(Stream, MissingCells) {
  const std::string gaps = npy(with_gaps(rows_));
  for (const char* covariance : {"full", "diag"})
    expect_same(kind<Gmm>([=](GmmSettings& g, TableConfig& t) {
                  g.components = 2;
                  g.covariance = covariance;
                  t.standardize = covariance[0] == 'd';
                }),
                gaps, {gaps, npy(rows_, "whole.npy")});
  expect_same_notes();
  expect_same(mixture_of_two(), npy(rows_), {npy(with_gaps(rows_), "gaps.npy")});
}

TEST_F(Stream, FactorsOfMissingCells) {
  const std::string gaps = npy(with_gaps(two_clusters(9001, 5, 1)));
  const auto set = [](FactorSettings& f, TableConfig&) { f.latent = 2; };
  expect_same(kind<Ppca>(set), gaps);
  expect_same(kind<Fa>(set), gaps);
  expect_same(kind<Bpca>(set), gaps);
  expect_same(kind<Mfa>([](auto& f, TableConfig&) {
                f.components = 2;
                f.latent = 1;
              }),
              gaps);
}

TEST_F(Stream, WeightsAndIdsOfArrays) {
  Array x(DType::f64, Shape{9001, 5});
  for (std::int64_t i = 0; i < 9001; ++i) {
    double* row = x.data<double>() + 5 * i;
    row[0] = double(100000 + i);
    std::copy_n(rows_.data<double>() + 3 * i, 3, row + 1);
    row[4] = double(i % 4);
  }
  expect_same(mixture_of_two({.weights = "5", .ids = "1"}), npy(x),
              {npy(rows_, "plain.npy"), npy(x)});
  expect_same_notes();
  EXPECT_NE(bytes_of(path("read.csv")).find("\n109000,"), std::string::npos);
  for (std::int64_t i = 0; i < x.size(); i += 7)
    if (i % 5 % 4 != 0) x.data<double>()[i] = NAN;
  expect_same(mixture_of_two({.weights = "5", .ids = "1", .standardize = true}), npy(x));
}

TEST_F(Stream, TextBesideNumbers) {
  const std::string file =
      csv("x.csv", "id,w,a,b,c,kind", with_gaps(rows_), [](std::int64_t i, const auto& cells) {
        return fmt::format("\"row {}, of all\",{},{},{}", i, i % 3, cells,
                           i % 10  ? ""
                           : i % 3 ? "other"
                                   : "one");
      });
  expect_same(mixture_of_two({.weights = "w", .ids = "id", .labels = "kind"}), file);
  EXPECT_NE(notes_.find("says the component of 901 of 9001 rows"), std::string::npos) << notes_;
  EXPECT_NE(bytes_of(path("read.csv")).find("\n\"row 8999, of all\","), std::string::npos);
  const std::string page = text_of(path("read/report.html"));
  EXPECT_NE(page.find("The same rows by &quot;kind&quot;"), std::string::npos);
  // A label that only colours pictures; the numbers are converted once for all verbs.
  expect_same(mixture_of_two({.label = "kind", .weights = "w", .ids = "id"}), file);
  EXPECT_NE(notes_.find("it colours pictures"), std::string::npos) << notes_;
  for (const auto& entry : std::filesystem::directory_iterator(path("read")))
    EXPECT_EQ(entry.path().filename().string().find("table-"), std::string::npos) << entry.path();
}

TEST_F(Stream, NumbersOfComponents) {
  Array x(DType::f64, Shape{9001, 4});
  for (std::int64_t i = 0; i < 9001; ++i) {
    std::copy_n(rows_.data<double>() + 3 * i, 3, x.data<double>() + 4 * i);
    x.data<double>()[4 * i + 3] = i % 10 ? NAN : i % 3 ? 1 : 2;
  }
  expect_same(mixture_of_two({.labels = "4"}), npy(x), {npy(rows_, "plain.npy")});
  EXPECT_NE(notes_.find("says the component of 901 of 9001 rows"), std::string::npos) << notes_;
}

TEST_F(Stream, Regressions) {
  Array x(DType::f64, Shape{9001, 4});
  for (std::int64_t i = 0; i < 9001; ++i) {
    double* row = x.data<double>() + 4 * i;
    std::copy_n(rows_.data<double>() + 3 * i, 3, row + 1);
    row[3] += 1e5;  // far from zero: shifted
    row[0] = std::floor(std::exp(0.1 * row[1]) + unit(8, i) + 0.5);
  }
  Array unknown = x.copy();
  for (std::int64_t i = 0; i < 9001; i += 7) unknown.data<double>()[4 * i] = NAN;
  Array bits = x.copy();
  for (std::int64_t i = 0; i < 9001; ++i)
    bits.data<double>()[4 * i] = bits.data<double>()[4 * i] > 1;
  const auto of = [&](const std::string& likelihood, const std::string& weights = {}) {
    return kind<RegressionTable>([=](RegressionSettings& r, TableConfig& t) {
      r.target = "1";
      r.likelihood = likelihood;
      t.weights = weights;
    });
  };
  const auto few = [&](const Array& a) { return npy(a.part(0, 200).copy(), "few.npy"); };
  expect_same(of("gaussian"), npy(x));
  expect_same(of("gaussian"), npy(unknown));
  expect_same(of("poisson"), npy(x), {few(unknown)});
  expect_same(of("bernoulli"), npy(bits), {few(bits)});
  // Of text, with weights, for rows whose target nobody knows.
  const auto line = [](std::int64_t i, const auto& cells) {
    return fmt::format("{},{}", cells, 1 + i % 2);
  };
  const std::string text = csv("t.csv", "1,2,3,4,w", x, line),
                    rest = csv("r.csv", "2,3,4,w", rows_, line);
  expect_same(of("gaussian", "w"), text, {rest});
  EXPECT_EQ(bytes_of(path("read.csv")).substr(0, 17), "mean,sd,low,high\n");
}

// Text columns of a regression, and numbers that are declared to be categories, are coded row by
// row.
TEST_F(Stream, CategoriesCodedForARegression) {
  std::string text = "x,town,month,y\n";
  std::vector<double> e(600, 0.0);
  kernels::fill_normal(Key{8, 1}, nullptr, 0, 1, 600, e.data());
  const char* const towns[] = {"paris", "oslo", "rome"};
  for (std::size_t i = 0; i < 300; ++i)
    text += fmt::format("{:.4f},{},{},{:.4f}\n", e[i], towns[i * 7 % 3], 1 + i * 5 % 4,
                        2 * e[i] + double(i * 7 % 3) - 0.5 * double(i * 5 % 4) + 0.3 * e[300 + i]);
  std::ofstream(path("towns.csv")) << text;
  expect_same(kind<RegressionTable>([](RegressionSettings& r, TableConfig&) {
                r.target = "y";
                r.kind = "category=month";
              }),
              path("towns.csv"));
}

TEST_F(Stream, ColumnsOfSeveralKinds) {
  const auto of = [&](const std::string& kinds, const TableConfig& table = {}) {
    return kind<Mixture>([=](MixtureOfColumnsSettings& m, TableConfig& t) {
      m.components = 2;
      m.kind = kinds;
      t = table;
    });
  };
  const Array whole = columns_of_kinds();
  const std::string kinds = "category=4";
  expect_same(of(kinds), npy(whole));
  EXPECT_NE(notes_.find("x2 count, x3 binary, x4 category (3 levels)"), std::string::npos)
      << notes_;
  expect_same_notes();
  expect_same(of(kinds, {.standardize = true}), npy(with_gaps(whole)), {npy(whole, "whole.npy")});
  expect_same(of("real=2,3,4"), npy(whole));
  // Of text: categories by their names; ids, weights and components beside them.
  const auto named = [](std::int64_t i, const std::string& cells) {
    const std::string last = cells.substr(cells.rfind(',') + 1);
    return fmt::format("r{},{},{},{},{}", i, cells.substr(0, cells.rfind(',')),
                       last == "7"   ? "\"heart, left\""
                       : last == "2" ? "skin"
                       : last == "5" ? "eye"
                                     : "",
                       i % 3,
                       i % 10  ? ""
                       : i % 3 ? "2"
                               : "1");
  };
  const std::string file =
      csv("x.csv", "id,size,visits,smoker,ward,w,part", with_gaps(whole), named);
  expect_same(of("", {.drop = "w,part", .ids = "id"}), file);
  expect_same(of("count=visits", {.weights = "w", .ids = "id", .labels = "part"}), file);
  EXPECT_NE(notes_.find("ward category (3 levels)"), std::string::npos) << notes_;
  expect_same(of("category=visits,smoker", {.columns = "ward,smoker,visits"}), file);
}

TEST_F(Stream, CategoriesAlone) {
  const auto of =
      kind<Mixture>([](MixtureOfColumnsSettings& m, TableConfig&) { m.components = 2; });
  const auto words = [](std::int64_t i, const auto&) {
    return fmt::format("{},{}", i % 3 ? "x" : "y", unit(2, i) < 0.5 ? "u" : "v");
  };
  expect_same(of, csv("x.csv", "a,b", rows_, words));
}

TEST_F(Stream, StatesBehindRows) {
  const auto of = [&](const std::string& emission, const TableConfig& table = {}) {
    return kind<Hmm>([=](HmmSettings& h, TableConfig& t) {
      h.components = 2;
      h.emission = emission;
      t = table;
    });
  };
  expect_same(of("gaussian"), npy(with_gaps(rows_)));
  expect_same(of("columns"), npy(columns_of_kinds()));
  Array x = columns_of_kinds();
  for (std::int64_t i = 0; i < 9001; ++i)
    x.data<double>()[4 * i + 3] = i % 10 ? NAN : 1 + double(i % 3 == 0);
  expect_same(of("gaussian", {.labels = "4"}), npy(x));
}

TEST_F(Stream, TextIsConvertedOnce) {
  write_csv(path("x.csv"), {"a", "b", "c"}, rows_);
  expect_same(mixture_of_two({.drop = "b"}), path("x.csv"));
  EXPECT_NE(notes_.find("converted once"), std::string::npos) << notes_;
  const auto written = std::filesystem::last_write_time(path("read/table.npy"));
  TableConfig table;
  table.stream = "always";
  Workers workers(1);
  const TableRun run = open_table_run(path("read"));
  std::string notes;
  const Note note = [&](const std::string& text) { notes += text; };
  const auto load = [&](const std::string& file) {
    return load_table_rows(path(file), run.settings.table, run.format, run.model->needs(), workers,
                           run.folder.file("table"), note);
  };
  EXPECT_EQ(load("x.csv").count(), 9001);
  EXPECT_NE(notes.find("made of it before"), std::string::npos) << notes;
  // Another table is converted for the occasion, and nothing of it is left.
  write_csv(path("y.csv"), {"a", "b", "c"}, two_clusters(500, 3, 1));
  EXPECT_EQ(load("y.csv").count(), 500);
  EXPECT_EQ(std::filesystem::last_write_time(path("read/table.npy")), written);
  for (const auto& entry : std::filesystem::directory_iterator(path("read")))
    EXPECT_TRUE(entry.path().extension() != ".npy" || entry.path().filename() == "table.npy")
        << entry.path();
}

TEST_F(Stream, BadCellsAreNamedAsInMemory) {
  const auto has = [&](const std::string& said, const std::string& part) {
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  const Array few = two_clusters(5000, 2, 1);
  const auto file = [&](const std::string& head, auto&& line) {
    return csv("x.csv", head, few, line);
  };
  const auto extra = [&](const char* usual, std::int64_t row, const char* there) {
    return [=](std::int64_t i, const auto& cells) {
      return fmt::format("{},{}", cells, i == row ? there : usual);
    };
  };
  has(error(mixture_of_two({.label = "none"}), file("a,b,c", extra("2", 4000, "two"))),
      "line 4002");
  has(error(mixture_of_two(), file("a,b,c", extra("2", -1, ""))), "column \"c\" is constant");
  has(error(mixture_of_two(), file("a,b,c", extra("2", 7, "NA"))), "column \"c\" is constant");
  has(error(mixture_of_two(), file("a,b,c", extra("NA", -1, ""))),
      "all cells of column \"c\" are missing");
  has(error(mixture_of_two(),
            file("a,b,c", [](std::int64_t,
                             const auto& cells) { return cells + cells.substr(cells.find(',')); })),
      "\"b\" and \"c\" are the same");
  const auto weights = mixture_of_two({.weights = "w"});
  has(error(weights, file("a,b,w", extra("1", 4444, "-1"))), "row 4445 has the weight -1");
  has(error(weights, file("a,b,w", extra("1", 4444, ""))), "row 4445 has the weight NaN");
  has(error(weights, file("a,b,w", extra("0", -1, ""))), "are zero");
  has(error(mixture_of_two({.labels = "k"}),
            file("a,b,k",
                 [](std::int64_t i, const auto& cells) {
                   return fmt::format("{},{}", cells, i == 4444 ? "z" : i % 2 ? "x" : "y");
                 })),
      "row 4445: the label \"z\" in column \"k\" names no component");
  const auto of = [&](const std::string& kinds) {
    return kind<Mixture>([=](MixtureOfColumnsSettings& m, TableConfig&) {
      m.components = 2;
      m.kind = kinds;
    });
  };
  has(error(of("count=c"), file("a,b,c", extra("1", 4444, "-2"))), "row 4445, column \"c\" is -2");
  has(error(of("count=c"), file("a,b,c", extra("1", 4444, "2.5"))), "whole numbers from 0");
  has(error(of("binary=c"), file("a,b,c", extra("1", 4444, "2"))), "holds 0 and 1");
  has(error(of("nominal=c"), file("a,b,c", extra("1", 0, "2"))), "--kind \"nominal\"");
  has(error(of("category=c"),
            file("a,b,c", [](std::int64_t i,
                             const auto& cells) { return fmt::format("{},r{}", cells, i); })),
      "all cells of column \"c\" differ");
  has(error(of("category=c"),
            file("a,b,c", [](std::int64_t i,
                             const auto& cells) { return fmt::format("{},r{}", cells, i / 2); })),
      "2500 different values: too many");
  has(error(of("category=1"), npy(few)), "all cells of column \"x1\" differ");
  const auto poisson = kind<RegressionTable>([](RegressionSettings& r, TableConfig&) {
    r.target = "c";
    r.likelihood = "poisson";
  });
  has(error(poisson, file("a,b,c", extra("1", 4444, "-1"))), "row 4445: the target \"c\" is -1");
  has(error(poisson, csv("x.csv", "a,b,c", with_gaps(few), extra("1", 0, "2"))),
      "is missing, and a regression explains by whole rows");
}

TEST_F(Stream, LevelsThatTheFitHasNotSeen) {
  const auto words = [](const char* last) {
    return [=](std::int64_t i, const auto& cells) {
      return fmt::format("{},{}", cells, i == 4444 ? last : i % 3 ? "x" : "y");
    };
  };
  const Fit of = kind<Mixture>([](MixtureOfColumnsSettings& m, TableConfig&) { m.components = 2; });
  const Array some = two_clusters(5000, 2, 1);
  const std::string known = csv("x.csv", "a,b,c", some, words("x")),
                    other = csv("y.csv", "a,b,c", some, words("z"));
  for (const char* stream : {"never", "always"}) {
    fit(of, known, stream, stream, 1);
    try {
      predict_table({path(stream), other, path("p.csv"), 1});
      FAIL();
    } catch (const DataError& e) {
      EXPECT_NE(std::string(e.what()).find("row 4445, column \"c\" is \"z\""), std::string::npos)
          << e.what();
    }
    EXPECT_FALSE(std::filesystem::exists(path("p.csv")));
  }
}

}  // namespace
}  // namespace fathom
