// Rows that belong together, one run after another, and scratch memory for what is made of a run.
#pragma once

#include <cstdint>
#include <vector>

namespace fathom::kernels {

// The first row from `row` on where a sequence begins; `rows` where none does.
std::int64_t next_sequence(const float* begins, std::int64_t row, std::int64_t rows);
std::int64_t next_sequence(const double* begins, std::int64_t row, std::int64_t rows);

// Calls f(first, last) for the rows of each sequence; one begins at row 0 and where `begins` [rows]
// is not 0.
template <class T, class F>
void each_sequence(const T* begins, std::int64_t rows, F&& f) {
  for (std::int64_t first = 0; first < rows;) {
    const std::int64_t last = next_sequence(begins, first + 1, rows);
    f(first, last);
    first = last;
  }
}

// At least `wanted` numbers, from the beginning of a line of the cache; of what they are nothing is
// said.
template <class T>
T* line_of_cache(std::vector<T>& room, std::size_t wanted) {
  constexpr std::size_t line = 64 / sizeof(T);
  if (room.size() < wanted + line) room.resize(wanted + wanted / 2 + line);
  return room.data() + (-reinterpret_cast<std::uintptr_t>(room.data()) % 64) / sizeof(T);
}

}  // namespace fathom::kernels
