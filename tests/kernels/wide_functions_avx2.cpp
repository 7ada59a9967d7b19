#define FATHOM_ISA avx2
#include "tests/kernels/wide_functions_impl.h"

const fathom::tests::WideFunctions& fathom::tests::wide_functions_avx2() {
  return wide::avx2::kFunctions;
}
