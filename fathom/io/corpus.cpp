#include "fathom/io/corpus.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "fathom/io/bytes.h"

namespace fathom {

namespace {

constexpr std::int64_t kMostWords = std::int64_t(1) << 24;  // whole numbers that f32 tells apart

// CorpusLines of a text, with their numbers from 1.
class CorpusLines {
 public:
  CorpusLines(const std::string& path, std::string_view text) : path_(path), text_(text) {}
  bool next() {
    if (at_ >= text_.size()) return false;
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    line_ = text_.substr(at_, end - at_);
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    at_ = end + 1;
    ++number_;
    rest_ = line_;
    return true;
  }
  // The next line that holds anything and is no comment.
  bool next_filled() {
    while (next()) {
      const std::size_t first = line_.find_first_not_of(" \t");
      if (first != line_.npos && line_[first] != '%') return true;
    }
    return false;
  }
  std::string_view line() const { return line_; }
  std::int64_t number() const { return number_; }

  // The next cell of the line; empty at its end.
  std::string_view cell() {
    const std::size_t first = std::min(rest_.find_first_not_of(" \t"), rest_.size());
    rest_.remove_prefix(first);
    const std::size_t end = std::min(rest_.find_first_of(" \t"), rest_.size());
    const std::string_view c = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return c;
  }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    raise<DataError>("{}: line {}: {}", path_, number_,
                     fmt::format(text, std::forward<Args>(args)...));
  }

  // A whole number, also where it is written as "3.0"; `what` names it.
  std::int64_t whole(std::string_view c, std::string_view what) const {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(c.data(), c.data() + c.size(), n);
    if (error == std::errc() && end == c.data() + c.size()) return n;
    double x = 0;
    const auto [stop, bad] = std::from_chars(c.data(), c.data() + c.size(), x);
    if (c.empty()) fail("{} is missing", what);
    if (bad != std::errc() || stop != c.data() + c.size())
      fail("{} \"{}\" is no number", what, c.substr(0, 40));
    if (x != std::floor(x) || std::abs(x) > 1e15)
      fail("{} {} is no whole number: documents are counts of words", what, c);
    return std::int64_t(x);
  }
  std::int32_t count(std::string_view c) const {
    const std::int64_t n = whole(c, "count");
    if (n < 0) fail("count {} is negative", n);
    if (n > std::numeric_limits<std::int32_t>::max()) fail("count {} is too large", n);
    return std::int32_t(n);
  }
  void end() {
    if (const std::string_view more = cell(); !more.empty())
      fail("\"{}\" is more than was expected", more.substr(0, 40));
  }

 private:
  const std::string& path_;
  std::string_view text_, line_, rest_;
  std::size_t at_ = 0;
  std::int64_t number_ = 0;
};

struct WordCount {
  std::int32_t word, count;
};

// Entries in the order of documents: sorted by word, equal words added up.
void append_document(Corpus& c, std::vector<WordCount>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const WordCount& a, const WordCount& b) { return a.word < b.word; });
  const std::size_t first = c.word.size();
  for (const WordCount& e : entries) {
    if (e.count == 0) continue;
    if (c.word.size() > first && c.word.back() == e.word) {
      const std::int64_t sum = std::int64_t(c.count.back()) + e.count;
      if (sum > std::numeric_limits<std::int32_t>::max())
        raise<DataError>("document {}: word {} is there too often", c.begins.size(), e.word + 1);
      c.count.back() = std::int32_t(sum);
      ++c.added_up;
      continue;
    }
    c.word.push_back(e.word);
    c.count.push_back(e.count);
  }
  c.begins.push_back(std::int64_t(c.word.size()));
}

void check_words(const CorpusLines& lines, std::int64_t words) {
  if (words < 1) lines.fail("{} words: at least 1", words);
  if (words > kMostWords) lines.fail("{} words: at most {}", words, kMostWords);
}

// "document word count" lines from 1, `entries` of them.
Corpus read_triples(CorpusLines& lines, const std::string& path, std::int64_t documents,
                    std::int64_t words, std::int64_t entries) {
  if (documents < 1) lines.fail("{} documents: at least 1", documents);
  check_words(lines, words);
  if (entries < 0) lines.fail("{} entries", entries);
  struct Triple {
    std::int64_t document;
    WordCount entry;
  };
  std::vector<Triple> all;
  std::vector<std::int64_t> held(std::size_t(documents) + 1, 0);
  while (lines.next_filled()) {
    const std::int64_t d = lines.whole(lines.cell(), "document"),
                       w = lines.whole(lines.cell(), "word");
    const std::int32_t n = lines.count(lines.cell());
    lines.end();
    if (d < 1 || d > documents) lines.fail("document {} of {}", d, documents);
    if (w < 1 || w > words) lines.fail("word {} of {}", w, words);
    if (std::int64_t(all.size()) == entries) lines.fail("more entries than the {} named", entries);
    all.push_back({d - 1, {std::int32_t(w - 1), n}});
    ++held[std::size_t(d)];
  }
  if (std::int64_t(all.size()) < entries)
    raise<DataError>("{}: {} entries, {} are named: the file is cut", path, all.size(), entries);
  std::partial_sum(held.begin(), held.end(), held.begin());
  std::vector<WordCount> sorted(all.size());
  std::vector<std::int64_t> next(held.begin(), held.end() - 1);
  for (const Triple& t : all) sorted[std::size_t(next[std::size_t(t.document)]++)] = t.entry;
  Corpus c;
  c.words = words;
  std::vector<WordCount> document;
  for (std::size_t d = 0; d + 1 < held.size(); ++d) {
    document.assign(sorted.begin() + held[d], sorted.begin() + held[d + 1]);
    append_document(c, document);
  }
  return c;
}

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  for (char& ch : out) ch = ch >= 'A' && ch <= 'Z' ? char(ch + 32) : ch;
  return out;
}

Corpus read_matrix_market(CorpusLines& lines, const std::string& path) {
  lines.cell();
  const std::string object = in_lower_case(lines.cell()), format = in_lower_case(lines.cell()),
                    field = in_lower_case(lines.cell()), symmetry = in_lower_case(lines.cell());
  if (object != "matrix" || format != "coordinate")
    lines.fail("a Matrix Market \"{} {}\": documents are a \"matrix coordinate\"", object, format);
  if (field != "integer" && field != "real")
    lines.fail("entries are \"{}\": counts are \"integer\"", field);
  if (symmetry != "general")
    lines.fail("a matrix that is \"{}\": documents and words are \"general\"", symmetry);
  if (!lines.next_filled()) raise<DataError>("{}: ends before its size", path);
  const std::int64_t documents = lines.whole(lines.cell(), "number of documents"),
                     words = lines.whole(lines.cell(), "number of words"),
                     entries = lines.whole(lines.cell(), "number of entries");
  lines.end();
  Corpus c = read_triples(lines, path, documents, words, entries);
  c.kind = "Matrix Market";
  return c;
}

Corpus read_docword(CorpusLines& lines, const std::string& path) {
  std::int64_t size[3];
  for (std::int64_t& n : size) {
    if (&n != size && !lines.next_filled()) raise<DataError>("{}: ends before its size", path);
    n = lines.whole(lines.cell(), "size");
    lines.end();
  }
  Corpus c = read_triples(lines, path, size[0], size[1], size[2]);
  c.kind = "docword";
  return c;
}

Corpus read_pairs(CorpusLines& lines) {
  Corpus c;
  c.kind = "lines of word:count";
  std::vector<WordCount> document;
  do {
    const std::int64_t named = lines.whole(lines.cell(), "number of words");
    document.clear();
    for (std::string_view pair = lines.cell(); !pair.empty(); pair = lines.cell()) {
      const std::size_t colon = pair.find(':');
      if (colon == pair.npos) lines.fail("\"{}\" is no word:count", pair.substr(0, 40));
      const std::int64_t w = lines.whole(pair.substr(0, colon), "word");
      if (w < 0 || w >= kMostWords) lines.fail("word {}: from 0 to {}", w, kMostWords - 1);
      document.push_back({std::int32_t(w), lines.count(pair.substr(colon + 1))});
      c.words = std::max(c.words, w + 1);
    }
    if (std::int64_t(document.size()) != named)
      lines.fail("{} words, where {} are named", document.size(), named);
    append_document(c, document);
  } while (lines.next_filled());
  return c;
}

}  // namespace

std::int64_t Corpus::tokens() const {
  return std::accumulate(count.begin(), count.end(), std::int64_t(0));
}

std::int64_t Corpus::empty_documents() const {
  std::int64_t n = 0;
  for (std::size_t d = 0; d + 1 < begins.size(); ++d) n += begins[d] == begins[d + 1];
  return n;
}

std::int64_t Corpus::first_empty() const {
  for (std::size_t d = 0; d + 1 < begins.size(); ++d)
    if (begins[d] == begins[d + 1]) return std::int64_t(d);
  return -1;
}

Corpus Corpus::reordered(const std::vector<std::int64_t>& order) const {
  Corpus c;
  c.words = words;
  c.kind = kind;
  for (const std::int64_t d : order) {
    for (std::int64_t i = begins[std::size_t(d)]; i < begins[std::size_t(d) + 1]; ++i) {
      c.word.push_back(word[std::size_t(i)]);
      c.count.push_back(count[std::size_t(i)]);
    }
    c.begins.push_back(std::int64_t(c.word.size()));
  }
  return c;
}

Corpus read_corpus(const std::string& path) {
  const Bytes bytes = read_unpacked(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data.get()), bytes.size);
  CorpusLines lines(path, text);
  Corpus c;
  if (text.starts_with("%%MatrixMarket")) {
    lines.next();
    c = read_matrix_market(lines, path);
  } else {
    if (!lines.next_filled()) raise<DataError>("{}: holds no documents", path);
    const bool pairs = lines.line().find(':') != std::string_view::npos;
    CorpusLines first = lines;
    const std::string_view cell = first.cell();
    const bool number = !cell.empty() && cell.find_first_not_of("0123456789") == cell.npos;
    if (!number)
      lines.fail(
          "documents are a Matrix Market file, lines \"M word:count ...\" or a docword file of "
          "counts");
    c = pairs || cell == "0" ? read_pairs(lines) : read_docword(lines, path);
  }
  if (c.entries() == 0) raise<DataError>("{}: no document has a word", path);
  return c;
}

std::vector<std::string> read_vocabulary(const std::string& path) {
  const Bytes bytes = read_unpacked(path);
  CorpusLines lines(path, {reinterpret_cast<const char*>(bytes.data.get()), bytes.size});
  std::vector<std::string> words;
  std::unordered_map<std::string, std::int64_t> seen;
  while (lines.next()) {
    std::string_view w = lines.line();
    while (!w.empty() && (w.back() == ' ' || w.back() == '\t')) w.remove_suffix(1);
    if (w.empty()) lines.fail("no word: a vocabulary has one on each line");
    const auto [before, fresh] = seen.try_emplace(std::string(w), lines.number());
    if (!fresh) lines.fail("\"{}\" is also line {}", w, before->second);
    words.emplace_back(w);
  }
  return words;
}

}  // namespace fathom
