#pragma once
#include "fathom/kernels/scalar.h"
namespace fathom::wide {
namespace FATHOM_ISA {
// Interim: lane by lane.
#define FATHOM_EACH(name)                                                       \
  template <class T>                                                            \
  static inline Pack<T> name(Pack<T> x) {                                       \
    T e[Pack<T>::lanes];                                                        \
    x.store(e);                                                                 \
    for (int i = 0; i < Pack<T>::lanes; ++i) e[i] = name(Scalar<T>::of(e[i])).v; \
    return Pack<T>::load(e);                                                    \
  }
FATHOM_EACH(exp)
FATHOM_EACH(log)
FATHOM_EACH(log1p)
FATHOM_EACH(expm1)
FATHOM_EACH(tanh)
FATHOM_EACH(erf)
FATHOM_EACH(erfc)
FATHOM_EACH(log_erfc)
FATHOM_EACH(lgamma)
FATHOM_EACH(digamma)
FATHOM_EACH(trigamma)
FATHOM_EACH(normal_quantile)
FATHOM_EACH(sin)
FATHOM_EACH(cos)
#undef FATHOM_EACH
}  // namespace FATHOM_ISA
}  // namespace fathom::wide
