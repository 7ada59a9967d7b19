// Moving elements: copies, transposes, gathers. Pure functions on views; outputs are dense in all
// axes but the first, inputs may have any strides.
#pragma once

#include <span>

#include "fathom/tensor/view.h"

namespace fathom::kernels {

// out = in, element by element of equal extents; strides of 0 repeat.
void copy(const View& in, const View& out);
// out[i...] = in at axes `from`.
void transpose(const View& in, const std::int8_t* from, const View& out);
// out = in repeated to out's extents; `axis[i]` is the axis of out for axis i of in.
void broadcast(const View& in, const int* axis, const View& out);
// Between number types; to integers by truncation, to bool by != 0.
void cast(const View& in, const View& out);
// Fills with zero bytes.
void zero(const View& out);

// out[index..., :] = table[index, :].
void gather(const View& table, const View& index, const View& out);
// out = 0; out[index, :] += rows[...]. Reals only.
void scatter_add(const View& rows, const View& index, const View& out);
// out[...] = x[..., index[...]]
void pick(const View& x, const View& index, const View& out);
// out = 0; out[..., index[...]] = x[...]
void place(const View& x, const View& index, const View& out);

}  // namespace fathom::kernels
