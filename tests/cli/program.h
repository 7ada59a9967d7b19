// Runs the built program and looks at what it printed, how it ended and what it left.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/jobs/small_data.h"

namespace fathom::testing {

struct Outcome {
  int code = -1;
  std::string out, err;
};

inline std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class ProgramTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
  }

  pid_t start(const std::vector<std::string>& words) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::dup2(::open(file("out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::dup2(::open(file("err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    std::vector<char*> argv{const_cast<char*>(FATHOM_PROGRAM)};
    for (const std::string& w : words) argv.push_back(const_cast<char*>(w.c_str()));
    argv.push_back(nullptr);
    ::execv(FATHOM_PROGRAM, argv.data());
    ::_exit(127);
  }
  Outcome finish(pid_t child) const {
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), slurp(file("out")),
            slurp(file("err"))};
  }
  Outcome run(const std::vector<std::string>& words) const { return finish(start(words)); }

  // One line on stderr that has all of `parts`, exit code 2, and no run folder, whole or half-made.
  void refused(const std::vector<std::string>& words, const std::vector<std::string>& parts) const {
    const Outcome o = run(words);
    EXPECT_EQ(o.code, 2) << o.err;
    EXPECT_EQ(o.err.rfind("fathom: ", 0), 0u) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    for (const std::string& part : parts)
      EXPECT_NE(o.err.find(part), std::string::npos) << part << " in: " << o.err;
    EXPECT_FALSE(std::filesystem::exists(file("run")));
    for (const auto& entry : std::filesystem::directory_iterator(file("")))
      EXPECT_NE(entry.path().filename().string().rfind(".run", 0), 0u) << entry.path();
  }
  TempFolder folder_;
};

}  // namespace fathom::testing
