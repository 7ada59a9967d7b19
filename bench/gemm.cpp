// Products at the shapes of a VAE step through a plan, beside the library called directly.
//   gemm --threads 1
#include <dnnl.h>

#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/exec/program.h"
#include "fathom/kernels/rng.h"
#include "fathom/ops/all_ops.h"

using namespace fathom;

namespace {

struct Case {
  const char* what;
  bool ta, tb;
  std::int64_t m, n, k;
};

void measure(const Case& c, Workers& workers) {
  Graph g(op_table());
  const Shape sa = c.ta ? Shape{c.k, c.m} : Shape{c.m, c.k},
              sb = c.tb ? Shape{c.n, c.k} : Shape{c.k, c.n};
  const Value a = g.data("a", DType::f32, sa), b = g.data("b", DType::f32, sb);
  const Value y = contract(a, b, 0, 1, c.ta, c.tb);
  Array da(DType::f32, sa), db(DType::f32, sb), direct(DType::f32, Shape{c.m, c.n});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, 1, da.size(), da.data<float>());
  kernels::fill_normal(Key{1, 2}, nullptr, 0, 1, db.size(), db.data<float>());
  State state;
  Program program(g, std::span<const Value>(&y, 1), {}, state);
  program.bind("a", da);
  program.bind("b", db);
  const auto library = [&] {
    dnnl_sgemm(c.ta ? 'T' : 'N', c.tb ? 'T' : 'N', c.m, c.n, c.k, 1.0f, da.data<float>(),
               sa.extent(1), db.data<float>(), sb.extent(1), 0.0f, direct.data<float>(), c.n);
  };
  std::vector<double> ours, theirs;
  for (int pair = 0; pair < 15; ++pair) {  // in turn: the machine's speed drifts
    ours.push_back(timed(2, 15, [&] { program.run(workers); }).median_ms);
    theirs.push_back(timed(2, 15, library).median_ms);
  }
  std::vector<double> ratio;
  for (std::size_t i = 0; i < ours.size(); ++i) ratio.push_back(theirs[i] / ours[i]);
  std::sort(ours.begin(), ours.end());
  std::sort(theirs.begin(), theirs.end());
  std::sort(ratio.begin(), ratio.end());
  std::printf(
      "{\"work\": \"gemm\", \"setting\": \"%s\", \"median_ms\": %.5f, \"p10_ms\": %.5f, "
      "\"library_ms\": %.5f, "
      "\"ratio\": %.3f, \"threads\": %d}\n",
      c.what, ours[7], ours[1], theirs[7], ratio[7], workers.size());
}

}  // namespace

int main(int argc, char** argv) {
  Workers workers(int(number(argc, argv, "--threads", 1)));
  kernels::single_threaded_libraries();
  for (const Case& c : {Case{"128x500x784 NN", false, false, 128, 500, 784},
                        Case{"128x500x500 NN", false, false, 128, 500, 500},
                        Case{"128x784x500 NN", false, false, 128, 784, 500},
                        Case{"128x500x784 NT", false, true, 128, 500, 784},
                        Case{"128x500x500 NT", false, true, 128, 500, 500},
                        Case{"784x500x128 TN", true, false, 784, 500, 128},
                        Case{"500x500x128 TN", true, false, 500, 500, 128},
                        Case{"500x784x128 TN", true, false, 500, 784, 128}})
    measure(c, workers);
}
