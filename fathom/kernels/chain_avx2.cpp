#define FATHOM_ISA avx2
#include "fathom/kernels/chain_impl.h"

constinit const fathom::kernels::ChainTable fathom::kernels::chain_table_avx2 = {
    {fathom::wide::avx2::Pack<float>::lanes, fathom::wide::avx2::chain_sequence<float>},
    {fathom::wide::avx2::Pack<double>::lanes, fathom::wide::avx2::chain_sequence<double>}};
