#define FATHOM_ISA base
#include "fathom/ops/wide_impl.h"

const fathom::WideTable& fathom::detail::wide_table_base() {
  static const WideTable table = wide::base::make_table();
  return table;
}
