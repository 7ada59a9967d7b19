// The words of documents under topics, the proportions of each document's topics integrated out by
// an inner loop (kernels/documents.h): latent Dirichlet allocation.
#pragma once

#include "fathom/ops/reduce.h"

namespace fathom {

// What documents read of topics, made once for all of them (kernels::TopicTable): from E log of
// topics [topic, word] the table [word, stride]. Nothing is learned through it.
struct TopicTable {
  static constexpr OpDoc doc{.name = "topic_table",
                             .brief = "topics of a word side by side, relative to its likeliest",
                             .ulp = 4};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1, across = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall&) { return 0; }
};

// Counts [groups, word, stride] in the layout of that table, added up: [topic, word], which the
// second input is one of.
struct TopicCounts {
  static constexpr OpDoc doc{.name = "topic_counts",
                             .brief = "counts of words under topics, summed over groups",
                             .ulp = 4};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 2, across = 2;
  static constexpr bool in_place = true;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall&) { return 2; }
};

// Inputs: words, their counts, where documents begin and how often each counts, [row] all; E log of
// topics [topic, word] and the table of these; the concentration of proportions [topic]; tolerance
// and most updates of the inner loop, numbers. Outputs: the bound of each document on its first row
// [row]; expected counts of words under topics, of groups of documents [groups, word, stride].
struct DocumentNorm {
  // Few where an entry is large: each is cleared and added up in every pass.
  static constexpr std::int64_t kGroups = 8, kGroupsOfLarge = 2, kLarge = 1 << 16;
  static constexpr OpDoc doc{.name = "document_norm",
                             .brief = "bound of documents whose topic proportions are optimal",
                             .domain = "counts not below 0, concentrations above 0",
                             .grad =
                                 "expected counts of documents that count dy, as proportions "
                                 "are optimal (envelope theorem)",
                             .ulp = 64};
  static constexpr OpKind kind = OpKind::sequences;
  static constexpr int arity = 9, outputs = 2, marks = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall&) { return 1 | 2 | 4 | 8; }
  // With respect to the topics alone, whose adjoint must be the same along a document.
  static Grads vjp(const auto& c);
};

// The same from kept proportions: the last input is gamma [document, topic], where a document of
// the place p begins with p + 1 in `begins`, and the last output what it becomes. A row of it that
// is not above 0 throughout begins as without.
struct WarmDocumentNorm {
  static constexpr OpDoc doc{.name = "warm_document_norm",
                             .brief = "bound of documents whose proportions begin at given ones",
                             .domain = DocumentNorm::doc.domain,
                             .grad = DocumentNorm::doc.grad,
                             .ulp = 64};
  static constexpr OpKind kind = OpKind::sequences;
  static constexpr int arity = 10, outputs = 3, marks = 2;
  static constexpr OpInfo::Replaced replaced{.input = 9, .output = 2};
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return DocumentNorm::aligned(c); }
  static Grads vjp(const auto& c);
};

// How far proportions of a document are iterated: until they change by less than `tolerance`, words
// of a topic on average, and at most so many times.
struct DocumentLoop {
  double tolerance = 1e-3;
  std::int64_t iterations = 100;
};

struct DocumentParts {
  Value bound, counts;  // [row]; [topic, word]
  Value proportions;    // of WarmDocumentNorm
};
// Inputs are those of DocumentNorm or, with one more, of WarmDocumentNorm, without the table.
DocumentParts document_parts(std::span<const Value> inputs);

// That of documents which count `dy`, its inputs being `x`.
Grads document_grads(std::span<const Value> x, std::span<const Value> dys);

Grads DocumentNorm::vjp(const auto& c) { return document_grads(c.x, c.dys); }
Grads WarmDocumentNorm::vjp(const auto& c) { return document_grads(c.x, c.dys); }

}  // namespace fathom
