#include "fathom/kernels/room.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fathom/base/error.h"
#include "fathom/base/workers.h"

namespace fathom::kernels {

namespace {

constexpr rlim_t kEach = rlim_t(129) << 20;

// Threads beside the calling one: those that OpenBLAS makes when it is loaded.
rlim_t other_threads() {
  std::error_code ignored;
  const std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
  return ignored ? 0 : rlim_t(std::distance(begin(tasks), end(tasks))) - 1;
}

// What the process has, or will soon have, of what the limit counts: private pages that may be
// written to, bytes.
rlim_t data_now() {
  std::ifstream file("/proc/self/statm");
  long long size = 0, resident = 0, shared = 0, text = 0, library = 0, data = 0;
  file >> size >> resident >> shared >> text >> library >> data;
  return std::max(rlim_t(data) * rlim_t(sysconf(_SC_PAGESIZE)), other_threads() * kEach);
}

}  // namespace

int threads_that_fit(int wanted) {
  constexpr rlim_t kRest = rlim_t(32) << 20;
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const rlim_t least = data_now() + kRest + kEach;
  if (limit.rlim_cur < least)
    raise<ConfigError>(
        "a limit of {} MB on the data of the process (ulimit -d) leaves no room for products of "
        "matrices, which set 128 MB of addresses aside for each thread: allow {} MB, or set "
        "OPENBLAS_NUM_THREADS=1",
        limit.rlim_cur >> 20, least >> 20);
  const rlim_t most = (limit.rlim_cur - least) / kEach + 1;
  return int(std::min(rlim_t(wanted > 0 ? wanted : processors()), most));
}

}  // namespace fathom::kernels
