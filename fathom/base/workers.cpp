#include "fathom/base/workers.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "fathom/base/error.h"

namespace fathom {

namespace {

// A wake-up from sleep costs 6 us and more; a step of a fit has gaps below 100 us.
constexpr int kSpins = 20000;

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

std::vector<int> allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    for (int i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &set)) out.push_back(i);
  if (out.empty()) out.push_back(0);
  return out;
}

void pin_to(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

}  // namespace

int processors() { return int(allowed_processors().size()); }

FlushDenormals::FlushDenormals() : saved_(0) {
#if defined(__x86_64__)
  saved_ = _mm_getcsr();
  _mm_setcsr(saved_ | 0x8040u);
#endif
}

FlushDenormals::~FlushDenormals() {
#if defined(__x86_64__)
  _mm_setcsr(saved_);
#endif
}

constexpr int kMostThreads = 1024;

struct Workers::Impl {
  std::vector<std::thread> threads;
  int size = 1;

  // One region of work. `epoch` counts regions; a worker joins each once.
  std::atomic<std::uint32_t> epoch{0};
  std::atomic<std::uint32_t> sleepers{0};
  std::atomic<std::size_t> next{0};
  std::atomic<int> busy{0};
  std::atomic<bool> stop{false};
  std::size_t count = 0;
  Task task = nullptr;
  void* context = nullptr;
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  void end() {
    stop.store(true);
    epoch.fetch_add(1, std::memory_order_release);
    epoch.notify_all();
    for (auto& t : threads) t.join();
    threads.clear();
  }

  void work(int worker) {
    for (;;) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      try {
        task(context, i, worker);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    }
  }

  void loop(int worker) {
    const FlushDenormals flush;
    std::uint32_t seen = 0;
    for (;;) {
      int spins = 0;
      while (epoch.load(std::memory_order_acquire) == seen) {
        if (++spins < kSpins) {
          pause_briefly();
        } else {
          sleepers.fetch_add(1);
          epoch.wait(seen);
          sleepers.fetch_sub(1);
        }
      }
      ++seen;
      if (stop.load()) return;
      work(worker);
      busy.fetch_sub(1, std::memory_order_release);
    }
  }
};

Workers::Workers(int threads) : impl_(std::make_unique<Impl>()) {
  if (threads < 0 || threads > kMostThreads)
    raise<ConfigError>("{} threads: from 1 to {}, or 0 for one per processor", threads,
                       kMostThreads);
  const std::vector<int> cpus = allowed_processors();
  impl_->size = threads > 0 ? threads : int(cpus.size());
  const bool pin = impl_->size == int(cpus.size()) && impl_->size > 1;
  try {
    for (int w = 1; w < impl_->size; ++w) {
      impl_->threads.emplace_back([this, w, pin, cpus] {
        if (pin) pin_to(cpus[std::size_t(w)]);
        impl_->loop(w);
      });
    }
  } catch (const std::system_error&) {  // the system has no more
    impl_->end();
    raise<ConfigError>("{} threads cannot be made here: ask for fewer", threads);
  }
}

Workers::~Workers() { impl_->end(); }

int Workers::size() const { return impl_->size; }

void Workers::run(std::size_t count, Task task, void* context) {
  Impl& m = *impl_;
  const bool alone = m.size == 1 || count <= 1;
  m.count = count;
  m.task = task;
  m.context = context;
  m.failed.store(false, std::memory_order_relaxed);
  m.next.store(0, std::memory_order_relaxed);
  m.busy.store(alone ? 0 : m.size - 1, std::memory_order_relaxed);
  if (!alone) m.epoch.fetch_add(1, std::memory_order_seq_cst);
  if (!alone && m.sleepers.load(std::memory_order_seq_cst) > 0) m.epoch.notify_all();
  m.work(0);
  int spins = 0;
  while (m.busy.load(std::memory_order_acquire) > 0) {
    if (++spins < 1 << 16) {
      pause_briefly();
    } else {
      std::this_thread::yield();
    }
  }
  if (m.failed.load()) std::rethrow_exception(std::exchange(m.error, nullptr));
}

}  // namespace fathom
