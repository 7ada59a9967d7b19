#define FATHOM_ISA base
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_base = {
    fathom::wide::base::Pack<float>::lanes,      fathom::wide::base::Pack<double>::lanes,
    fathom::wide::base::solve_document<float>,   fathom::wide::base::solve_document<double>,
    fathom::wide::base::fill_topic_table<float>, fathom::wide::base::fill_topic_table<double>};
