#define FATHOM_ISA base
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_base = {
    fathom::wide::base::document_kernels<float>(), fathom::wide::base::document_kernels<double>()};
