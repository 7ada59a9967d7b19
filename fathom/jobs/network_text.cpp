#include "fathom/jobs/network_text.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "fathom/base/error.h"

namespace fathom {

namespace {

std::string text_of(const std::string& given) {
  std::error_code ignored;
  if (given.find_first_of("\n;") != std::string::npos || given.find("<-") != std::string::npos ||
      given.empty())
    return given;
  if (!std::filesystem::is_regular_file(given, ignored)) {
    if (given.find_first_of("/.") == std::string::npos) return given;
    raise<ConfigError>("--structure \"{}\": there is no such file, and it is no structure", given);
  }
  std::ifstream file(given, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) raise<DataError>("{}: cannot be read", given);
  return text;
}

std::vector<std::string> words_of(const std::string& text) {
  constexpr const char* kBetween = " \t\r,";
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kBetween, end);
  }
  return words;
}

// "a <- b c" as {"a", "b", "c"}; without an arrow one word. Empty: nothing is said.
std::vector<std::string> statement(const std::string& line, bool* arrow) {
  const std::size_t at = line.find("<-");
  *arrow = at != std::string::npos;
  std::vector<std::string> words = words_of(line.substr(0, at));
  const bool one = words.size() == 1;
  if (*arrow) {
    const std::vector<std::string> parents = words_of(line.substr(at + 2));
    words.insert(words.end(), parents.begin(), parents.end());
  }
  const auto odd = [](const std::string& w) {
    return w.find_first_of("<>|=()\"") != std::string::npos;
  };
  if ((!words.empty() || *arrow) &&
      (!one || (*arrow && words.size() == 1) || std::any_of(words.begin(), words.end(), odd)))
    raise<ConfigError>("--structure \"{}\": a variable, or variable <- its parents", line);
  return words;
}

// Variables on a cycle, each a parent of the next, the first again at the end; empty: there is
// none.
std::vector<int> cycle_of(const std::vector<std::vector<int>>& parents) {
  std::vector<char> state(parents.size(), 0);  // 1: on the way, 2: done
  std::vector<int> way;
  const auto visit = [&](auto&& self, int v) -> bool {
    state[std::size_t(v)] = 1;
    way.push_back(v);
    for (const int p : parents[std::size_t(v)]) {
      if (state[std::size_t(p)] == 1) {
        way.erase(way.begin(), std::find(way.begin(), way.end(), p));
        way.push_back(p);
        return true;
      }
      if (state[std::size_t(p)] == 0 && self(self, p)) return true;
    }
    way.pop_back();
    state[std::size_t(v)] = 2;
    return false;
  };
  for (std::size_t v = 0; v < parents.size(); ++v)
    if (state[v] == 0 && visit(visit, int(v))) {
      std::reverse(way.begin(), way.end());
      return way;
    }
  return {};
}

}  // namespace

NetworkText NetworkText::of(const std::string& given) {
  NetworkText net;
  std::map<std::string, int> places;
  std::vector<char> said;
  const auto place = [&](const std::string& name) {
    const auto [at, fresh] = places.try_emplace(name, int(net.names.size()));
    if (fresh) {
      net.names.push_back(name);
      net.parents.emplace_back();
      said.push_back(0);
    }
    return at->second;
  };
  const std::string text = text_of(given);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\n;", at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    if (const std::size_t comment = line.find('#'); comment != std::string::npos) {
      if (end < text.size() && text[end] == ';')  // a comment goes on to the end of its line
        at = std::min(text.find('\n', end), text.size() - 1) + 1;
      line.resize(comment);
    }
    bool arrow = false;
    const std::vector<std::string> words = statement(line, &arrow);
    if (words.empty()) continue;
    const int child = place(words[0]);
    if (said[std::size_t(child)] && arrow)
      raise<ConfigError>("--structure: the parents of \"{}\" are given twice", words[0]);
    said[std::size_t(child)] = arrow;
    for (std::size_t k = 1; k < words.size(); ++k) {
      const int parent = place(words[k]);
      auto& all = net.parents[std::size_t(child)];
      if (std::find(all.begin(), all.end(), parent) != all.end())
        raise<ConfigError>("--structure: \"{}\" is a parent of \"{}\" twice", words[k], words[0]);
      all.push_back(parent);
    }
  }
  if (net.names.empty())
    raise<ConfigError>(
        "--structure says what depends on what: \"rain; wet <- rain\", or a file of such lines");
  const std::vector<int> cycle = cycle_of(net.parents);
  if (cycle.empty()) return net;
  std::string way;
  for (const int v : cycle) way += (way.empty() ? "" : " -> ") + net.names[std::size_t(v)];
  raise<ConfigError>("--structure: the network has a cycle: {}", way);
}

std::string NetworkText::text() const {
  std::string out;
  for (std::size_t v = 0; v < names.size(); ++v) {
    out += (v == 0 ? "" : "; ") + names[v];
    for (std::size_t k = 0; k < parents[v].size(); ++k)
      out += (k == 0 ? " <- " : " ") + names[std::size_t(parents[v][k])];
  }
  return out;
}

std::vector<int> NetworkText::order() const {
  std::vector<int> out;
  std::vector<char> placed(names.size(), 0);
  while (out.size() < names.size())
    for (std::size_t v = 0; v < names.size(); ++v) {
      const bool ready = std::all_of(parents[v].begin(), parents[v].end(),
                                     [&](int p) { return placed[std::size_t(p)] != 0; });
      if (placed[v] || !ready) continue;
      placed[v] = 1;
      out.push_back(int(v));
    }
  return out;
}

std::vector<std::vector<int>> NetworkText::children() const {
  std::vector<std::vector<int>> out(names.size());
  for (std::size_t v = 0; v < names.size(); ++v)
    for (const int p : parents[v]) out[std::size_t(p)].push_back(int(v));
  return out;
}

}  // namespace fathom
