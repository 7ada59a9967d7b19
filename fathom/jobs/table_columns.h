// Which columns of a file are meant, before its numbers are read.
#pragma once

#include <string>
#include <vector>

namespace fathom {

// The first two lines of a text file as cells without quotes; empty for files of other kinds.
struct TableHead {
  std::vector<std::string> first, second;
  bool header = false;          // whether the first line names the columns
  std::vector<bool> text = {};  // which columns have text in the first thousand lines below it
};
TableHead head_of(const std::string& path);

// "a,b , c" as {"a", "b", "c"}.
std::vector<std::string> split_names(const std::string& text);

// The column that `label` means: itself, or with "auto" the one that is called label, class or
// target, or else the only one with text, if it is not among `wanted`. Empty: none.
std::string label_among(const TableHead& head, const std::string& label,
                        const std::vector<std::string>& wanted);

// Places from 0 of columns that are wanted by name or by number from 1, in that order (none named:
// all but `label` and those with `roles` of their own), less those to drop. Throws ConfigError
// naming the nearest where there is no such column, one that is named twice, and one with a role.
std::vector<int> places_of(const std::vector<std::string>& wanted,
                           const std::vector<std::string>& drop,
                           const std::vector<std::string>& names, const std::string& label,
                           const std::vector<int>& roles, const std::string& path);

}  // namespace fathom
