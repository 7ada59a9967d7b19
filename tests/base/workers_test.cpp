// The pool: each task once, for any sizes; errors reach the caller.
#include "fathom/base/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace fathom {
namespace {

TEST(Workers, RunEachTaskOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    Workers pool(threads);
    EXPECT_EQ(pool.size(), threads);
    const int rounds = threads <= processors() ? 200 : 4;  // more than there are take turns
    for (int round = 0; round < rounds; ++round)
      for (const std::size_t count :
           {std::size_t(0), std::size_t(1), std::size_t(2), std::size_t(7), std::size_t(100)}) {
        std::vector<std::atomic<int>> times(count);
        std::atomic<bool> outside{false};
        pool.each(count, [&](std::size_t task, int worker) {
          times[task].fetch_add(1);
          if (worker < 0 || worker >= threads) outside = true;
        });
        for (const auto& t : times)
          ASSERT_EQ(t.load(), 1) << threads << " threads, " << count << " tasks";
        ASSERT_FALSE(outside);
      }
  }
}

TEST(Workers, SeePlainWritesOfEachOther) {
  Workers pool(2);
  std::vector<long> value(64, 0), next(64, 0);
  for (long round = 1; round <= 2000; ++round) {
    pool.each(value.size(), [&](std::size_t i, int) { next[i] = value[(i + 1) % 64] + round; });
    pool.each(value.size(), [&](std::size_t i, int) { value[i] = next[(i + 17) % 64]; });
  }
  for (const long v : value) EXPECT_EQ(v, 2000L * 2001 / 2);
}

TEST(Workers, RethrowAfterTheOthersEnded) {
  for (const int threads : {1, 2, 3}) {
    Workers pool(threads);
    std::atomic<int> ended{0};
    EXPECT_THROW(pool.each(50,
                           [&](std::size_t task, int) {
                             if (task == 20) throw std::runtime_error("task 20");
                             ended.fetch_add(1);
                           }),
                 std::runtime_error);
    EXPECT_EQ(ended.load(), 49);
    ended = 0;
    pool.each(10, [&](std::size_t, int) { ended.fetch_add(1); });  // and goes on
    EXPECT_EQ(ended.load(), 10);
  }
}

TEST(Workers, PoolsOfTheirOwnMayNest) {
  Workers outer(2);
  std::atomic<int> count{0};
  outer.each(4, [&](std::size_t, int) {
    Workers inner(2);
    inner.each(5, [&](std::size_t, int) { count.fetch_add(1); });
  });
  EXPECT_EQ(count.load(), 20);
}

TEST(Workers, DefaultIsOnePerProcessor) {
  EXPECT_GE(processors(), 1);
  EXPECT_EQ(Workers().size(), processors());
}

TEST(FlushDenormals, EndsWithItsScope) {
  volatile double tiny = 1e-300;
  {
    const FlushDenormals flush;
#if defined(__x86_64__)
    EXPECT_EQ(tiny * 1e-20, 0.0);
#endif
  }
  EXPECT_GT(tiny * 1e-20, 0.0);
}

}  // namespace
}  // namespace fathom
