#define FATHOM_ISA base
#include "tests/kernels/wide_functions_impl.h"

const fathom::tests::WideFunctions& fathom::tests::wide_functions_base() {
  return wide::base::kFunctions;
}
