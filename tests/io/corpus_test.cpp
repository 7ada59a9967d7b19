#include "fathom/io/corpus.h"

#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

class CorpusFiles : public ::testing::Test {
 protected:
  Corpus read(const std::string& text) { return read_corpus(put(folder_ / "d", text)); }
  void refuse(const std::string& text, std::initializer_list<const char*> parts) {
    expect_error([&] { read(text); }, parts);
  }
  TempFolder folder_;
};

// Three documents, the second empty: words 0 (2) and 3 (1), none, word 1 (5).
void expect_three(const Corpus& c) {
  EXPECT_EQ(c.begins, (std::vector<std::int64_t>{0, 2, 2, 3}));
  EXPECT_EQ(c.word, (std::vector<std::int32_t>{0, 3, 1}));
  EXPECT_EQ(c.count, (std::vector<std::int32_t>{2, 1, 5}));
  EXPECT_EQ(c.words, 4);
  EXPECT_EQ(c.documents(), 3);
  EXPECT_EQ(c.tokens(), 8);
  EXPECT_EQ(c.empty_documents(), 1);
  EXPECT_EQ(c.first_empty(), 1);
}

TEST_F(CorpusFiles, AllKindsAreTheSameDocuments) {
  const std::string header = "%%MatrixMarket matrix coordinate integer general\n";
  expect_three(read(header + "% a comment\n3 4 3\n1 1 2\n1 4 1\n3 2 5\n"));
  expect_three(read(header + "3 4 3\r\n3 2 5\r\n1 4 1\r\n1 1 2\r\n"));
  expect_three(read("%%MatrixMarket MATRIX Coordinate real General\n3 4 3\n1 1 2.0\n1 4 1\n3 2 5"));
  expect_three(read("2 0:2 3:1\n0\n1 1:5\n"));
  expect_three(read("3\n4\n3\n1 1 2\n1 4 1\n3 2 5\n"));
}

TEST_F(CorpusFiles, EntriesOfOneWordAreAddedUpAndZerosLeftOut) {
  const Corpus c = read(
      "%%MatrixMarket matrix coordinate integer general\n1 3 4\n"
      "1 3 1\n1 1 2\n1 3 4\n1 2 0\n");
  EXPECT_EQ(c.word, (std::vector<std::int32_t>{0, 2}));
  EXPECT_EQ(c.count, (std::vector<std::int32_t>{2, 5}));
  EXPECT_EQ(c.added_up, 1);
}

TEST_F(CorpusFiles, OtherOrder) {
  const Corpus c = read("2 0:2 3:1\n0\n1 1:5\n").reordered({2, 0, 1});
  EXPECT_EQ(c.begins, (std::vector<std::int64_t>{0, 1, 3, 3}));
  EXPECT_EQ(c.word, (std::vector<std::int32_t>{1, 0, 3}));
}

TEST_F(CorpusFiles, MistakesNameTheLine) {
  const std::string head = "%%MatrixMarket matrix coordinate integer general\n2 3 2\n";
  refuse(head + "1 1 2\n2 1 -3\n", {"line 4", "count -3 is negative"});
  refuse(head + "1 1 2\n2 1 1.5\n", {"line 4", "count 1.5 is no whole number"});
  refuse(head + "1 1 2\n2 4 1\n", {"line 4", "word 4 of 3"});
  refuse(head + "1 1 2\n3 1 1\n", {"line 4", "document 3 of 2"});
  refuse(head + "1 1 2\n0 1 1\n", {"line 4", "document 0 of 2"});
  refuse(head + "1 1 2\n", {"1 entries, 2 are named"});
  refuse(head + "1 1 2\n1 2 2\n1 3 2\n", {"line 5", "more entries than the 2 named"});
  refuse(head + "1 1\n2 1 1\n", {"line 3", "count is missing"});
  refuse(head + "1 1 2 7\n2 1 1\n", {"line 3", "\"7\" is more than was expected"});
  refuse(head + "1 x 2\n2 1 1\n", {"line 3", "word \"x\" is no number"});
  refuse("%%MatrixMarket matrix array integer general\n2 3\n", {"line 1", "matrix array"});
  refuse("%%MatrixMarket matrix coordinate pattern general\n2 3 2\n", {"line 1", "pattern"});
  refuse("%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n", {"line 1", "symmetric"});
  refuse("%%MatrixMarket matrix coordinate integer general\n", {"ends before its size"});
  refuse("2 0:2\n", {"line 1", "1 words, where 2 are named"});
  refuse("1 0:2\n1 5\n", {"line 2", "\"5\" is no word:count"});
  refuse("1 -1:2\n", {"line 1", "word -1"});
  refuse("0\n0\n", {"no document has a word"});
  refuse("a,b\n1,2\n", {"line 1", "Matrix Market"});
  refuse("\n\n", {"holds no documents"});
}

TEST_F(CorpusFiles, Vocabulary) {
  const std::string f = folder_ / "v";
  EXPECT_EQ(read_vocabulary(put(f, "one\ntwo words\r\nthree")),
            (std::vector<std::string>{"one", "two words", "three"}));
  expect_error([&] { read_vocabulary(put(f, "one\n\nthree\n")); }, {"line 2", "no word"});
  expect_error([&] { read_vocabulary(put(f, "one\ntwo\none\n")); }, {"line 3", "also line 1"});
}

}  // namespace
}  // namespace fathom::io_test
