#include "fathom/ops/documents.h"

#include <algorithm>
#include <vector>

#include "fathom/kernels/documents.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

void DocumentNorm::shape(ShapeCall& c) {
  const Shape &word = c.in[0].shape, &topics = c.in[4].shape, &alpha = c.in[5].shape;
  bool fits = word.rank() == 1 && topics.rank() == 2 && topics.labelled() == 0 &&
              alpha.rank() == 1 && alpha.extent(0) == topics.extent(0);
  for (const std::size_t k : {1u, 2u, 3u})
    fits = fits && c.in[k].shape.rank() == 1 && c.in[k].shape[0] == word[0];
  for (const std::size_t k : {6u, 7u}) fits = fits && c.in[k].shape.rank() == 0;
  for (const TypeOf& t : c.in) fits = fits && t.dtype == c.in[0].dtype && is_real(t.dtype);
  if (!fits)
    raise<ShapeError>(
        "[document_norm] wants words, counts, begins and weights [row], topics [topic, word], "
        "concentrations [topic] and two numbers, of one real type; got {}, {}, {}, {}, {}, {}",
        word.text(), c.in[1].shape.text(), c.in[2].shape.text(), c.in[3].shape.text(),
        topics.text(), alpha.text());
  const DType t = c.in[0].dtype;
  c.out[0] = {word, t};
  c.out[1] = {topics.with_front({topics.size() < kLarge ? kGroups : kGroupsOfLarge, kNoLabel}), t};
}

namespace {

template <class T>
void run_documents(const KernelCall& call) {
  const auto in = [&](std::size_t k) { return call.in[k].data<T>(); };
  const auto out = [&](std::size_t k) -> T* {
    return call.out[k].raw ? call.out[k].data<T>() : nullptr;
  };
  const std::int64_t topics = call.in[4].extent[0], words = call.in[4].extent[1],
                     stride = kernels::topic_stride<T>(topics);
  T* const counts = out(1);
  const std::int64_t groups = counts ? call.out[1].extent[0] : 0;
  if (call.in[0].extent[0] == 0) {
    if (counts) std::fill_n(counts, groups * topics * words, T(0));
    return;
  }
  // The table of topics is made anew by each group of documents, and its counts beside it.
  thread_local std::vector<T> room;
  const auto size = std::size_t(words * stride);
  room.resize(2 * size + std::size_t(words));
  kernels::Documents<T> d;
  d.topics = {words, topics, stride, room.data(), room.data() + 2 * size};
  kernels::fill_topics(in(4), d.topics);
  d.rows = call.in[0].extent[0];
  d.word = in(0);
  d.count = in(1);
  d.begins = in(2);
  d.weight = in(3);
  d.alpha = in(5);
  d.tolerance = double(*in(6));
  d.iterations = std::int64_t(*in(7));
  d.bound = out(0);
  if (counts) {
    d.counts = room.data() + size;
    std::fill_n(d.counts, size, T(0));
  }
  kernels::documents(d);
  if (!counts) return;
  kernels::spread_counts(d.counts, d.topics, counts);
  std::fill_n(counts + topics * words, (groups - 1) * topics * words, T(0));
}

}  // namespace

void DocumentNorm::forward(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return run_documents<float>(c);
  run_documents<double>(c);
}

DocumentParts document_parts(std::span<const Value> inputs) {
  Graph& g = inputs[0].graph();
  const Value y = apply<DocumentNorm>(
      {inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5], inputs[6], inputs[7]});
  return {g.output(y.id(), 0), sum(g.output(y.id(), 1), 0, 1)};
}

}  // namespace fathom
