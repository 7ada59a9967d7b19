// Tables that are read as they are needed give the same bits as tables that are held.
#include <gtest/gtest.h>

#include <filesystem>

#include "fathom/io/npy.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::TempFolder;
using testing::two_clusters;

std::string bytes_of(const std::string& path) {
  const Bytes b = map_file(path);
  return {reinterpret_cast<const char*>(b.data.get()), b.size};
}

class Stream : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }

  nlohmann::json fit(const std::string& data, const std::string& run, const std::string& stream,
                     const TableConfig& table, int threads) {
    FitTableConfig c = gmm_fit(data, path(run), [&](GmmSettings& g, FitTableConfig& f) {
      g.components = 2;
      f.settings.restarts = 2;
      f.settings.ascent.sweeps = 4;
      f.settings.table = table;
      f.settings.table.stream = stream;
      f.threads = threads;
    });
    FitTableHooks hooks;
    hooks.note = [&](const std::string& text) { notes_ += text + "\n"; };
    nlohmann::json s = fit_table(c, hooks).summary;
    for (const char* key : {"seconds", "rows_per_second", "threads"}) s.erase(key);
    return s;
  }

  // Fits, scores and predictions of `data`, held and streamed.
  void expect_same(const std::string& data, const TableConfig& table = {}) {
    std::filesystem::remove_all(path("held"));
    std::filesystem::remove_all(path("read"));
    const nlohmann::json held = fit(data, "held", "never", table, 1),
                         read = fit(data, "read", "always", table, 2);
    EXPECT_EQ(held, read);
    for (const char* file : {"model.safetensors", "components.svg"})
      EXPECT_EQ(bytes_of(path("held/") + file), bytes_of(path("read/") + file)) << file;
    nlohmann::json scores = evaluate_table(path("held"), data, 1),
                   again = evaluate_table(path("read"), data, 2);
    scores.erase("threads");
    again.erase("threads");
    EXPECT_EQ(scores, again);
    for (const char* ending : {".npy", ".csv"}) {
      predict_table({path("held"), data, path("held") + ending, 1});
      predict_table({path("read"), data, path("read") + ending, 2});
      EXPECT_EQ(bytes_of(path("held") + ending), bytes_of(path("read") + ending)) << ending;
    }
  }

  std::string npy(const Array& x) {
    write_npy(path("x.npy"), x);
    return path("x.npy");
  }

  // More rows than a start takes, and no whole number of tiles.
  const Array rows_ = two_clusters(9001, 3, 6);
  TempFolder folder_;
  std::string notes_;
};

TEST_F(Stream, NumbersAsTheyAre) { expect_same(npy(rows_)); }

TEST_F(Stream, ColumnsFarFromZeroAreShifted) {
  Array far = rows_.copy();
  for (std::int64_t i = 0; i < far.size(); ++i) far.data<double>()[i] += 1e6;
  expect_same(npy(far));
}

TEST_F(Stream, StandardizedColumnsInAnotherOrder) {
  expect_same(npy(rows_), {.columns = "3,1", .standardize = true});
}

TEST_F(Stream, OtherTypes) {
  expect_same(npy(rows_.cast(DType::f32)));
  Array whole = rows_.copy();
  for (std::int64_t i = 0; i < whole.size(); ++i) whole.data<double>()[i] *= 100;
  expect_same(npy(whole.cast(DType::i32)), {.drop = "2"});
}

TEST_F(Stream, TextIsConvertedOnce) {
  write_csv(path("x.csv"), {"a", "b", "c"}, rows_);
  expect_same(path("x.csv"), {.drop = "b"});
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

TEST_F(Stream, BadTextLeavesNothing) {
  write_csv(path("x.csv"), {"a", "b"}, two_clusters(100, 2, 1));
  std::ofstream(path("x.csv"), std::ios::app) << "1,two\n";
  try {
    fit(path("x.csv"), "run", "always", {}, 1);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("line 102"), std::string::npos) << e.what();
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("")), {}), 1);
}

}  // namespace
}  // namespace fathom
