// Keys: known answers of the generator, and independence of folds.
#include "fathom/base/key.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace fathom {
namespace {

// The key whose mixed words are k0 and k1: philox folds the stream in, so it is folded out here.
Key key_with_words(std::uint32_t k0, std::uint32_t k1) {
  return {(std::uint64_t(k1) << 32 | k0) ^ mix64(0), 0};
}

// Lines "philox4x32 10" of tests/kat_vectors of Random123 (Salmon et al. 2011): counter, key,
// result.
TEST(Key, PhiloxGivesTheKnownAnswers) {
  struct Answer {
    std::uint32_t c[4], k[2], r[4];
  };
  const Answer answers[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (const Answer& a : answers) {
    const Random4 r = philox(key_with_words(a.k[0], a.k[1]), std::uint64_t(a.c[3]) << 32 | a.c[2],
                             std::uint64_t(a.c[1]) << 32 | a.c[0]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(r.word[i], a.r[i]);
  }
}

TEST(Key, FoldsAreDistinctAndRepeatable) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (std::uint64_t n = 0; n < 500; ++n) {
      const Key k = fold({seed, 0}, n), kk = fold(k, 7);
      EXPECT_EQ(k, fold({seed, 0}, n));
      seen.insert({k.seed, k.stream});
      seen.insert({kk.seed, kk.stream});
    }
  EXPECT_EQ(seen.size(), 20u * 500 * 2);
  EXPECT_NE(fold(fold({1, 0}, 2), 3), fold(fold({1, 0}, 3), 2));
}

TEST(Key, MixingIsABijectionOnASample) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 10000; ++i) seen.insert(mix64(i));
  EXPECT_EQ(seen.size(), 10000u);
}

// Each bit of the output is set half of the time: 5 sigma.
TEST(Key, BitsAreBalanced) {
  int set[32] = {};
  const int n = 40000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const Random4 r = philox(fold({3, 0}, i % 5), i, 0);
    for (int b = 0; b < 32; ++b) set[b] += int(r.word[i % 4] >> b & 1u);
  }
  for (const int s : set) EXPECT_NEAR(s, n / 2, 5 * 100);
}

}  // namespace
}  // namespace fathom
