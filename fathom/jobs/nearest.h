// "Did you mean": the nearest of the names that exist.
#pragma once

#include <string>
#include <vector>

namespace fathom {

// The name with the smallest edit distance (Levenshtein 1966), if it is near enough to be meant.
std::string nearest(const std::string& word, const std::vector<std::string>& names);

// "; did you mean NAME?", or nothing where no name is near.
std::string meant(const std::string& word, const std::vector<std::string>& names);

}  // namespace fathom
