// What is said of a verb or a flag that does not exist.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace fathom::cli {

// One line about the verb or flag that does not exist; empty when all exist.
std::string unknown_name(const CLI::App& root, int argc, const char* const* argv);

}  // namespace fathom::cli
