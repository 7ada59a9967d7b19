// Memory: greedy by size. The largest block is placed first; each goes to the lowest offset at
// which it fits between the blocks that are alive at the same time.
//
//   offset ^   +-----------+
//          |   |  logits   |        +------+
//          |   +-----+-----+--------+  dh  |
//          |   |  h  |   d logits   |      |
//          +---+-----+--------------+------+--> life
#include <algorithm>
#include <numeric>

#include "fathom/base/error.h"
#include "fathom/exec/planner_impl.h"

namespace fathom {

namespace {

bool meet(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

std::int64_t lay_out(std::vector<Block>& blocks) {
  std::vector<std::size_t> by_size(blocks.size());
  std::iota(by_size.begin(), by_size.end(), 0u);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::vector<std::size_t> placed;  // by offset
  std::int64_t size = 0;
  for (std::size_t i : by_size) {
    Block& b = blocks[i];
    b.bytes = (b.bytes + 63) / 64 * 64;
    std::int64_t at = 0;
    for (std::size_t j : placed) {
      const Block& other = blocks[j];
      if (!meet(b, other)) continue;
      if (at + b.bytes <= other.offset) break;
      at = std::max(at, other.offset + other.bytes);
    }
    b.offset = at;
    size = std::max(size, at + b.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](std::size_t x, std::size_t y) {
                                     return blocks[x].offset < blocks[y].offset;
                                   }),
                  i);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t j = i + 1; j < blocks.size(); ++j) {
      const Block &a = blocks[i], &b = blocks[j];
      if (a.bytes && b.bytes && meet(a, b) && a.offset < b.offset + b.bytes &&
          b.offset < a.offset + a.bytes)
        raise<ShapeError>("[plan] two living values share memory: a fault of the planner");
    }
  return size;
}

}  // namespace fathom
