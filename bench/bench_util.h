// What the benchmark programs share: flags by name and a timed loop.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

// The value of `--name VALUE`, or `fallback`.
inline std::string flag(int argc, char** argv, const char* name, const char* fallback) {
  for (int i = 1; i + 1 < argc; ++i)
    if (!std::strcmp(argv[i], name)) return argv[i + 1];
  return fallback;
}

inline long number(int argc, char** argv, const char* name, long fallback) {
  const std::string v = flag(argc, argv, name, "");
  return v.empty() ? fallback : std::atol(v.c_str());
}

struct Timing {
  double median_ms, p10_ms;
};

// Runs `body` `count` times after `warm` runs, each timed on its own.
template <class F>
Timing timed(long warm, long count, F&& body) {
  std::vector<double> ms;
  for (long i = 0; i < warm + count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const auto end = std::chrono::steady_clock::now();
    if (i >= warm) ms.push_back(std::chrono::duration<double, std::milli>(end - start).count());
  }
  std::sort(ms.begin(), ms.end());
  return {ms[ms.size() / 2], ms[ms.size() / 10]};
}
