// The file is cut into blocks at line ends; every block is parsed on its own into rows of its own, and
// the blocks are joined in order, so that the result does not depend on who parsed what. Blocks are
// cut only at line ends outside quotes: files with quotes are one block.
#include "fathom/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace fathom {

namespace {

constexpr std::size_t kBlock = std::size_t(1) << 20;

struct Layout {
  char delimiter;
  std::size_t fields = 0;
  std::vector<std::string> all;       // names of all fields
  std::vector<int> role;              // per field: index of a numeric column, -1 skipped, -2-k text column k
  std::size_t numeric = 0;
};

struct Block {
  const char *first, *last;
  std::vector<double> values;
  std::vector<std::vector<std::string>> text;
  std::int64_t rows = 0, lines = 0, missing = 0;
  std::int64_t missing_line = 0, missing_field = 0;
  std::string error;                  // without the line
  std::int64_t error_line = 0;        // within the block
};

bool is_missing(const char* p, const char* q) {
  const auto n = std::size_t(q - p);
  if (n == 0) return true;
  const std::string_view s(p, n);
  return s == "NA" || s == "NaN" || s == "nan" || s == "null" || s == "NULL" || s == "?" || s == "N/A";
}

// Numbers with up to 15 digits and a small power of ten are exact in one operation (Clinger 1990).
bool quick_number(const char* p, const char* q, double* out) {
  static constexpr double kPower[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  bool minus = false;
  if (*p == '-') {
    minus = true;
    ++p;
  }
  std::uint64_t digits = 0;
  const char *start = p, *point = nullptr;
  for (; p < q; ++p) {
    const auto d = static_cast<unsigned char>(*p - '0');
    if (d < 10) {
      digits = digits * 10 + d;
    } else if (*p == '.' && !point) {
      point = p;
    } else {
      return false;
    }
  }
  const std::ptrdiff_t count = p - start - (point ? 1 : 0);
  if (count < 1 || count > 15) return false;
  const auto scale = point ? std::size_t(q - point - 1) : 0;
  const double v = double(digits) / kPower[scale];
  *out = minus ? -v : v;
  return true;
}

bool number_of(const char* p, const char* q, double* out) {
  while (p < q && *p == ' ') ++p;
  while (q > p && q[-1] == ' ') --q;
  if (is_missing(p, q)) {
    *out = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (quick_number(p, q, out)) return true;
  if (*p == '+') ++p;
  const auto [end, error] = std::from_chars(p, q, *out);
  if (error == std::errc::result_out_of_range) {
    *out = 0;  // underflow; overflow is told apart by its text
    return std::string_view(p, std::size_t(q - p)).find("e-") != std::string_view::npos && end == q;
  }
  return error == std::errc() && end == q && std::isfinite(*out);
}

// One field from p; returns its end. Quotes are taken off into `unquoted`.
const char* next_field(const char* p, const char* last, char delimiter, const char** begin, const char** end,
                       std::string* unquoted, std::int64_t* lines) {
  if (p < last && *p == '"') {
    unquoted->clear();
    for (++p; p < last; ++p) {
      if (*p == '"') {
        if (p + 1 < last && p[1] == '"') {
          ++p;
        } else {
          ++p;
          break;
        }
      }
      if (*p == '\n') ++*lines;
      *unquoted += *p;
    }
    *begin = unquoted->data();
    *end = *begin + unquoted->size();
    while (p < last && *p != delimiter && *p != '\n' && *p != '\r') ++p;
    return p;
  }
  *begin = p;
  while (p < last && *p != delimiter && *p != '\n' && *p != '\r') ++p;
  *end = p;
  return p;
}

class BlockParser {
 public:
  BlockParser(const Layout& layout, Block& block) : l_(layout), b_(block) {
    b_.text.resize(std::size_t(std::count_if(l_.role.begin(), l_.role.end(), [](int r) { return r <= -2; })));
    b_.values.reserve(std::size_t(b_.last - b_.first) / 6);
  }

  void run() {
    const char* p = b_.first;
    while (p < b_.last && b_.error.empty()) {
      ++b_.lines;
      if (*p == '\n' || (*p == '\r' && p + 1 < b_.last && p[1] == '\n')) {  // blank lines are passed over
        p += *p == '\r' ? 2 : 1;
        continue;
      }
      p = row(p);
    }
  }

 private:
  const char* row(const char* p) {
    const std::int64_t line = b_.lines;
    std::size_t field = 0;
    for (;; ++p) {
      const char *begin, *end;
      p = next_field(p, b_.last, l_.delimiter, &begin, &end, &unquoted_, &b_.lines);
      if (field < l_.fields) take(field, begin, end, line);
      ++field;
      if (p >= b_.last || *p != l_.delimiter) break;
    }
    if (field != l_.fields && b_.error.empty()) {
      b_.error = fmt::format("{} fields, {} expected as in the first line", field, l_.fields);
      b_.error_line = line;
    }
    ++b_.rows;
    if (p < b_.last && *p == '\r') ++p;
    if (p < b_.last && *p == '\n') ++p;
    return p;
  }

  void take(std::size_t field, const char* begin, const char* end, std::int64_t line) {
    const int role = l_.role[field];
    if (role == -1) return;
    if (role <= -2) {
      b_.text[std::size_t(-2 - role)].emplace_back(begin, end);
      return;
    }
    double v;
    if (!number_of(begin, end, &v)) {
      if (b_.error.empty()) {
        b_.error = fmt::format("column \"{}\" holds \"{}\", not a finite number: leave the column out with "
                               "--columns, or mark missing cells as NA",
                               l_.all[field], std::string_view(begin, std::size_t(end - begin)).substr(0, 40));
        b_.error_line = line;
      }
      v = 0;
    }
    if (v != v) {
      if (b_.missing++ == 0) {
        b_.missing_line = line;
        b_.missing_field = std::int64_t(field);
      }
    }
    b_.values.push_back(v);
  }

  const Layout& l_;
  Block& b_;
  std::string unquoted_;
};

std::vector<std::string> first_fields(const char* p, const char* last, char delimiter, const char** next) {
  std::vector<std::string> out;
  std::string unquoted;
  std::int64_t lines = 0;
  for (;; ++p) {
    const char *begin, *end;
    p = next_field(p, last, delimiter, &begin, &end, &unquoted, &lines);
    while (begin < end && *begin == ' ') ++begin;
    while (end > begin && end[-1] == ' ') --end;
    out.emplace_back(begin, end);
    if (p >= last || *p != delimiter) break;
  }
  if (p < last && *p == '\r') ++p;
  if (p < last && *p == '\n') ++p;
  *next = p;
  return out;
}

char detect_delimiter(const char* p, const char* last) {
  std::size_t count[3] = {};
  for (; p < last && *p != '\n'; ++p) {
    count[0] += *p == ',';
    count[1] += *p == ';';
    count[2] += *p == '\t';
  }
  const auto best = std::max_element(count, count + 3) - count;
  return count[best] ? ",;\t"[best] : ',';
}

void choose_columns(const CsvOptions& o, const std::string& path, Layout& l) {
  const auto find = [&](const std::string& name) {
    const auto it = std::find(l.all.begin(), l.all.end(), name);
    if (it != l.all.end()) return std::size_t(it - l.all.begin());
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
    if (error == std::errc() && end == name.data() + name.size() && n < l.all.size()) return n;
    raise<DataError>("{}: there is no column \"{}\" among the {} of the first line", path, name, l.all.size());
  };
  l.role.assign(l.fields, o.columns.empty() ? 0 : -1);
  for (const std::string& c : o.columns) l.role[find(c)] = 0;
  int text = 0;
  for (const std::string& c : o.text_columns) l.role[find(c)] = -2 - text++;
  int next = 0;
  for (int& r : l.role)
    if (r == 0) r = next++;
  l.numeric = std::size_t(next);
}

std::vector<Block> cut(const char* p, const char* last) {
  std::vector<Block> blocks;
  const bool quotes = std::memchr(p, '"', std::size_t(last - p)) != nullptr;
  while (p < last) {
    const char* q = quotes || std::size_t(last - p) <= kBlock ? last : p + kBlock;
    if (q < last) {
      const void* end = std::memchr(q, '\n', std::size_t(last - q));
      q = end ? static_cast<const char*>(end) + 1 : last;
    }
    Block b;
    b.first = p;
    b.last = q;
    blocks.push_back(std::move(b));
    p = q;
  }
  return blocks;
}

}  // namespace

Table parse_csv(const Bytes& bytes, const std::string& path, const CsvOptions& o, Workers* workers) {
  const char* p = reinterpret_cast<const char*>(bytes.data.get());
  const char* last = p + bytes.size;
  if (bytes.size >= 3 && std::memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
  if (std::memchr(p, 0, std::size_t(std::min<std::ptrdiff_t>(last - p, 4096))))
    raise<DataError>("{}: not a text table: it holds zero bytes", path);
  Layout l;
  l.delimiter = o.delimiter ? o.delimiter : detect_delimiter(p, last);
  const char* body = p;
  l.all = first_fields(p, last, l.delimiter, &body);
  l.fields = l.all.size();
  double v;
  const bool numbers = std::all_of(l.all.begin(), l.all.end(), [&](const std::string& f) {
    return number_of(f.data(), f.data() + f.size(), &v);
  });
  const bool header = o.header == CsvOptions::yes || (o.header == CsvOptions::detect && !numbers);
  if (!header) {
    body = p;
    for (std::size_t i = 0; i < l.fields; ++i) l.all[i] = fmt::format("x{}", i);
  }
  choose_columns(o, path, l);

  std::vector<Block> blocks = cut(body, last);
  auto parse = [&](std::size_t i, int) { BlockParser(l, blocks[i]).run(); };
  if (workers) {
    workers->each(blocks.size(), parse);
  } else {
    for (std::size_t i = 0; i < blocks.size(); ++i) parse(i, 0);
  }
  Table t;
  std::int64_t rows = 0, line = header ? 1 : 0;
  for (const Block& b : blocks) {
    if (!b.error.empty()) raise<DataError>("{} line {}: {}", path, line + b.error_line, b.error);
    if (b.missing && t.missing == 0)
      t.first_missing = fmt::format("line {}, column {}", line + b.missing_line, l.all[std::size_t(b.missing_field)]);
    t.missing += b.missing;
    rows += b.rows;
    line += b.lines;
  }
  if (rows == 0) raise<DataError>("{}: the table has no rows", path);
  for (std::size_t i = 0; i < l.fields; ++i)
    if (l.role[i] >= 0) t.names.push_back(l.all[i]);
  t.text_names = o.text_columns;
  t.text.resize(o.text_columns.size());
  t.values = Array(DType::f64, Shape{rows, std::int64_t(l.numeric)});
  std::vector<double*> to;
  double* q = t.values.data<double>();
  for (Block& b : blocks) {
    to.push_back(q);
    q += b.values.size();
    for (std::size_t k = 0; k < b.text.size(); ++k)
      t.text[k].insert(t.text[k].end(), std::make_move_iterator(b.text[k].begin()),
                       std::make_move_iterator(b.text[k].end()));
  }
  auto join = [&](std::size_t i, int) {
    std::copy(blocks[i].values.begin(), blocks[i].values.end(), to[i]);
    std::vector<double>().swap(blocks[i].values);
  };
  if (workers) {
    workers->each(blocks.size(), join);
  } else {
    for (std::size_t i = 0; i < blocks.size(); ++i) join(i, 0);
  }
  return t;
}

Table read_csv(const std::string& path, const CsvOptions& options, Workers* workers) {
  return parse_csv(read_unpacked(path), path, options, workers);
}

void write_csv(const std::string& path, const std::vector<std::string>& names, const Array& values) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) out += (i ? "," : "") + names[i];
  out += '\n';
  const auto columns = std::int64_t(names.size());
  const Array wide = values.cast(DType::f64);
  for (std::int64_t i = 0; i < wide.size(); ++i) {
    out += fmt::format("{}", wide.data<double>()[i]);
    out += (i + 1) % columns ? ',' : '\n';
  }
  write_atomically(path, out);
}

}  // namespace fathom
