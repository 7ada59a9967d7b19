#include "fathom/ops/wide.h"

#include "fathom/kernels/isa.h"

namespace fathom {

const WideTable& wide_table() { return FATHOM_BY_ISA(detail::wide_table)(); }

}  // namespace fathom
