// The layout of memory: living blocks never overlap, and little is wasted.
#include "fathom/exec/planner_impl.h"
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

std::int64_t most_alive(const std::vector<Block>& blocks, int steps) {
  std::int64_t most = 0;
  for (int t = 0; t <= steps; ++t) {
    std::int64_t alive = 0;
    for (const Block& b : blocks)
      if (b.first <= t && t <= b.last) alive += b.bytes;
    most = std::max(most, alive);
  }
  return most;
}

void expect_apart(const std::vector<Block>& blocks, std::int64_t size) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Block& a = blocks[i];
    EXPECT_GE(a.offset, 0);
    EXPECT_EQ(a.offset % 64, 0);
    EXPECT_LE(a.offset + a.bytes, size);
    for (std::size_t j = 0; j < i; ++j) {
      const Block& b = blocks[j];
      const bool together = a.first <= b.last && b.first <= a.last;
      EXPECT_FALSE(together && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes)
          << "blocks " << i << " and " << j;
    }
  }
}

TEST(Arena, RandomBlocksNeverOverlap) {
  Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<Block> blocks;
    const std::int64_t n = integer_in(random, 0, 60);
    for (std::int64_t i = 0; i < n; ++i) {
      const int first = int(integer_in(random, 0, 30));
      blocks.push_back(
          {integer_in(random, 0, 5000), first, first + int(integer_in(random, 0, 12)), 0});
    }
    const std::int64_t size = lay_out(blocks);
    expect_apart(blocks, size);
    EXPECT_GE(size, most_alive(blocks, 60));
  }
}

// Forward and reverse through layers: activations live until their layer's reverse.
TEST(Arena, NestedLivesTakeHardlyMoreThanTheyMust) {
  Random random(4);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<Block> blocks;
    const int layers = int(integer_in(random, 1, 20)), end = 2 * layers;
    for (int l = 0; l < layers; ++l) {
      blocks.push_back({integer_in(random, 1, 64) * 64, l, end - l, 0});
      blocks.push_back({integer_in(random, 1, 64) * 64, l, l + 1, 0});
      blocks.push_back({integer_in(random, 1, 64) * 64, end - l - 1, end - l, 0});
    }
    const std::int64_t size = lay_out(blocks);
    expect_apart(blocks, size);
    EXPECT_LE(double(size), 1.5 * double(most_alive(blocks, end))) << "trial " << trial;
  }
}

}  // namespace
}  // namespace fathom::test
