#include "fathom/kernels/isa.h"

#include <algorithm>
#include <atomic>

namespace fathom::kernels {

namespace {

Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // These builtins ask the operating system too: a set whose registers it does not save is absent.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("fma"))
    return Isa::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
  return Isa::base;
}

constinit std::atomic<Isa> limit{Isa::avx512};

}  // namespace

Isa isa() {
  static const Isa best = detect();
  return std::min(best, limit.load(std::memory_order_relaxed));
}

void limit_isa(Isa most) { limit.store(most, std::memory_order_relaxed); }

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::avx512: return "avx512";
    case Isa::avx2: return "avx2";
    case Isa::base: break;
  }
  return "base";
}

}  // namespace fathom::kernels
