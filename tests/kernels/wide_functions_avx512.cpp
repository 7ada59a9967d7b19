#define FATHOM_ISA avx512
#include "tests/kernels/wide_functions_impl.h"

const fathom::tests::WideFunctions& fathom::tests::wide_functions_avx512() {
  return wide::avx512::kFunctions;
}
