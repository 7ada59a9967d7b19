// Words of documents, rows of which are one document: each mixes topics by proportions of its own,
// with a Dirichlet prior, which are at their optimum given the topics. The density of a document
// stands on its first row: latent Dirichlet allocation.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Documents {
  static constexpr FamilyDoc doc{.name = "documents",
                                 .brief = "words of documents that mix topics",
                                 .support = Support::count,
                                 .source = "Blei, Ng & Jordan 2003, section 3",
                                 .sequences = true};
  static constexpr ParameterDoc parameters[] = {
      {"topics", Support::simplex, "probabilities of words, a row for each topic",
       ParameterDoc::Needs::log},
      {"concentration", Support::positive, "of the proportions of topics"},
      {"begins", Support::bit, "1 on the first row of a document, else 0"},
      {"count", Support::count, "how often the word is there"},
      {"tolerance", Support::positive, "change of the proportions' counts at which they are kept"},
      {"iterations", Support::count, "most updates of a document's proportions"}};

  static DocumentParts parts(const Face& x, std::span<const Face> p, Value kept) {
    const Value word = x.mean, logs = rows_meet(p)[0];
    const auto rows = [&](Value v) { return broadcast_to(v, word.shape()); };
    const Value alpha = broadcast_to(p[1].mean, Shape{logs.shape().extent(0)});
    // As the adjoint of a sum has it, so that bound and gradient are one node.
    const Value once = repeat_axes(like(word, 1.0), word.shape(), {0, 1});
    std::vector<Value> in = {word, rows(p[3].mean), rows(p[2].mean), once,
                             logs, alpha,           p[4].mean,       p[5].mean};
    if (kept) in.push_back(kept);
    return document_parts(in);
  }
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    return parts(x, p, {}).bound;
  }
  // Proportions are kept as gamma.
  static FamilyInfo::Warm warm_log_prob(const Face& x, std::span<const Face> p, Value kept) {
    const DocumentParts all = parts(x, p, kept);
    return {all.bound, all.proportions};
  }
  static std::int64_t warm_size(std::span<const Face> p) {
    return rows_meet(p)[0].shape().extent(0);
  }
  static constexpr int warm_marks = 2;
  static Values rows_meet(std::span<const Face> p) { return {p[0].expected_log()}; }
  // A word: the mean of its number says nothing.
  static Face face(std::span<const Face> p) { return p[3]; }
};

}  // namespace fathom
