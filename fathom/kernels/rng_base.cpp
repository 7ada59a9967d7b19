#define FATHOM_ISA base
#include "fathom/kernels/rng_wide_impl.h"

constinit const fathom::kernels::RngTable fathom::kernels::rng_table_base = {
    wide::base::kDraws<float>, wide::base::kDraws<double>};
