#define FATHOM_ISA avx512
#define FATHOM_TABLE gaussian_chain_avx512
#include "fathom/kernels/gaussian_chain_impl.h"
