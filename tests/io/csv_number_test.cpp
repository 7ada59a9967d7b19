// Numbers are rounded correctly: the oracle is strtod, strtof.
#include <cmath>
#include <cstdlib>

#include "fathom/base/key.h"
#include "fathom/io/csv.h"
#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

std::vector<std::string> spellings() {
  std::vector<std::string> s = {"0",
                                "-0",
                                "0.0",
                                "00012.50",
                                "1.",
                                ".5",
                                "-.5",
                                "1e0",
                                "1E+2",
                                "1e-2",
                                "9007199254740993",
                                "9007199254740992.5",
                                "99999999",
                                "99999999.9999999",
                                "100000000",
                                "12345678.12345678",
                                "0.000001",
                                "8.41e21",
                                "2.2250738585072011e-308",
                                "2.2250738585072014e-308",
                                "4.9406564584124654e-324",
                                "2.4703282292062327e-324",
                                "1e-400",
                                "-1e-400",
                                "1.7976931348623157e308",
                                "0.30000000000000004",
                                "179769313486231570000e288",
                                "1.00000000000000011102230246251565",
                                "1.00000000000000011102230246251566",
                                "7.2057594037927933e16",
                                "0.1e1",
                                "00.1",
                                "123456789012345678901234567890",
                                "0." + std::string(400, '0') + "1e400",
                                "1" + std::string(320, '0') + "e-320"};
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const Random4 r = philox({7, 1}, 0, i);
    const auto whole = r.word[0] >> (r.word[2] % 32), part = r.word[1];
    std::string fraction = std::to_string(part).substr(0, 1 + r.word[3] % 9);
    std::string text = (r.word[3] & 512 ? "-" : "") + std::to_string(whole) + "." + fraction;
    if (r.word[3] & 1024) text += std::to_string(r.word[2]);
    if (r.word[3] % 5 == 0) text += "e" + std::to_string(int(r.word[1] % 80) - 60);
    s.push_back(text);
  }
  return s;
}

std::string column(const std::vector<std::string>& s) {
  std::string text;
  for (const std::string& x : s) text += x + "\n";
  return text;
}

TEST(CsvNumbers, DoublesAreTheNearest) {
  const auto s = spellings();
  const Table t = parse_csv(bytes_of(column(s)), "t", {.header = CsvOptions::no});
  ASSERT_EQ(t.rows(), std::int64_t(s.size()));
  for (std::size_t i = 0; i < s.size(); ++i) {
    const double wanted = std::strtod(s[i].c_str(), nullptr);
    EXPECT_EQ(std::memcmp(t.values.data<double>() + i, &wanted, 8), 0) << s[i];
  }
}

TEST(CsvNumbers, FloatsAreTheNearestToTheText) {
  auto s = spellings();
  // Halfway between two floats but for digits that a double does not hold.
  for (const char* x :
       {"16777217", "16777217.0000001", "1.00000005960464477539062", "1.00000005960464477539063",
        "1e-46", "1.4e-45", "1.1754943e-38", "3.4028235e38", "0.5000000298023224"})
    s.push_back(x);
  std::erase_if(s,
                [](const std::string& x) { return std::isinf(std::strtof(x.c_str(), nullptr)); });
  const Table t =
      parse_csv(bytes_of(column(s)), "t", {.header = CsvOptions::no, .dtype = DType::f32});
  ASSERT_EQ(t.rows(), std::int64_t(s.size()));
  for (std::size_t i = 0; i < s.size(); ++i) {
    const float wanted = std::strtof(s[i].c_str(), nullptr);
    EXPECT_EQ(std::memcmp(t.values.data<float>() + i, &wanted, 4), 0) << s[i];
  }
  expect_error([] { parse_csv(bytes_of("x\n1e39\n"), "t", {.dtype = DType::f32}); },
               {"line 2", "too large"});
}

// The end of a table takes another path than its middle: all lengths of what follows.
TEST(CsvNumbers, TheLastNumbersOfAFile) {
  for (int rows = 1; rows < 40; ++rows)
    for (const char* end : {"", "\n", "\r\n"}) {
      std::string text = "1.25";
      for (int i = 1; i < rows; ++i) text += "\n-" + std::to_string(i) + ".5";
      const Table t = parse_csv(bytes_of(text + end), "t");
      ASSERT_EQ(t.rows(), rows);
      for (int i = 1; i < rows; ++i) EXPECT_EQ(t.values.data<double>()[i], -(i + .5));
    }
}

}  // namespace
}  // namespace fathom::io_test
