// Kinds of columns: real numbers, bits, counts, categories. They are told, or guessed from what the
// columns hold.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fathom/tensor/buffer.h"

namespace fathom {

enum class ColumnKind : std::uint8_t { real, binary, count, category };
std::string_view name_of(ColumnKind kind);
// Throws ConfigError listing the kinds.
ColumnKind kind_named(const std::string& name);

// "count=a,b category=c": kinds of columns by their places from 0. Throws ConfigError naming what
// is no kind or no column.
std::map<int, ColumnKind> declared_kinds(const std::string& text,
                                         const std::vector<std::string>& names,
                                         const std::string& path);

// What a column of numbers holds, missing cells aside.
struct ColumnLook {
  static constexpr std::size_t kMostDifferent = std::size_t(1) << 16;

  // Zeros and ones are bits; whole numbers from 0 with a mean below 20 counts; others real.
  ColumnKind guess() const;
  // Throws DataError naming row and column of a number that the kind does not have.
  void check(ColumnKind kind, const std::string& name, const std::string& path) const;

  struct Place {
    std::int64_t row = -1;  // the first; -1: none
    double value = 0;
  };
  Place no_bit, no_count;
  double total = 0, most = 0;
  std::int64_t seen = 0;
  std::set<double> different;  // where they were asked for; one more than kMostDifferent: or more
};
// Of every column of x [n, d], in one pass; `different[j]`: with the numbers of column j.
std::vector<ColumnLook> look_at_columns(const Array& x, const std::vector<bool>& different);

// The cells among `names` that say something, each once, numbers by size, others in order.
std::vector<std::string> levels_of(const std::vector<std::string>& names);
// Throws DataError where they are too many to be categories.
void check_levels(const std::vector<std::string>& levels, const std::string& name,
                  const std::string& path);
// The number that a cell is as a whole.
std::optional<double> number_of(const std::string& cell);

}  // namespace fathom
