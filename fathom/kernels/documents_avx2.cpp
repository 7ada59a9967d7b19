#define FATHOM_ISA avx2
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_avx2 = {
    fathom::wide::avx2::document_kernels<float>(), fathom::wide::avx2::document_kernels<double>()};
