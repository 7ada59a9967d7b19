#include "fathom/jobs/nearest.h"

#include <fmt/format.h>

#include <algorithm>

namespace fathom {

namespace {

std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t keep = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, keep});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  std::string best;
  std::size_t least = std::max<std::size_t>(3, word.size() / 2 + 1);
  for (const std::string& n : names)
    if (const std::size_t d = distance(word, n); d < least && d < word.size()) {
      least = d;
      best = n;
    }
  return best;
}

std::string meant(const std::string& word, const std::vector<std::string>& names) {
  const std::string best = nearest(word, names);
  return best.empty() ? "" : fmt::format("; did you mean {}?", best);
}

}  // namespace fathom
