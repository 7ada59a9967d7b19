// Which instruction set the vectorised kernels use. The same source is compiled once for each; all
// give the same uniforms bit by bit, and other results within the declared accuracy.
#pragma once

#include <cstdint>

namespace fathom::kernels {

enum class Isa : std::uint8_t {
  base,    // what every machine of the kind has; SSE2 on x86-64
  avx2,    // with FMA
  avx512,  // F, DQ, VL and BW
};

// The best one that processor and operating system support, no higher than the limit set.
Isa isa();

// Lowers isa() to at most `most` for the whole process, for tests and for results that shall agree
// between machines; limit_isa(Isa::avx512) lifts the limit. Call it while no kernel runs.
void limit_isa(Isa most);

// Of three names `of`_<isa>, compiled for one set each, the one of isa(); other processors have but
// the base one.
#if defined(__x86_64__)
#define FATHOM_BY_ISA(of)                                                   \
  (::fathom::kernels::isa() == ::fathom::kernels::Isa::avx512 ? of##_avx512 \
   : ::fathom::kernels::isa() == ::fathom::kernels::Isa::avx2 ? of##_avx2   \
                                                              : of##_base)
#else
#define FATHOM_BY_ISA(of) of##_base
#endif

// "base", "avx2", "avx512".
const char* name_of(Isa isa);

}  // namespace fathom::kernels
