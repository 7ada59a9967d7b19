#define FATHOM_ISA base
#include "fathom/kernels/bits_impl.h"
#include "fathom/kernels/thin_impl.h"

constinit const fathom::kernels::ThinTable fathom::kernels::thin_table_base = {
    wide::base::kThin<float>, wide::base::kThin<double>, wide::base::bits_times,
    wide::base::add_widened};
