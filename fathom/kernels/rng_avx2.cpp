#define FATHOM_ISA avx2
#include "fathom/kernels/rng_wide_impl.h"

constinit const fathom::kernels::RngTable fathom::kernels::rng_table_avx2 = {
    wide::avx2::kDraws<float>, wide::avx2::kDraws<double>};
