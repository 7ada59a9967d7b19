#define FATHOM_ISA base
#include "fathom/kernels/chain_impl.h"

constinit const fathom::kernels::ChainTable fathom::kernels::chain_table_base = {
    {fathom::wide::base::Pack<float>::lanes, fathom::wide::base::chain_sequence<float>},
    {fathom::wide::base::Pack<double>::lanes, fathom::wide::base::chain_sequence<double>}};
