#define FATHOM_ISA base
#define FATHOM_TABLE gaussian_chain_base
#include "fathom/kernels/gaussian_chain_impl.h"
