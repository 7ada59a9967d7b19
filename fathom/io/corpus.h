// Documents as counts of words, from files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/base/error.h"

namespace fathom {

// Document d holds entries [begins[d], begins[d + 1]), its words in rising order, each once.
struct Corpus {
  std::int64_t words = 0;  // of the vocabulary
  std::vector<std::int64_t> begins = {0};
  std::vector<std::int32_t> word;   // from 0
  std::vector<std::int32_t> count;  // above 0
  std::string kind;                 // "Matrix Market", "lines of word:count", "docword"
  std::int64_t added_up = 0;        // entries that named a word of their document again

  std::int64_t documents() const { return std::int64_t(begins.size()) - 1; }
  std::int64_t entries() const { return std::int64_t(word.size()); }
  std::int64_t tokens() const;
  std::int64_t empty_documents() const;
  std::int64_t first_empty() const;  // from 0; -1: none
  // Where each document's entries are moved to the place that `order` gives it.
  Corpus reordered(const std::vector<std::int64_t>& order) const;
};

// Any of these, gzipped or not; the content decides:
//   Matrix Market  %%MatrixMarket matrix coordinate integer general: rows are documents, columns
//                  words, in any order
//   lines          "M w:c w:c ...", one for each document, words from 0 (lda-c)
//   docword        D, W and NNZ on a line each, then "document word count", from 1 (UCI)
// Entries of one word of one document are added up; counts of 0 are left out. Throws DataError with
// file and line: counts that are negative or no whole numbers, words or documents beyond the
// header, more or fewer entries than it says, none at all.
Corpus read_corpus(const std::string& path);

// One word a line. Throws DataError with file and line for an empty line or a word that was there.
std::vector<std::string> read_vocabulary(const std::string& path);

}  // namespace fathom
