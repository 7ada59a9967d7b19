#define FATHOM_ISA avx2
#define FATHOM_TABLE gaussian_chain_avx2
#include "fathom/kernels/gaussian_chain_impl.h"
