// Threads that may multiply matrices at once under a limit on the memory of the process.
#pragma once

namespace fathom::kernels {

// `wanted` threads (0: one per processor), or fewer where a limit on the process's data
// (RLIMIT_DATA, `ulimit -d`) has no room for so many: the library of f64 products sets aside 128 MB
// of addresses for each, of which it touches little, and where it cannot it asks for ever. A thread
// of its own takes as much unless OPENBLAS_NUM_THREADS=1. Throws ConfigError where there is room
// for none.
int threads_that_fit(int wanted);

}  // namespace fathom::kernels
