#include "fathom/io/csv.h"

#include <cmath>

#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

using Strings = std::vector<std::string>;
using Numbers = std::vector<double>;

Table parse(const std::string& text, const CsvOptions& o = {}, Workers* w = nullptr) {
  return parse_csv(bytes_of(text), "t.csv", o, w);
}

TEST(Csv, ReadsNumbersUnderNames) {
  const Table t = parse("a,b\n1,2.5\n-3,4e2\n");
  EXPECT_EQ(t.names, (Strings{"a", "b"}));
  EXPECT_EQ(t.values.shape(), (Shape{2, 2}));
  EXPECT_EQ(list<double>(t.values), (Numbers{1, 2.5, -3, 400}));
  EXPECT_EQ(t.missing, 0);
}

// One table in many spellings.
TEST(Csv, SpellingsOfOneTable) {
  const Numbers wanted{1, 2, 3, 4};
  for (const char* text :
       {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r",
        "\xef\xbb\xbf"
        "a,b\n1,2\n3,4\n",
        "a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "a|b\n1|2\n3|4\n", "a b\n1 2\n3 4\n",
        "  a   b\n  1   2 \n 3 4\n", "\n\na,b\n\n1,2\n  \n\n3,4\n\n",
        "\"a\",\"b\"\n\"1\",\"2\"\n3,4\n", "a, b\n 1 , 2\n+3,4.0\n",
        "a, \"b\" \n 1 , \"2\" \n3,4\n"}) {
    const Table t = parse(text);
    EXPECT_EQ(t.names, (Strings{"a", "b"})) << text;
    EXPECT_EQ(list<double>(t.values), wanted) << text;
  }
}

TEST(Csv, FindsOutAboutTheHeader) {
  EXPECT_EQ(parse("1,2\n3,4\n").rows(), 2);
  EXPECT_EQ(parse("1,2\n3,4\n").names, (Strings{"x0", "x1"}));
  EXPECT_EQ(parse(",b\n1,2\n").names, (Strings{"x0", "b"}));
  CsvOptions o;
  o.text_columns = {"0"};
  EXPECT_EQ(parse("ann,2\nbob,4\n", o).rows(), 2);  // text where text is: no header
  EXPECT_EQ(parse("id,2019\nbob,4\n", {.header = CsvOptions::yes, .text_columns = {"id"}}).names,
            Strings{"2019"});
  EXPECT_EQ(parse("1,2\n3,4\n", {.header = CsvOptions::yes}).rows(), 1);
  expect_error([&] { parse("a,b\n1,2\n", {.header = CsvOptions::no}); }, {"line 1", "\"a\""});
}

TEST(Csv, KeepsTextWithQuotesAndLineEnds) {
  CsvOptions o;
  o.text_columns = {"name"};
  const Table t =
      parse("name,v\n\"a, b\",1\n\"say \"\"hi\"\"\",2\n\"two\nlines\",3\nplain,4\n,5\n", o);
  EXPECT_EQ(t.text_names, Strings{"name"});
  EXPECT_EQ(t.text[0], (Strings{"a, b", "say \"hi\"", "two\nlines", "plain", ""}));
  EXPECT_EQ(list<double>(t.values), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(t.missing, 0);
}

TEST(Csv, ChoosesColumns) {
  const std::string text = "a,b,c,d\n0,1,2,3\n10,11,12,13\n";
  EXPECT_EQ(list<double>(parse(text, {.columns = {"c", "a"}}).values), (Numbers{2, 0, 12, 10}));
  EXPECT_EQ(parse(text, {.columns = {"1:3"}}).names, (Strings{"b", "c"}));
  EXPECT_EQ(parse(text, {.columns = {"3", "0"}}).names, (Strings{"d", "a"}));
  EXPECT_EQ(parse(text, {.drop = {"a", "2:4"}}).names, Strings{"b"});
  EXPECT_EQ(parse(text, {.text_columns = {"d"}}).names, (Strings{"a", "b", "c"}));
  expect_error([&] { parse(text, {.columns = {"e"}}); },
               {"t.csv", "no column \"e\"", "a, b, c, d"});
  expect_error([&] { parse(text, {.columns = {"2:9"}}); }, {"no column \"2:9\""});
  expect_error([&] { parse(text, {.columns = {"-1"}}); }, {"no column \"-1\""});
  expect_error([&] { parse(text, {.text_columns = {"a", "a"}}); }, {"named twice"});
}

TEST(Csv, CountsMissingCells) {
  const Table t = parse("a,b\n1,2\n,3\nNA,?\n4,nan\n5,null\n");
  EXPECT_EQ(t.missing, 5);
  EXPECT_EQ(t.first_missing, "line 3, column a");
  const auto v = t.values.values<double>();
  EXPECT_TRUE(std::isnan(v[2]) && std::isnan(v[4]) && std::isnan(v[5]) && std::isnan(v[7]));
  EXPECT_EQ(v[8], 5);
  const Table own = parse("a,b\n1,-999\n-999,3\n", {.missing = {"-999"}});
  EXPECT_EQ(own.missing, 2);
  EXPECT_EQ(own.first_missing, "line 2, column b");
  expect_error([&] { parse("a,b\n1,\n", {.missing = {"-999"}}); },
               {"line 2", "column \"b\"", "\"\""});
}

TEST(Csv, ErrorsNameLineAndColumn) {
  expect_error([] { parse("a,b\n1,2\n3\n"); }, {"t.csv line 3: 1 field, 2 expected"});
  expect_error([] { parse("a,b\n1,2\n\n3,4,5\n"); }, {"t.csv line 4: 3 fields, 2 expected"});
  expect_error([] { parse("a,b\n1,2\n3,four\n"); },
               {"line 3", "column \"b\"", "\"four\"", "not a number", "drop"});
  expect_error([] { parse("a,b\n1,inf\n"); }, {"1 infinite value, ", "line 2, column b", "NA"});
  expect_error([] { parse("a,b\nNA,2\n1,-Infinity\ninf,4\n"); },
               {"2 infinite values", "line 3, column b"});
  expect_error([] { parse("a,b\n1,1e999\n"); }, {"line 2", "too large"});
  expect_error([] { parse("a,b\n1,\"2\n3,4\n"); }, {"line 2", "not closed"});
  expect_error([] { parse("a,b\n1,\"2\"x\n"); }, {"line 2", "closing quote"});
  expect_error([] { parse("a,b\n1,5\"\n"); }, {"line 2", "quote"});
  expect_error([] { parse("a,b\n\"1\n\n\",2\n"); }, {"line 2", "column \"a\""});
  expect_error([] { parse("\"a\n\nz\",b\n1,2\n3,x\n"); },
               {"line 5", "column \"b\""});  // lines of the file
  expect_error([] { parse("a,b\n1,2\r3,4\n"); }, {"line 2"});
  expect_error([] { parse("a,b\r1,2\r3,4\r"); }, {"CR alone"});
  for (const char* bad :
       {"1 2", "0x10", "1,5", "1e", "--1", "+-1", "1.2.3", "e5", ".", "-", "nan(1)", "1_0"})
    expect_error([&] { parse(std::string("a;b\n1;") + bad + "\n"); },
                 {"line 2", "column \"b\"", "not a number"});
}

TEST(Csv, RefusesWhatIsNoTable) {
  expect_error([] { parse("\n\n"); }, {"t.csv", "no rows"});
  expect_error([] { parse("a,b\n"); }, {"t.csv", "no rows"});
  expect_error([] { parse(std::string("a\0b\n", 4)); }, {"zero bytes"});
  expect_error([] { read_csv("/nowhere/t.csv"); }, {"/nowhere/t.csv", "no such file"});
  expect_error([] { parse("a\n1\n", {.dtype = DType::u8}); }, {"f32 or f64"});
}

// Big enough for many blocks; quoted fields hold delimiters and line ends, blank lines lie about.
std::string large_table(bool quotes) {
  std::string s = "id,x,y\n";
  for (int i = 0; i < 150000; ++i) {
    const std::string id = quotes && i % 7 == 0 ? "\"n" + std::to_string(i) + ",\n\"\"q\"\"\""
                                                : "n" + std::to_string(i);
    s += id + "," + std::to_string(i) + "." + std::to_string(i % 1000) + "," + std::to_string(-i) +
         "e-3\n";
    if (i % 1001 == 0) s += "\n";
  }
  return s;
}

TEST(Csv, AnyNumberOfThreadsGivesTheSameTable) {
  for (const bool quotes : {false, true}) {
    const Bytes text = bytes_of(large_table(quotes));
    CsvOptions o;
    o.text_columns = {"id"};
    const Table alone = parse_csv(text, "t.csv", o);
    ASSERT_EQ(alone.rows(), 150000);
    EXPECT_EQ(alone.values.values<double>()[2 * 70000], 70000.0);
    EXPECT_EQ(alone.values.values<double>()[2 * 149999 + 1], -149.999);
    EXPECT_EQ(alone.text[0][14], quotes ? "n14,\n\"q\"" : "n14");
    for (const int threads : {1, 2, 3}) {
      Workers workers(threads);
      const Table t = parse_csv(text, "t.csv", o, &workers);
      EXPECT_EQ(t.text, alone.text);
      ASSERT_EQ(t.values.shape(), alone.values.shape());
      EXPECT_EQ(std::memcmp(t.values.raw(), alone.values.raw(), t.values.bytes()), 0);
    }
  }
}

TEST(Csv, TheFirstErrorOfManyBlocksIsReported) {
  std::string s = large_table(true);
  const auto line_of = [&](std::size_t at) {
    return 1 + std::count(s.begin(), s.begin() + std::ptrdiff_t(at), '\n');
  };
  const std::size_t late = s.find("\nn140001,") + 1, early = s.find("\nn90000,") + 1;
  s.insert(late, "\"");  // shifts all quotes behind it
  s.insert(early, "bad,");
  Workers workers(2);
  CsvOptions o;
  o.text_columns = {"id"};
  const std::string where = fmt::format("line {}: 4 fields", line_of(early));
  expect_error([&] { parse(s, o, &workers); }, {where.c_str()});
  expect_error([&] { parse(s, o); }, {where.c_str()});
}

TEST(Csv, AFieldLongerThanABlock) {
  std::string s = "t,x\n\"" + std::string(3 << 20, '\n') + "\",1\nb,2\n\"c\",3\n";
  const Table t = parse(s, {.text_columns = {"t"}});
  EXPECT_EQ(list<double>(t.values), (Numbers{1, 2, 3}));
  EXPECT_EQ(t.text[0][0].size(), std::size_t(3 << 20));
}

TEST(Csv, WhatIsWrittenReadsBack) {
  TempFolder f;
  const Numbers v{1, -2.5, 0.1, 1e300, 5e-324, 123456789.123456789, -0.0, 3};
  const Array a = Array::of<double>({2, 4}, v);
  const Strings names{"plain", "with, comma", "with \"quote\"", "with blank"};
  write_csv(f / "t.csv", names, a);
  const Table t = read_csv(f / "t.csv");
  EXPECT_EQ(t.names, names);
  EXPECT_EQ(std::memcmp(t.values.raw(), a.raw(), a.bytes()), 0);
  const Array b = Array::of<float>({2, 1}, std::vector<float>{0.1f, 1.17549435e-38f});
  write_csv(f / "f.csv", {"x"}, b);
  EXPECT_EQ(list<float>(read_csv(f / "f.csv", {.dtype = DType::f32}).values), list<float>(b));
  expect_error([&] { write_csv(f / "x.csv", {"a", "b", "c"}, a); }, {"3 names"});
}

}  // namespace
}  // namespace fathom::io_test
