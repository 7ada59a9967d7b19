#include "fathom/ops/documents.h"

#include <algorithm>

#include "fathom/kernels/documents.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

std::int64_t stride_of(std::int64_t topics, DType t) {
  return t == DType::f32 ? kernels::topic_stride<float>(topics)
                         : kernels::topic_stride<double>(topics);
}

template <class T>
void run_topic_table(const KernelCall& c) {
  const View &logs = c.in[0], &table = c.out[0];
  kernels::fill_topics(logs.data<T>(), logs.stride[0],
                       {table.extent[0], logs.extent[0], table.extent[1], table.data<T>()});
}

template <class T>
void run_topic_counts(const KernelCall& c) {
  const View &counts = c.in[0], &out = c.out[0];
  kernels::sum_counts<T>(counts.data<T>(), counts.extent[0], counts.stride[0],
                         {out.extent[1], out.extent[0], counts.stride[1], nullptr}, out.data<T>());
}

}  // namespace

void TopicTable::shape(ShapeCall& c) {
  const Shape& s = c.in[0].shape;
  if (s.rank() != 2 || s.labelled() != 0 || !is_real(c.in[0].dtype))
    raise<ShapeError>("[topic_table] wants real topics [topic, word], got {}", s.text());
  c.out[0] = {Shape{s.extent(1), stride_of(s.extent(0), c.in[0].dtype)}, c.in[0].dtype};
}

void TopicTable::forward(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return run_topic_table<float>(c);
  run_topic_table<double>(c);
}

void TopicCounts::shape(ShapeCall& c) {
  const Shape &counts = c.in[0].shape, &topics = c.in[1].shape;
  if (counts.rank() != 3 || topics.rank() != 2 || topics.extent(1) != counts.extent(1) ||
      counts.extent(2) != stride_of(topics.extent(0), c.in[0].dtype))
    raise<ShapeError>(
        "[topic_counts] wants counts [groups, word, stride] and topics, got {} and {}",
        counts.text(), topics.text());
  c.out[0] = {topics, c.in[0].dtype};
}

void TopicCounts::forward(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return run_topic_counts<float>(c);
  run_topic_counts<double>(c);
}

void DocumentNorm::shape(ShapeCall& c) {
  const Shape &word = c.in[0].shape, &topics = c.in[4].shape, &table = c.in[5].shape,
              &alpha = c.in[6].shape;
  bool fits = word.rank() == 1 && topics.rank() == 2 && topics.labelled() == 0 &&
              alpha.rank() == 1 && alpha.extent(0) == topics.extent(0) && table.rank() == 2 &&
              table.extent(0) == topics.extent(1) &&
              table.extent(1) == stride_of(topics.extent(0), c.in[0].dtype);
  for (const std::size_t k : {1u, 2u, 3u})
    fits = fits && c.in[k].shape.rank() == 1 && c.in[k].shape[0] == word[0];
  for (const std::size_t k : {7u, 8u}) fits = fits && c.in[k].shape.rank() == 0;
  for (const TypeOf& t : c.in) fits = fits && t.dtype == c.in[0].dtype && is_real(t.dtype);
  if (!fits)
    raise<ShapeError>(
        "[document_norm] wants words, counts, begins and weights [row], topics [topic, word], "
        "concentrations [topic] and two numbers, of one real type; got {}, {}, {}, {}, {}, {}",
        word.text(), c.in[1].shape.text(), c.in[2].shape.text(), c.in[3].shape.text(),
        topics.text(), alpha.text());
  const DType t = c.in[0].dtype;
  c.out[0] = {word, t};
  c.out[1] = {table.with_front({topics.size() < kLarge ? kGroups : kGroupsOfLarge, kNoLabel}), t};
}

void WarmDocumentNorm::shape(ShapeCall& c) {
  ShapeCall plain{c.in.first(DocumentNorm::arity), c.out.first(DocumentNorm::outputs), c.attrs};
  DocumentNorm::shape(plain);
  const TypeOf& kept = c.in[9];
  if (kept.shape.rank() != 2 || kept.shape.labelled() != 0 || kept.dtype != c.in[0].dtype ||
      kept.shape.extent(1) != c.in[4].shape.extent(0))
    raise<ShapeError>(
        "[warm_document_norm] wants proportions [document, topic] of the words' type, got {} {}",
        name_of(kept.dtype), kept.shape.text());
  c.out[2] = kept;
}

namespace {

template <class T>
void run_documents(const KernelCall& call) {
  const auto in = [&](std::size_t k) { return call.in[k].data<T>(); };
  const auto out = [&](std::size_t k) -> T* {
    return call.out[k].raw ? call.out[k].data<T>() : nullptr;
  };
  kernels::Documents<T> d;
  d.topics = {call.in[5].extent[0], call.in[4].extent[0], call.in[5].extent[1], in(5)};
  d.rows = call.in[0].extent[0];
  d.word = in(0);
  d.count = in(1);
  d.begins = in(2);
  d.weight = in(3);
  d.alpha = in(6);
  d.tolerance = double(*in(7));
  d.iterations = std::int64_t(*in(8));
  d.bound = out(0);
  d.counts = out(1);
  if (call.in.size() > 9) {
    d.places = call.in[9].extent[0];
    d.from = in(9);
    d.to = out(2);
  }
  kernels::documents(d);
  if (const std::int64_t size = d.topics.words * d.topics.stride; d.counts)
    std::fill_n(d.counts + size, (call.out[1].extent[0] - 1) * size, T(0));
}

}  // namespace

void DocumentNorm::forward(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return run_documents<float>(c);
  run_documents<double>(c);
}

void WarmDocumentNorm::forward(const KernelCall& c) { DocumentNorm::forward(c); }

DocumentParts document_parts(std::span<const Value> inputs) {
  Graph& g = inputs[0].graph();
  const Value topics = inputs[4];
  std::vector<Value> all(inputs.begin(), inputs.end());
  all.insert(all.begin() + 5, apply<TopicTable>({topics}));
  const bool warm = all.size() == WarmDocumentNorm::arity;
  const Value y =
      g.apply(warm ? op_id<WarmDocumentNorm>() : op_id<DocumentNorm>(), all, {}, nullptr);
  return {g.output(y.id(), 0), apply<TopicCounts>({g.output(y.id(), 1), topics}),
          warm ? g.output(y.id(), 2) : Value()};
}

Grads document_grads(std::span<const Value> x, std::span<const Value> dys) {
  for (std::size_t k = 1; k < dys.size(); ++k)
    if (dys[k])
      raise<ShapeError>("[document_norm] only its bound is differentiated, and only once");
  std::vector<Value> inputs(x.begin(), x.end());
  inputs.erase(inputs.begin() + 5);
  inputs[3] = dys[0];
  Grads out(x.size());
  out[4] = document_parts(inputs).counts;
  return out;
}

}  // namespace fathom
