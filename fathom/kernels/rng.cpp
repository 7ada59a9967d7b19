#include "fathom/kernels/rng.h"

#include "fathom/kernels/isa.h"
#include "fathom/kernels/rng_table_impl.h"

namespace fathom::kernels {

namespace {

const RngTable& table() { return FATHOM_BY_ISA(rng_table); }

// As philox() in base/key.h makes it.
std::uint64_t philox_key(Key key) { return key.seed ^ mix64(key.stream); }

}  // namespace

void fill_uniform(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                  std::int64_t columns, float* out) {
  table().f32.uniform(philox_key(key), row_ids, first_row, rows, columns, out);
}

void fill_uniform(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                  std::int64_t columns, double* out) {
  table().f64.uniform(philox_key(key), row_ids, first_row, rows, columns, out);
}

void fill_normal(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                 std::int64_t columns, float* out) {
  table().f32.normal(philox_key(key), row_ids, first_row, rows, columns, out);
}

void fill_normal(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                 std::int64_t columns, double* out) {
  table().f64.normal(philox_key(key), row_ids, first_row, rows, columns, out);
}

void fill_bernoulli(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                    std::int64_t columns, const float* p, float* out) {
  table().f32.bernoulli(philox_key(key), row_ids, first_row, rows, columns, p, out);
}

void fill_bernoulli(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                    std::int64_t columns, const double* p, double* out) {
  table().f64.bernoulli(philox_key(key), row_ids, first_row, rows, columns, p, out);
}

}  // namespace fathom::kernels
