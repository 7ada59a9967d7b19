// Rows with their missing cells filled in.
#pragma once

#include "fathom/tensor/buffer.h"

namespace fathom {

// Rows whose missing cells are their posterior means, and the standard deviations of these cells;
// zero where a cell was seen.
struct FilledRows {
  Array values, sd;  // [n, width]
};

}  // namespace fathom
