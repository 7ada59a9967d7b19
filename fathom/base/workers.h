// The worker pool: the only place of the library that makes threads.
//
// A pool of n has n - 1 threads of its own; the caller of `run` is worker 0. Workers spin briefly,
// then sleep on a futex. They are pinned one per processor when the pool fills the machine, and run
// with denormals flushed to zero. Which worker runs which task never decides a result: tasks are
// cut by shape.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace fathom {

class Workers {
 public:
  // threads: 0 means one per processor that this process may use. Throws ConfigError where so many
  // cannot be.
  explicit Workers(int threads = 0);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int size() const;

  using Task = void (*)(void* context, std::size_t task, int worker);

  // Runs tasks 0..count-1, each once, and returns when all have ended. No allocation, no lock.
  // With one worker or one task, nobody is woken. Not re-entrant. An exception thrown by a task is
  // rethrown here after the others have ended.
  void run(std::size_t count, Task task, void* context);

  // The same for a callable.
  template <class F>
  void each(std::size_t count, F&& body) {
    using Body = std::remove_reference_t<F>;
    run(
        count,
        [](void* c, std::size_t task, int worker) { (*static_cast<Body*>(c))(task, worker); },
        const_cast<std::remove_const_t<Body>*>(&body));
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Processors that this process may run on.
int processors();

// Flushes denormals in the calling thread (x86: FTZ and DAZ) while it lives; restores afterwards.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned saved_;
};

}  // namespace fathom
