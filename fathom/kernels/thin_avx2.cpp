#define FATHOM_ISA avx2
#include "fathom/kernels/bits_impl.h"
#include "fathom/kernels/thin_impl.h"

constinit const fathom::kernels::ThinTable fathom::kernels::thin_table_avx2 = {
    wide::avx2::kThin<float>, wide::avx2::kThin<double>, wide::avx2::bits_times,
    wide::avx2::add_widened};
