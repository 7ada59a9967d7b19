#define FATHOM_ISA avx512
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_avx512 = {
    fathom::wide::avx512::Pack<float>::lanes,      fathom::wide::avx512::Pack<double>::lanes,
    fathom::wide::avx512::solve_document<float>,   fathom::wide::avx512::solve_document<double>,
    fathom::wide::avx512::fill_topic_table<float>, fathom::wide::avx512::fill_topic_table<double>};
