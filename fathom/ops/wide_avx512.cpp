#define FATHOM_ISA avx512
#include "fathom/ops/wide_impl.h"

const fathom::WideTable& fathom::detail::wide_table_avx512() {
  static const WideTable table = wide::avx512::make_table();
  return table;
}
