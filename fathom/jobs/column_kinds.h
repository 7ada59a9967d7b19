// Kinds of columns: real numbers, bits, counts, categories. They are told, or guessed from what the
// columns hold.
#pragma once

#include <map>
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

// What a column of numbers holds, missing ones (NaN) aside: zeros and ones are bits; whole numbers
// from 0 with a mean below 20 counts; others real.
ColumnKind guessed_kind(const Array& x, std::int64_t column);

// Throws DataError naming row and column of a number that the kind does not have.
void check_kind(const Array& x, std::int64_t column, ColumnKind kind, const std::string& name,
                const std::string& path);

// The different cells of a column that say something, numbers by size, others in order.
std::vector<std::string> levels_of(const std::vector<std::string>& cells);
// The places of cells among `levels`, NaN of those that say nothing, into a column of x. Throws
// DataError naming the row of one that is not among them.
void write_levels(const std::vector<std::string>& cells, const std::vector<std::string>& levels,
                  Array& x, std::int64_t column, const std::string& name, const std::string& path);
// A column of numbers as text.
std::vector<std::string> cells_of_column(const Array& x, std::int64_t column);

}  // namespace fathom
