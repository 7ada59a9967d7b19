#define FATHOM_ISA avx512
#include "fathom/kernels/rng_wide_impl.h"

constinit const fathom::kernels::RngTable fathom::kernels::rng_table_avx512 = {
    wide::avx512::kDraws<float>, wide::avx512::kDraws<double>};
