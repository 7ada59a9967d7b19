#include "apps/cli/suggest.h"

#include <fmt/format.h>

#include <algorithm>

namespace fathom::cli {

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

std::string meant(const std::string& best) {
  return best.empty() ? "" : fmt::format("; did you mean {}?", best);
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

std::string unknown_name(const CLI::App& root, int argc, const char* const* argv) {
  const CLI::App* app = &root;
  std::string path = "fathom";
  int i = 1;
  for (; i < argc && argv[i][0] != '-'; ++i) {
    const auto found =
        app->get_subcommands([&](const CLI::App* s) { return s->get_name() == argv[i]; });
    if (found.empty()) break;
    app = found[0];
    path += " " + app->get_name();
  }
  std::vector<std::string> verbs, flags;
  for (const CLI::App* s : app->get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(s->get_name());
  for (const CLI::Option* o : app->get_options()) {
    for (const std::string& n : o->get_lnames()) flags.push_back("--" + n);
    for (const std::string& n : o->get_snames()) flags.push_back("-" + n);
  }
  if (!verbs.empty() && i < argc && argv[i][0] != '-')
    return fmt::format("{} has no \"{}\"{} See {} --help", path, argv[i],
                       meant(nearest(argv[i], verbs)), path);
  for (; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (word.size() < 2 || word[0] != '-' || std::isdigit(static_cast<unsigned char>(word[1])) ||
        word[1] == '.')
      continue;
    if (word[1] != '-' && std::find(flags.begin(), flags.end(), word.substr(0, 2)) != flags.end())
      continue;
    if (std::find(flags.begin(), flags.end(), word) != flags.end()) continue;
    return fmt::format("{} has no flag {}{} See {} --help", path, word, meant(nearest(word, flags)),
                       path);
  }
  return {};
}

}  // namespace fathom::cli
