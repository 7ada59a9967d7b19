#include "fathom/kernels/documents.h"

#include <algorithm>
#include <vector>

#include "fathom/kernels/isa.h"

namespace fathom::kernels {

namespace {

const DocumentsTable& documents_table() {
  switch (isa()) {
    case Isa::avx512: return documents_table_avx512;
    case Isa::avx2: return documents_table_avx2;
    case Isa::base: break;
  }
  return documents_table_base;
}

DocumentSolve<float> solve_of(float) { return documents_table().f32; }
DocumentSolve<double> solve_of(double) { return documents_table().f64; }
TopicFill<float> fill_of(float) { return documents_table().fill_f32; }
TopicFill<double> fill_of(double) { return documents_table().fill_f64; }
std::int64_t documents_pack(float) { return documents_table().pack_f32; }
std::int64_t documents_pack(double) { return documents_table().pack_f64; }

}  // namespace

template <class T>
std::int64_t topic_stride(std::int64_t topics) {
  const std::int64_t pack = documents_pack(T());
  return (topics + pack - 1) / pack * pack;
}

template <class T>
void fill_topics(const T* log_topics, const TopicTable<T>& table) {
  fill_of(T())(log_topics, table);
}

template <class T>
void spread_counts(const T* counts, const TopicTable<T>& t, T* out) {
  constexpr std::int64_t high = 64 / std::int64_t(sizeof(T)), wide = 64;
  for (std::int64_t w0 = 0; w0 < t.words; w0 += wide) {
    const std::int64_t size = std::min(wide, t.words - w0);
    const T* from = counts + w0 * t.stride;
    T* to = out + w0;
    std::int64_t k0 = 0;
    for (; k0 + high <= t.topics; k0 += high)
      for (std::int64_t j = 0; j < size; ++j) {
#pragma GCC unroll 16
        for (std::int64_t k = 0; k < high; ++k)
          to[(k0 + k) * t.words + j] = from[j * t.stride + k0 + k];
      }
    for (; k0 < t.topics; ++k0)
      for (std::int64_t j = 0; j < size; ++j) to[k0 * t.words + j] = from[j * t.stride + k0];
  }
}

template <class T>
void documents(const Documents<T>& d) {
  thread_local std::vector<T> room;
  const DocumentSolve<T> solve = solve_of(T());
  T* gamma = d.gamma;
  for (std::int64_t first = 0; first < d.rows;) {
    std::int64_t last = first + 1;
    while (last < d.rows && d.begins[last] == T(0)) ++last;
    const auto wanted = std::size_t(documents_room(last - first, d.topics.stride));
    if (room.size() < wanted) room.resize(wanted + wanted / 2);
    solve(d, first, last, room.data());
    if (gamma) {
      std::copy_n(room.data(), d.topics.topics, gamma);
      gamma += d.topics.topics;
    }
    first = last;
  }
}

template std::int64_t topic_stride<float>(std::int64_t);
template std::int64_t topic_stride<double>(std::int64_t);
template void fill_topics(const float*, const TopicTable<float>&);
template void fill_topics(const double*, const TopicTable<double>&);
template void spread_counts(const float*, const TopicTable<float>&, float*);
template void spread_counts(const double*, const TopicTable<double>&, double*);
template void documents(const Documents<float>&);
template void documents(const Documents<double>&);

}  // namespace fathom::kernels
