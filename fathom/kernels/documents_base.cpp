#define FATHOM_ISA base
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_base = {
    fathom::wide::base::solve_document<float>,      fathom::wide::base::solve_document<double>,
    fathom::wide::base::fill_topic_table<float>,    fathom::wide::base::fill_topic_table<double>,
    fathom::wide::base::add_document_counts<float>, fathom::wide::base::add_document_counts<double>,
    fathom::wide::base::sum_topic_counts<float>,    fathom::wide::base::sum_topic_counts<double>};
