// How a sequence goes on.
#pragma once

#include "fathom/tensor/buffer.h"

namespace fathom {

// Of the rows after the last one: means and standard deviations, noise included, [steps, width].
struct SeriesForecast {
  Array mean, sd;
};

}  // namespace fathom
