#define FATHOM_ISA avx512
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_avx512 = {
    fathom::wide::avx512::solve_document<float>,
    fathom::wide::avx512::solve_document<double>,
    fathom::wide::avx512::fill_topic_table<float>,
    fathom::wide::avx512::fill_topic_table<double>,
    fathom::wide::avx512::add_document_counts<float>,
    fathom::wide::avx512::add_document_counts<double>,
    fathom::wide::avx512::sum_topic_counts<float>,
    fathom::wide::avx512::sum_topic_counts<double>};
