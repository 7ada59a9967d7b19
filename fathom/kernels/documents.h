// Documents as bags of words under topics: for each document d with counts n of words w,
//
//   max over gamma of  sum_w n_w log sum_k exp(E log theta_k + l_kw)  -  KL(Dir gamma | Dir alpha)
//
// in nats, E log theta_k = psi(gamma_k) - psi(sum gamma), by the fixed point of gamma = alpha +
// th * B (n / th'B), th = exp(E log theta), B = exp(l), from gamma = 1 or a given one; each update
// raises what is maximised. Responsibilities are never stored (Blei, Ng & Jordan 2003, section 5.2;
// Hoffman, Blei & Bach 2010, algorithm 2). At the optimum the derivative with respect to l is n_w
// phi_wk, the expected counts.
#pragma once

#include <cstdint>

namespace fathom::kernels {

// B with the topics of a word side by side, each word relative to its likeliest topic: row w holds
// exp(l_kw - most_w) in its first `topics` numbers, then most_w, then 0 up to `stride`. Rows and
// counts in this layout begin with a line of the cache where the first does.
template <class T>
struct TopicTable {
  std::int64_t words = 0, topics = 0, stride = 0;
  T* b = nullptr;  // [words, stride]
};
template <class T>
constexpr std::int64_t topic_stride(std::int64_t topics) {
  constexpr std::int64_t line = 64 / std::int64_t(sizeof(T));
  return topics / line * line + line;
}
// Fills `table` from l, whose topics are `pitch` numbers apart.
template <class T>
void fill_topics(const T* log_topics, std::int64_t pitch, const TopicTable<T>& table);
// out [topics, words] = the sum of `groups` counts [words, stride], which are `apart` numbers
// apart.
template <class T>
void sum_counts(const T* counts, std::int64_t groups, std::int64_t apart,
                const TopicTable<T>& table, T* out);

// Entries (document, word, count), those of a document one after another. What nobody reads may be
// null.
template <class T>
struct Documents {
  std::int64_t rows = 0;
  const T* word = nullptr;    // [rows]: 0, 1, ..., words - 1
  const T* count = nullptr;   // [rows], not negative
  const T* begins = nullptr;  // [rows]: not 0 where a document begins; row 0 is taken to
  const T* weight = nullptr;  // [rows]: how often a document counts, at its first row
  TopicTable<T> topics;
  const T* alpha = nullptr;  // [topics], above 0
  // A document is settled when gamma moves by less than `tolerance` on average over topics.
  double tolerance = 1e-3;
  std::int64_t iterations = 100;  // most updates of one gamma
  T* bound = nullptr;             // [rows]: of a document on its first row, 0 elsewhere
  T* counts = nullptr;            // [words, stride], each document as often as it counts
  T* gamma = nullptr;             // [documents, topics]
  // Where gamma begins and what it becomes, which may be one: [places, topics], a document having
  // the place `begins` - 1. One that is not above 0 throughout is taken to be 1.
  const T* from = nullptr;
  T* to = nullptr;
  std::int64_t places = 0;
  std::int64_t* updates = nullptr;  // adds those of gamma of all documents
};

// The bound of a document with a word outside 0, ..., words - 1 is NaN, and it counts nothing.
// A word that no topic of a document has within the range of the numbers counts as one that is just
// within it.
template <class T>
void documents(const Documents<T>& d);

// The place of the document that begins at `row`; -1 where it has none.
template <class T>
std::int64_t place_of(const Documents<T>& d, std::int64_t row) {
  const T at = d.begins[row];
  return at >= T(1) && at <= T(d.places) ? std::int64_t(at) - 1 : -1;
}

// One document, rows [first, last), and one table of topics, by instruction set. `room` has
// documents_room(last - first, stride) numbers; gamma is left at its beginning, th behind it. With
// `factors` what th B is multiplied by to be the expected counts of a row. False where a word is
// none.
template <class T>
using DocumentSolve = bool (*)(const Documents<T>& d, std::int64_t first, std::int64_t last,
                               T* room, T* factors);
// Entries of some documents by words: those of word w are [begins[w], begins[w + 1]).
template <class T>
struct WordEntries {
  const std::int32_t *begins = nullptr, *document = nullptr;
  const T *factor = nullptr, *proportions = nullptr;  // [entries]; th [documents, stride]
};
// Expected counts of these, added or, where `fresh`, in the place of what was there.
template <class T>
using CountAdd = void (*)(const WordEntries<T>& entries, const TopicTable<T>& table, T* counts,
                          bool fresh);
template <class T>
using TopicFill = void (*)(const T* log_topics, std::int64_t pitch, const TopicTable<T>& table);
template <class T>
using CountSum = void (*)(const T* counts, std::int64_t groups, std::int64_t apart,
                          const TopicTable<T>& table, T* out);
constexpr std::int64_t documents_room(std::int64_t rows, std::int64_t stride) {
  return (rows + 9) * stride + 4 * (rows + 4);
}

template <class T>
struct DocumentKernels {
  DocumentSolve<T> solve;
  TopicFill<T> fill;
  CountAdd<T> add;
  CountSum<T> sum;
};
struct DocumentsTable {
  DocumentKernels<float> f32;
  DocumentKernels<double> f64;
};
extern const DocumentsTable documents_table_base, documents_table_avx2, documents_table_avx512;

}  // namespace fathom::kernels
