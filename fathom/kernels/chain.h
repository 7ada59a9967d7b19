// Chains of discrete states: the log-normaliser of
//
//   p(z_1, ..., z_T) = exp( s(z_1) + sum_t a_t(z_t) + sum_{t > 1} b(z_{t-1}, z_t) - log Z )
//
// and its gradient, the expected states and transitions, by one forward and one backward recursion
// (Baum et al. 1970; Rabiner 1989, section III); and its max form, the best path (Viterbi 1967).
//
// Messages are probabilities, scaled at each step. A sequence in which they leave the range of the
// numbers is done again with their logarithms.
#pragma once

#include <cstdint>

namespace fathom::kernels {

// Links of so little or less are none: exactly zero probability. It is what logarithms of zeros are
// elsewhere (dist/face.h): log 1e-300, rounded up.
constexpr double kNoLink = -690.7;

// Sequences of rows, one after another. What nobody reads may be null.
template <class T>
struct Chain {
  std::int64_t rows = 0, states = 0;
  const T* potentials = nullptr;  // a [rows, states]; -inf: not this state
  const T* links = nullptr;       // b [states, states], from row to column
  const T* start = nullptr;       // s [states], of rows where a sequence is marked to begin
  const T* begins = nullptr;      // [rows]: not 0 where a sequence begins; row 0 is taken to
  const T* weight = nullptr;      // [rows]: how often a sequence counts, at its first row
  // Of each row: what it adds to log Z; its states' probabilities [rows, states].
  T* log_norm = nullptr;
  T* marginals = nullptr;
  // Expected transitions [states, states], all sequences, each as often as it counts.
  T* counts = nullptr;
  T* firsts = nullptr;  // likewise of the states of rows with a start, [states]
  // [rows, states] each: those into a row are before_i exp(b_ij) after_j; 0 where one begins. Of
  // ways as likely as each other whose sides differ by more than 1e300, all but one are lost.
  T* before = nullptr;
  T* after = nullptr;
};

// -inf and zeros from the step on where no path is possible; NaN where an input is.
template <class T>
void chain(const Chain<T>& c);

// The same with max for sum: log_norm adds up to that of the best path, whose states are 1 in
// `marginals`, of equal ones the first; the transition into a row is before_i after_j.
template <class T>
void best_path(const Chain<T>& c);

// The scaled recursions on one sequence, one table per instruction set. Matrices of `links` have
// `stride` columns and as many rows; what is beyond `states` is 0. A stride of up to a pack is a
// power of two from 4, others are multiples of 4 and of a pack. Memory is aligned to 64 bytes.
template <class T>
struct ChainLinks {
  std::int64_t stride = 0;
  const T* forth = nullptr;  // m = exp(b); of a stride of up to a pack [d, j] is m[j ^ d, j]
  const T* back = nullptr;   // its transpose, likewise
  T* counts = nullptr;       // [stride, stride]: adds before_i after_j
  T* room = nullptr;         // chain_room(stride) numbers
};

// Rows of a group: potentials of the next one are made into weights while the processor waits for
// messages of this one. Rows of a block: products of its messages are added up at once.
constexpr std::int64_t kChainGroup = 32, kChainBlock = 64;
constexpr std::int64_t kChainSlack = 32;  // beyond a group, for whole packs
constexpr std::int64_t chain_room(std::int64_t stride) {
  return (2 * kChainGroup + 2 * kChainBlock + 3 + stride) * stride +
         4 * (kChainGroup + kChainSlack);
}

// Rows [first, last) of the chain. False where a message leaves the range of the numbers: outputs
// of these rows are then of no use, and counts are as they were.
template <class T>
using ChainSequence = bool (*)(const Chain<T>& c, std::int64_t first, std::int64_t last,
                               const ChainLinks<T>& links);

template <class T>
struct ChainRecursion {
  std::int64_t pack;  // numbers in one
  ChainSequence<T> sequence;
};
struct ChainTable {
  ChainRecursion<float> f32;
  ChainRecursion<double> f64;
};
extern const ChainTable chain_table_base, chain_table_avx2, chain_table_avx512;

}  // namespace fathom::kernels
