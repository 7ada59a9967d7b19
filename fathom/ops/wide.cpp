#include "fathom/ops/wide.h"

#include "fathom/kernels/isa.h"

namespace fathom {

const WideTable& wide_table() {
#if defined(__x86_64__)
  switch (kernels::isa()) {
    case kernels::Isa::avx512: return detail::wide_table_avx512();
    case kernels::Isa::avx2: return detail::wide_table_avx2();
    case kernels::Isa::base: break;
  }
#endif
  return detail::wide_table_base();
}

}  // namespace fathom
