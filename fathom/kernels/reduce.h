// Reductions over adjacent axes [first, first + count) of dense inputs. Sums are formed in a fixed
// tree of short runs, so that their error grows with the logarithm of the number of terms.
#pragma once

#include "fathom/tensor/view.h"

namespace fathom::kernels {

void sum(const View& in, int first, int count, const View& out);
// out += the sum; for partial sums over tiles.
void add_sum(const View& in, int first, int count, const View& out);
void reduce_max(const View& in, int first, int count, const View& out);
// Logarithm of eps^2. A probability that is so far below the largest is exactly 0: beside that one
// it is nothing, and beside a sum over 1 / eps rows too, while products with it cost nothing.
template <class T>
constexpr double kLogNothing = sizeof(T) == 4 ? -31.88 : -72.08;

// log sum exp and its gradient over one axis; either output may be null. All -inf gives -inf and a
// gradient of zeros; NaN and +inf spread.
void logsumexp(const View& in, int axis, const View& out, const View& softmax);
// Place of the first largest of the last axis.
void argmax(const View& in, const View& out);
// to += from, elementwise, dense, reals.
void accumulate(const View& from, const View& to);

}  // namespace fathom::kernels
