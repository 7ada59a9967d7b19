#define FATHOM_ISA avx512
#include "fathom/kernels/bits_impl.h"
#include "fathom/kernels/thin_impl.h"

constinit const fathom::kernels::ThinTable fathom::kernels::thin_table_avx512 = {
    wide::avx512::kThin<float>, wide::avx512::kThin<double>, wide::avx512::bits_times,
    wide::avx512::add_widened};
