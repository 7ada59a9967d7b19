#include <algorithm>

#include "fathom/io/csv_block_impl.h"
#include "fathom/io/csv_decimal_impl.h"

namespace fathom::detail {

bool at_line_end(const char* p, const char* last) {
  return p >= last || *p == '\n' || (*p == '\r' && (p + 1 >= last || p[1] == '\n'));
}

const char* after_line_end(const char* p, const char* last) {
  if (p < last && *p == '\r') ++p;
  return p < last ? p + 1 : last;
}

bool is_missing(std::string_view text, const std::vector<std::string>& tokens) {
  return std::find(tokens.begin(), tokens.end(), text) != tokens.end();
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 40));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return text.size() > 40 ? out + "..." : out;
}

namespace {

CsvField read_quoted(const char* p, const char* last, char delimiter, std::string* store) {
  CsvField f;
  f.quoted = true;
  store->clear();
  for (++p;; p += 2) {
    const auto* quote =
        p < last ? static_cast<const char*>(std::memchr(p, '"', std::size_t(last - p))) : nullptr;
    if (!quote) {
      f.end = last;
      f.error = "a quote is opened and not closed: close it";
      return f;
    }
    store->append(p, quote);
    p = quote;
    if (p + 1 >= last || p[1] != '"') break;
    *store += '"';
  }
  ++p;
  while (p < last && *p == ' ') ++p;
  f.end = p;
  f.text = *store;
  const bool apart = delimiter == ' ' && p[-1] == ' ';
  if (!at_line_end(p, last) && *p != delimiter && !apart)
    f.error = "text follows a closing quote: a quote inside a quoted field is written twice";
  return f;
}

}  // namespace

CsvField read_field(const char* p, const char* last, char delimiter, std::string* store) {
  const bool blanks = delimiter == ' ';
  while (p < last && *p == ' ') ++p;
  if (p < last && *p == '"') return read_quoted(p, last, delimiter, store);
  CsvField f;
  const char* begin = p;
  bool quote = false;
  for (; p < last && *p != delimiter && *p != '\n'; ++p) {
    if (*p == '\r' && at_line_end(p, last)) break;
    quote |= *p == '"';
  }
  const char* end = p;
  while (end > begin && end[-1] == ' ') --end;
  while (blanks && p < last && *p == ' ') ++p;
  f.end = p;
  f.text = {begin, std::size_t(end - begin)};
  if (quote)
    f.error = "a quote stands inside a field that does not begin with one: quote the whole field";
  return f;
}

namespace {

template <class T>
class BlockParser {
 public:
  BlockParser(const CsvLayout& layout, CsvBlock& block, T* rows)
      : l_(layout), b_(block), out_(rows), fields_(layout.role.size()), line_(block.line) {
    quick_end_ = l_.quick && l_.delimiter != ' ' && l_.end - b_.first > kDecimalReach
                     ? std::min(b_.last, l_.end - kDecimalReach)
                     : b_.first;
  }

  void run() {
    b_.text.resize(l_.texts);
    const char* p = b_.first;
    while (p < b_.last && b_.error.empty()) {
      const char* start = p;
      while (p < b_.last && *p == ' ') ++p;
      if (at_line_end(p, b_.last)) {  // blank lines are passed over
        p = after_line_end(p, b_.last);
        ++line_;
        continue;
      }
      p = after_line_end(row(start), b_.last);
      ++line_;
    }
  }

 private:
  // Parses the line at p and returns where it ends.
  const char* row(const char* p) {
    const std::int64_t line = line_;
    const char delimiter = l_.delimiter;
    const int* role = l_.role.data();
    const char* const quick_end = quick_end_;
    T* const out = out_;
    std::size_t field = 0;
    for (;; ++field) {
      double v;
      const char* end = nullptr;
      if (p < quick_end && field < fields_ && role[field] >= 0) {
        end = short_decimal(p, &v);
        const bool whole =
            end && (*end == delimiter || *end == '\n' || (*end == '\r' && end[1] == '\n'));
        if (!whole || !narrow(v, out + role[field])) end = nullptr;
      }
      if (end) {
        p = end;
      } else {
        p = careful_field(p, field, line);
        if (!b_.error.empty()) return p;
      }
      if (p < b_.last && *p == delimiter) {
        ++p;
      } else if (at_line_end(p, b_.last)) {
        break;
      }
    }
    check_count(line, field + 1);
    out_ += l_.numeric;
    ++b_.rows;
    return p;
  }

  void check_count(std::int64_t line, std::size_t count) {
    if (count != fields_)
      fail(line, fmt::format("{} field{}, {} expected as in the first line: complete it, "
                             "or quote fields that hold the delimiter",
                             count, count == 1 ? "" : "s", fields_));
  }

  // Of a line from the end of one of its fields on, that one included.
  std::size_t count_fields(const char* p) {
    std::size_t count = 1;
    for (; !at_line_end(p, b_.last) && count <= fields_; ++count) {
      if (l_.delimiter != ' ') ++p;
      const CsvField f = read_field(p, b_.last, l_.delimiter, &store_);
      if (f.error) break;
      p = f.end;
    }
    return count;
  }

  const char* careful_field(const char* p, std::size_t field, std::int64_t line) {
    const CsvField f = read_field(p, b_.last, l_.delimiter, &store_);
    if (f.quoted) line_ += std::count(p, f.end, '\n');
    if (f.error) {
      fail(line, f.error);
    } else if (field < fields_ && l_.role[field] >= 0) {
      number(f.text, field, line);
      if (!b_.error.empty()) check_count(line, field + count_fields(f.end));  // the likelier reason
    } else if (field < fields_ && l_.role[field] != kSkipped) {
      b_.text[std::size_t(-2 - l_.role[field])].emplace_back(f.text);
    }
    return f.end;
  }

  void number(std::string_view text, std::size_t field, std::int64_t line) {
    T& to = out_[l_.role[field]];
    if (is_missing(text, *l_.missing)) {
      to = std::numeric_limits<T>::quiet_NaN();
      b_.missing.add(line, field);
      return;
    }
    const Decimal how = any_decimal(text.data(), text.data() + text.size(), &to);
    if (how == Decimal::fine) return;
    if (how == Decimal::infinite) return b_.infinite.add(line, field);  // all of them are counted
    const char* what = how == Decimal::not_a_number
                           ? "not a number: drop the column, keep it as text, or mark "
                             "missing cells as NA"
                           : "a number too large for its type";
    fail(line,
         fmt::format("column \"{}\" holds \"{}\", {}", shown(l_.names[field]), shown(text), what));
  }

  void fail(std::int64_t line, std::string_view what) {
    b_.error = fmt::format("line {}: {}", line, what);
  }

  const CsvLayout& l_;
  CsvBlock& b_;
  T* out_;
  std::size_t fields_;
  std::int64_t line_;
  const char* quick_end_;
  std::string store_;
};

}  // namespace

template <class T>
void parse_block(const CsvLayout& layout, CsvBlock& block, T* rows) {
  BlockParser<T>(layout, block, rows).run();
}

template void parse_block(const CsvLayout&, CsvBlock&, float*);
template void parse_block(const CsvLayout&, CsvBlock&, double*);

}  // namespace fathom::detail
