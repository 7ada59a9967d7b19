// One block of a CSV file: whole lines, parsed into rows of the table on its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/io/csv.h"

namespace fathom::detail {

inline constexpr int kSkipped = -1;

// What is the same for all blocks.
struct CsvLayout {
  char delimiter = ',';            // ' ' means runs of blanks
  bool quick = true;               // no missing token looks like a number
  std::vector<std::string> names;  // of all fields of a line
  // Per field: the numeric column it fills, kSkipped, or -2 - k for text column k.
  std::vector<int> role;
  std::size_t numeric = 0, texts = 0;
  const std::vector<std::string>* missing = nullptr;
  const char* end = nullptr;  // of the readable bytes
};

struct CsvBlock {
  const char *first = nullptr, *last = nullptr;
  std::int64_t line = 1;      // number of its first line
  std::int64_t capacity = 0;  // at most so many rows
  std::int64_t row = 0;       // where its rows begin in the table

  // Cells of one kind: how many, and where the first of them is.
  struct Cells {
    std::int64_t count = 0, line = 0;
    std::size_t field = 0;
    void add(std::int64_t at_line, std::size_t at_field) {
      if (count++ > 0) return;
      line = at_line;
      field = at_field;
    }
  };

  std::int64_t rows = 0;
  Cells missing, infinite;
  std::string error;  // of the first bad line, with its number
  std::vector<std::vector<std::string>> text;
};

// Parses the lines of `block` into `rows`, capacity x layout.numeric elements. Stops at the first
// error.
template <class T>
void parse_block(const CsvLayout& layout, CsvBlock& block, T* rows);

// A field of one line, blanks around it and quotes taken off.
struct CsvField {
  const char* end = nullptr;  // where the delimiter or the end of the line stands
  std::string_view text;
  bool quoted = false;
  const char* error = nullptr;  // what is wrong with its quotes
};

// The field that begins at p. `store` keeps its text where quotes had to be taken off.
CsvField read_field(const char* p, const char* last, char delimiter, std::string* store);

// True where a line ends: at `last`, LF or CR LF.
bool at_line_end(const char* p, const char* last);
const char* after_line_end(const char* p, const char* last);

bool is_missing(std::string_view text, const std::vector<std::string>& tokens);

// Text from a file as part of a one-line message.
std::string shown(std::string_view text);

}  // namespace fathom::detail
