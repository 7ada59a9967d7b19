#define FATHOM_ISA avx512
#include "fathom/kernels/chain_impl.h"

constinit const fathom::kernels::ChainTable fathom::kernels::chain_table_avx512 = {
    {fathom::wide::avx512::Pack<float>::lanes, fathom::wide::avx512::chain_sequence<float>},
    {fathom::wide::avx512::Pack<double>::lanes, fathom::wide::avx512::chain_sequence<double>}};
