// Counter-based randomness (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
// 1, 2, 3"): a draw is a pure function of (key, index), so that results do not depend on threads,
// tiles or plans. There is no global generator. Keys are split, never advanced.
#pragma once

#include <cstdint>

namespace fathom {

struct Key {
  std::uint64_t seed = 0;    // what the user gave, mixed with every fold
  std::uint64_t stream = 0;  // which purpose, step or row
  friend constexpr bool operator==(const Key&, const Key&) = default;
};

// Finaliser of MurmurHash3 (variant 13 of Stafford): a bijection of 64 bits.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// The key for purpose or step `n` under `key`; distinct n give independent streams.
constexpr Key fold(Key key, std::uint64_t n) {
  const std::uint64_t s = mix64(key.stream + 0x9e3779b97f4a7c15ull * (n + 1));
  return {mix64(key.seed ^ s), s};
}

// 32 random bits, four at a time: Philox4x32 with ten rounds (Salmon et al. 2011, section 4).
struct Random4 {
  std::uint32_t word[4];
};

constexpr Random4 philox(Key key, std::uint64_t counter_hi, std::uint64_t counter_lo) {
  std::uint32_t c0 = std::uint32_t(counter_lo), c1 = std::uint32_t(counter_lo >> 32);
  std::uint32_t c2 = std::uint32_t(counter_hi), c3 = std::uint32_t(counter_hi >> 32);
  const std::uint64_t folded = key.seed ^ mix64(key.stream);
  std::uint32_t k0 = std::uint32_t(folded), k1 = std::uint32_t(folded >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    const std::uint32_t n0 = std::uint32_t(p1 >> 32) ^ c1 ^ k0,
                        n2 = std::uint32_t(p0 >> 32) ^ c3 ^ k1;
    c1 = std::uint32_t(p1);
    c3 = std::uint32_t(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace fathom
