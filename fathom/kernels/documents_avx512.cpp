#define FATHOM_ISA avx512
#include "fathom/kernels/documents_impl.h"

constinit const fathom::kernels::DocumentsTable fathom::kernels::documents_table_avx512 = {
    fathom::wide::avx512::document_kernels<float>(),
    fathom::wide::avx512::document_kernels<double>()};
