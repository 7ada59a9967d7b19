#define FATHOM_ISA avx2
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_avx2 = {
    fathom::wide::avx2::solve_document<float>,      fathom::wide::avx2::solve_document<double>,
    fathom::wide::avx2::fill_topic_table<float>,    fathom::wide::avx2::fill_topic_table<double>,
    fathom::wide::avx2::add_document_counts<float>, fathom::wide::avx2::add_document_counts<double>,
    fathom::wide::avx2::sum_topic_counts<float>,    fathom::wide::avx2::sum_topic_counts<double>};
