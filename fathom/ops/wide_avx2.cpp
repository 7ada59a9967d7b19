#define FATHOM_ISA avx2
#include "fathom/ops/wide_impl.h"

const fathom::WideTable& fathom::detail::wide_table_avx2() {
  static const WideTable table = wide::avx2::make_table();
  return table;
}
