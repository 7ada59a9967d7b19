// "Did you mean": the nearest of the names that exist.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace fathom::cli {

// The name with the smallest edit distance (Levenshtein 1966), if it is near enough to be meant.
std::string nearest(const std::string& word, const std::vector<std::string>& names);

// One line about the verb or flag that does not exist; empty when all exist.
std::string unknown_name(const CLI::App& root, int argc, const char* const* argv);

}  // namespace fathom::cli
