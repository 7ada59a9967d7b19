#include "fathom/kernels/documents.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/sequences.h"

namespace fathom::kernels {

namespace {

const DocumentKernels<float>& of_isa(float) { return FATHOM_BY_ISA(documents_table).f32; }
const DocumentKernels<double>& of_isa(double) { return FATHOM_BY_ISA(documents_table).f64; }

// Documents that were solved and whose counts are still to be added, all of a word at once: the
// rows of a table of counts, which no cache holds, are then read and written once and in order.
template <class T>
class Waiting {
 public:
  void start(std::int64_t stride) {
    // As many as have proportions in a part of the second-level cache.
    most_ = std::max<std::int64_t>(1, (1 << 18) / (stride * std::int64_t(sizeof(T))));
    stride_ = stride;
    documents_ = 0;
    proportions_ = line_of_cache(room_, std::size_t(most_ * stride));
    rows_.clear();
    factors_.clear();
  }
  bool full() const { return documents_ == most_; }
  // Of rows [first, last), to be written.
  T* factors(std::int64_t first, std::int64_t last) {
    rows_.emplace_back(first, last);
    factors_.resize(factors_.size() + std::size_t(last - first));
    return factors_.data() + factors_.size() - (last - first);
  }
  void keep(const T* th) { std::copy_n(th, stride_, proportions_ + documents_++ * stride_); }
  void drop() {
    factors_.resize(factors_.size() - std::size_t(rows_.back().second - rows_.back().first));
    rows_.pop_back();
  }
  void add(const Documents<T>& d, bool fresh) {
    const std::size_t n = factors_.size();
    begins_.assign(std::size_t(d.topics.words) + 1, 0);
    document_.resize(n);
    factor_.resize(n);
    for (const auto& [first, last] : rows_)
      for (std::int64_t r = first; r < last; ++r) ++begins_[std::size_t(d.word[r]) + 1];
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    at_.assign(begins_.begin(), begins_.end());
    std::size_t i = 0;
    for (std::size_t k = 0; k < rows_.size(); ++k)
      for (std::int64_t r = rows_[k].first; r < rows_[k].second; ++r, ++i) {
        const auto to = std::size_t(at_[std::size_t(d.word[r])]++);
        document_[to] = std::int32_t(k);
        factor_[to] = factors_[i];
      }
    of_isa(T()).add({begins_.data(), document_.data(), factor_.data(), proportions_}, d.topics,
                    d.counts, fresh);
    documents_ = 0;
    rows_.clear();
    factors_.clear();
  }

 private:
  std::int64_t stride_ = 0, most_ = 0, documents_ = 0;
  T* proportions_ = nullptr;  // in room_
  std::vector<T> room_, factors_, factor_;
  std::vector<std::pair<std::int64_t, std::int64_t>> rows_;
  std::vector<std::int32_t> begins_, at_, document_;
};

}  // namespace

template <class T>
void fill_topics(const T* log_topics, std::int64_t pitch, const TopicTable<T>& table) {
  of_isa(T()).fill(log_topics, pitch, table);
}

template <class T>
void sum_counts(const T* counts, std::int64_t groups, std::int64_t apart, const TopicTable<T>& t,
                T* out) {
  of_isa(T()).sum(counts, groups, apart, t, out);
}

template <class T>
void documents(const Documents<T>& d) {
  thread_local std::vector<T> room;
  thread_local Waiting<T> waiting;
  const std::int64_t stride = d.topics.stride;
  waiting.start(stride);
  T* gamma = d.gamma;
  bool fresh = true;
  each_sequence(d.begins, d.rows, [&](std::int64_t first, std::int64_t last) {
    T* const at = line_of_cache(room, std::size_t(documents_room(last - first, stride)));
    T* const factors = d.counts ? waiting.factors(first, last) : nullptr;
    const bool solved = of_isa(T()).solve(d, first, last, at, factors);
    if (factors && solved) waiting.keep(at + stride);
    if (factors && !solved) waiting.drop();
    if (d.counts && waiting.full()) {
      waiting.add(d, fresh);
      fresh = false;
    }
    if (const std::int64_t place = place_of(d, first); solved && d.to && place >= 0)
      std::copy_n(at, d.topics.topics, d.to + place * d.topics.topics);
    if (gamma) {
      std::copy_n(at, d.topics.topics, gamma);
      gamma += d.topics.topics;
    }
  });
  if (d.counts) waiting.add(d, fresh);
}

template void fill_topics(const float*, std::int64_t, const TopicTable<float>&);
template void fill_topics(const double*, std::int64_t, const TopicTable<double>&);
template void sum_counts(const float*, std::int64_t, std::int64_t, const TopicTable<float>&,
                         float*);
template void sum_counts(const double*, std::int64_t, std::int64_t, const TopicTable<double>&,
                         double*);
template void documents(const Documents<float>&);
template void documents(const Documents<double>&);

}  // namespace fathom::kernels
