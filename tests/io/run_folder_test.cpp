#include "fathom/io/run_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

using Strings = std::vector<std::string>;

RunFolder new_run(const std::string& path, bool force = false) {
  RunFolder run = RunFolder::create(path, force);
  run.write_json("config.json", {{"format", RunFolder::kFormat}});
  return run;
}

TEST(RunFolder, NothingIsLeftOfWhatWasNotPublished) {
  TempFolder t;
  {
    RunFolder run = new_run(t / "r");
    EXPECT_FALSE(std::filesystem::exists(t / "r"));
    RunFolder moved = std::move(run);
    EXPECT_TRUE(moved.has("config.json"));
  }
  EXPECT_TRUE(files_in(t.path()).empty());
}

TEST(RunFolder, ErrorsNameTheRunAndNotItsHiddenPlace) {
  TempFolder t;
  RunFolder run = new_run(t / "r");
  const std::string error = error_of([&] { run.write_text("none/report.html", "<p>"); });
  EXPECT_EQ(error.rfind(t / "r/none/report.html: ", 0), 0u) << error;
}

// A fit that was killed cannot remove what it began; the next one in its place does.
TEST(RunFolder, LeftoversOfProcessesThatAreGoneAreRemoved) {
  TempFolder t;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const std::string gone = t / fmt::format(".r.{}-0.new", child),
                    alive = t / fmt::format(".r.{}-7.new", ::getppid()),
                    other = t / fmt::format(".rest.{}-0.new", child);
  for (const std::string& path : {gone, alive, other}) std::filesystem::create_directory(path);
  new_run(t / "r").publish();
  EXPECT_FALSE(std::filesystem::exists(gone));
  EXPECT_TRUE(std::filesystem::exists(alive));
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST(RunFolder, PublishedItHoldsWhatWasWritten) {
  TempFolder t;
  {
    RunFolder run =
        new_run(t / "deep/r/");  // folders above are made, a slash at the end is no matter
    run.append_metrics({{"epoch", 1}});
    run.publish();
    run.publish();
    run.append_metrics({{"epoch", 2}});
    run.write_json("summary.json", {{"elbo", -1.5}, {"bad", NAN}, {"text", "\xff"}});
    run.write_text("report.html", "<p>");
    run.write_bytes("a.png", bytes_of("png").span());
    Tensors m;
    m.arrays.emplace("w", Array::scalar(2.0));
    run.write_tensors("model.safetensors", m);
  }
  EXPECT_EQ(files_in(t / "deep"), Strings{"r"});
  EXPECT_EQ(files_in(t / "deep/r"), (Strings{"a.png", "config.json", "metrics.jsonl",
                                             "model.safetensors", "report.html", "summary.json"}));
  const RunFolder run = RunFolder::open(t / "deep/r");
  EXPECT_EQ(run.read_json("summary.json")["elbo"], -1.5);
  EXPECT_TRUE(run.read_json("summary.json")["bad"].is_null());
  EXPECT_EQ(run.read_metrics().size(), 2u);
  EXPECT_EQ(run.read_metrics()[1]["epoch"], 2);
  EXPECT_EQ(run.read_tensors("model.safetensors").arrays.at("w").data<double>()[0], 2.0);
  EXPECT_EQ(get(t / "deep/r/a.png"), "png");
}

TEST(RunFolder, AnotherRunIsReplacedOnlyByForce) {
  TempFolder t;
  new_run(t / "r").publish();
  put(t / "r/old", "");
  expect_error([&] { RunFolder::create(t / "r", false); }, {"/r", "not empty", "--force"});
  { RunFolder dropped = new_run(t / "r", true); }
  EXPECT_TRUE(std::filesystem::exists(t / "r/old"));  // it was never published
  new_run(t / "r", true).publish();
  EXPECT_EQ(files_in(t / "r"), Strings{"config.json"});
  EXPECT_EQ(files_in(t.path()), Strings{"r"});
  std::filesystem::create_directory(t / "mine");
  { RunFolder in_an_empty_folder = new_run(t / "mine"); }
  put(t / "mine/thesis.tex", "");
  expect_error([&] { RunFolder::create(t / "mine", true); }, {"/mine", "replaces runs only"});
  expect_error([&] { RunFolder::create(put(t / "file", "x"), true); }, {"/file", "no folder"});
  expect_error([&] { RunFolder::create("..", true); }, {"\"..\"", "name"});
  expect_error([&] { RunFolder::create(t / "file/r", false); }, {"file/r"});
}

TEST(RunFolder, AFolderFilledMeanwhileIsNotLost) {
  TempFolder t;
  RunFolder run = new_run(t / "r");
  std::filesystem::create_directory(t / "r");
  put(t / "r/other", "");
  expect_error([&] { run.publish(); }, {"filled meanwhile"});
  EXPECT_EQ(files_in(t / "r"), Strings{"other"});
}

TEST(RunFolder, OpeningChecksTheFormat) {
  TempFolder t;
  expect_error([&] { RunFolder::open(t / "r"); }, {"/r", "no such run folder"});
  std::filesystem::create_directory(t / "r");
  expect_error([&] { RunFolder::open(t / "r"); }, {"/r", "no config.json"});
  for (const char* bad : {"{", "[]", "{}", "{\"format\":\"1\"}", "3"}) {
    put(t / "r/config.json", bad);
    expect_error([&] { RunFolder::open(t / "r"); }, {"config.json"});
  }
  put(t / "r/config.json", "{\"format\":99}");
  expect_error([&] { RunFolder::open(t / "r"); }, {"newer version (format 99", "update"});
}

TEST(RunFolder, ATornLastLineIsNoLine) {
  TempFolder t;
  RunFolder run = new_run(t / "r");
  EXPECT_TRUE(run.read_metrics().empty());
  run.append_metrics({{"epoch", 1}});
  run.append_metrics({{"epoch", 2}});
  const std::string whole = get(run.file("metrics.jsonl"));
  const std::size_t second = whole.find('\n') + 1;
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    put(run.file("metrics.jsonl"), whole.substr(0, n));
    const std::size_t left = n == whole.size() ? 2 : n >= second ? 1 : 0;
    EXPECT_EQ(run.read_metrics().size(), left);
    run.append_metrics({{"epoch", 9}});
    const auto lines = run.read_metrics();
    ASSERT_EQ(lines.size(), left + 1);
    EXPECT_EQ(lines.back()["epoch"], 9);
  }
  run.truncate_metrics(1);
  EXPECT_EQ(get(run.file("metrics.jsonl")), "{\"epoch\":1}\n");
  run.truncate_metrics(5);
  EXPECT_EQ(run.read_metrics().size(), 1u);
  run.truncate_metrics(0);
  EXPECT_TRUE(run.read_metrics().empty());
  put(run.file("metrics.jsonl"), "{\"epoch\":1}\nnonsense\n{\"epoch\":3}\n");
  expect_error([&] { run.read_metrics(); }, {"metrics.jsonl line 2", "JSON"});
}

}  // namespace
}  // namespace fathom::io_test
