// A program outside the project: links the installed library, down to its vendor libraries.
#include <vector>

#include "fathom/base/error.h"
#include "fathom/base/workers.h"
#include "fathom/kernels/linalg.h"
#include "fathom/tensor/shape.h"

int main() {
  fathom::Workers workers(2);
  std::vector<int> squares(8);
  workers.each(squares.size(), [&](std::size_t i, int) { squares[i] = int(i * i); });
  if (squares[7] != 49) return 1;

  constexpr std::int64_t n = 32;  // large enough for the vendors' products
  const std::vector<float> ones(n * n, 1.0f);
  std::vector<float> product(n * n);
  fathom::kernels::gemm(false, false, n, n, n, ones.data(), n, ones.data(), n, product.data(), n,
                        false);
  if (product[n + 1] != float(n)) return 2;

  try {
    fathom::broadcast_shapes("add", {2, 3}, {2, 4});
  } catch (const fathom::ShapeError&) {
    return 0;
  }
  return 3;
}
