// The structure of a Bayesian network as text: one variable each, after an arrow its parents.
//
//   rain; sprinkler <- rain; wet <- rain sprinkler
//
// Lines of a file do as well as semicolons; "#" begins a comment. A parent that nothing else names
// is a variable without parents.
#pragma once

#include <string>
#include <vector>

namespace fathom {

struct NetworkText {
  std::vector<std::string> names;         // in the order in which they are first named
  std::vector<std::vector<int>> parents;  // of each

  // `text` itself, or what the file of that name holds. Throws ConfigError naming what is wrong: a
  // line that is none, a variable that has parents twice or itself for one, a cycle.
  static NetworkText of(const std::string& text_or_file);
  std::string text() const;        // in one line
  std::vector<int> order() const;  // parents before children
  std::vector<std::vector<int>> children() const;
};

}  // namespace fathom
