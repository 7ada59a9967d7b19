#include "apps/cli/suggest.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/jobs/nearest.h"

namespace fathom::cli {

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
    return fmt::format("{} has no \"{}\"{} See {} --help", path, argv[i], meant(argv[i], verbs),
                       path);
  for (; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (word.size() < 2 || word[0] != '-' || std::isdigit(static_cast<unsigned char>(word[1])) ||
        word[1] == '.')
      continue;
    if (word[1] != '-' && std::find(flags.begin(), flags.end(), word.substr(0, 2)) != flags.end())
      continue;
    if (std::find(flags.begin(), flags.end(), word) != flags.end()) continue;
    return fmt::format("{} has no flag {}{} See {} --help", path, word, meant(word, flags), path);
  }
  return {};
}

}  // namespace fathom::cli
