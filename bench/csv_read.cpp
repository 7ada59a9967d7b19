// Reading a CSV table of numbers.
//   csv_read FILE --steps 3 --threads 2
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/io/csv.h"

using namespace fathom;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "csv_read FILE [--steps N] [--threads N]\n");
    return 2;
  }
  Workers workers(int(number(argc, argv, "--threads", 2)));
  double sum = 0;
  std::int64_t rows = 0;
  const Timing t = timed(1, number(argc, argv, "--steps", 3), [&] {
    const Table table = read_csv(argv[1], {}, &workers);
    rows = table.values.shape().extent(0);
    sum = 0;
    for (double v : table.values.values<double>()) sum += v;
  });
  std::printf(
      "{\"work\": \"csv_read\", \"median_ms\": %.3f, \"p10_ms\": %.3f, \"n\": %lld, \"threads\": "
      "%d, \"checksum\": %.9f}\n",
      t.median_ms, t.p10_ms, static_cast<long long>(rows), workers.size(), sum);
}
