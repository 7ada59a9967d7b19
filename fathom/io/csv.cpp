// The file is cut into blocks of whole lines, and every block is parsed on its own, straight into
// its rows of the table, so that the result does not depend on who parsed what.
//
// A line end inside quotes ends no line. So quotes and line ends are counted first, per piece of
// the file: an odd number of quotes before a piece means that it begins inside quotes. That holds
// as long as quotes stand only where they may; the block parser refuses others, and since the first
// of them lies in a block that was cut correctly, the error that is reported is the first of the
// file.
#include "fathom/io/csv.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "fathom/io/csv_block_impl.h"
#include "fathom/io/csv_decimal_impl.h"

namespace fathom {

namespace {

using detail::CsvBlock;
using detail::CsvField;
using detail::CsvLayout;

constexpr std::size_t kPiece = std::size_t(1) << 20;

template <class F>
void for_each(Workers* workers, std::size_t count, F&& body) {
  if (workers) {
    workers->each(count, [&](std::size_t i, int) { body(i); });
  } else {
    for (std::size_t i = 0; i < count; ++i) body(i);
  }
}

// ---- the first lines ----------------------------------------------------------------------------

struct Line {
  std::vector<std::string> fields;
  const char *first = nullptr, *next = nullptr;
  const char* error = nullptr;  // what is wrong with its quotes
};

// The line at p; blank lines before it are passed over.
Line read_line(const char* p, const char* last, char delimiter) {
  Line line;
  const char* start = p;
  while (p < last && (*p == ' ' || detail::at_line_end(p, last))) {
    const bool ends = *p != ' ';
    p = ends ? detail::after_line_end(p, last) : p + 1;
    if (ends) start = p;
  }
  std::string store;
  line.first = start;
  for (p = start; p < last;) {
    const CsvField f = detail::read_field(p, last, delimiter, &store);
    line.error = f.error;
    if (f.error) break;
    line.fields.emplace_back(f.text);
    p = f.end;
    if (detail::at_line_end(p, last)) break;
    if (*p == delimiter && delimiter != ' ') ++p;
    if (p >= last) line.fields.emplace_back();
  }
  line.next = detail::after_line_end(p, last);
  return line;
}

char detect_delimiter(const char* p, const char* last) {
  static constexpr std::string_view kCandidates = ",;\t|";
  std::array<std::size_t, kCandidates.size()> count{};
  bool quoted = false;
  const char* q = p;
  while (q < last && (*q == '\n' || *q == '\r')) ++q;
  for (; q < last && (quoted || *q != '\n'); ++q) {
    quoted ^= *q == '"';
    if (const auto i = kCandidates.find(*q); !quoted && i != std::string_view::npos) ++count[i];
  }
  const auto best = std::max_element(count.begin(), count.end());
  if (*best) return kCandidates[std::size_t(best - count.begin())];
  const Line one = read_line(p, last, ' '), two = read_line(one.next, last, ' ');
  const bool table = two.fields.empty() || two.fields.size() == one.fields.size();
  return table && one.fields.size() > 1 ? ' ' : ',';
}

bool is_number(const std::string& s) {
  double v;
  return detail::any_decimal(s.data(), s.data() + s.size(), &v) == detail::Decimal::fine;
}

bool detect_header(const Line& one, const Line& two, const std::vector<std::string>& missing) {
  bool numbers = false, text = false, unlike = false;
  for (std::size_t i = 0; i < one.fields.size(); ++i) {
    if (detail::is_missing(one.fields[i], missing)) continue;
    if (is_number(one.fields[i])) {
      numbers = true;
    } else {
      text = true;
      unlike |= i >= two.fields.size() || is_number(two.fields[i]);
    }
  }
  return text && (unlike || !numbers);
}

// ---- which columns ------------------------------------------------------------------------------

// Fields that a name, a number or a range "0:64" means.
std::vector<std::size_t> find_columns(const std::string& what, const CsvLayout& l,
                                      const std::string& path) {
  const auto named = std::find(l.names.begin(), l.names.end(), what);
  if (named != l.names.end()) return {std::size_t(named - l.names.begin())};
  std::size_t first = 0, past = 0;
  const char* last = what.data() + what.size();
  auto [p, error] = std::from_chars(what.data(), last, first);
  bool good = error == std::errc();
  past = first + 1;
  if (good && p < last && *p == ':') {
    const auto [end, wrong] = std::from_chars(p + 1, last, past);
    good = wrong == std::errc();
    p = end;
  }
  if (!good || p != last || first >= past || past > l.names.size()) {
    std::string known;
    for (std::size_t i = 0; i < std::min<std::size_t>(l.names.size(), 8); ++i)
      known += (i ? ", " : "") + detail::shown(l.names[i]);
    raise<DataError>("{}: there is no column \"{}\": the {} columns are {}{}", path,
                     detail::shown(what), l.names.size(), known, l.names.size() > 8 ? ", ..." : "");
  }
  std::vector<std::size_t> found;
  for (std::size_t i = first; i < past; ++i) found.push_back(i);
  return found;
}

void choose_columns(const CsvOptions& o, const std::string& path, CsvLayout& l) {
  constexpr int kOpen = -1 - (1 << 30);  // numeric, its place not yet given
  l.role.assign(l.names.size(), o.columns.empty() ? kOpen : detail::kSkipped);
  for (const std::string& c : o.columns)
    for (const std::size_t i : find_columns(c, l, path)) l.role[i] = kOpen;
  for (const std::string& c : o.drop)
    for (const std::size_t i : find_columns(c, l, path)) l.role[i] = detail::kSkipped;
  for (const std::string& c : o.text_columns) {
    const auto i = find_columns(c, l, path);
    if (i.size() != 1)
      raise<DataError>("{}: text columns are named one by one, not as {}", path, c);
    if (l.role[i[0]] <= -2 && l.role[i[0]] != kOpen)
      raise<DataError>("{}: the text column \"{}\" is named twice", path, c);
    l.role[i[0]] = -2 - int(l.texts++);
  }
  const auto place = [&](std::size_t i) {
    if (l.role[i] == kOpen) l.role[i] = int(l.numeric++);
  };
  for (const std::string& c : o.columns)
    for (const std::size_t i : find_columns(c, l, path)) place(i);
  for (std::size_t i = 0; i < l.role.size(); ++i) place(i);
}

// ---- blocks -------------------------------------------------------------------------------------

struct Counts {
  std::int64_t lines = 0, quotes = 0;
};

Counts count_in(const char* p, const char* last) {
  constexpr int kRun = 192;  // sums fit a byte each, and the length is fixed: a vector loop
  Counts c;
  for (; last - p >= kRun; p += kRun) {
    std::uint8_t lines = 0, quotes = 0;
    for (int i = 0; i < kRun; ++i) {
      lines = std::uint8_t(lines + (p[i] == '\n'));
      quotes = std::uint8_t(quotes + (p[i] == '"'));
    }
    c.lines += lines;
    c.quotes += quotes;
  }
  c.lines += std::count(p, last, '\n');
  c.quotes += std::count(p, last, '"');
  return c;
}

std::vector<CsvBlock> cut(const char* body, const char* last, std::int64_t line, std::size_t fields,
                          Workers* workers) {
  const std::size_t pieces = (std::size_t(last - body) + kPiece - 1) / kPiece;
  std::vector<Counts> counts(pieces);
  const auto piece = [&](std::size_t i) { return i < pieces ? body + i * kPiece : last; };
  for_each(workers, pieces, [&](std::size_t i) { counts[i] = count_in(piece(i), piece(i + 1)); });
  std::vector<CsvBlock> blocks;
  const char* p = body;
  std::int64_t quotes = 0, lines = line;  // before the present piece
  for (std::size_t i = 1; i <= pieces; ++i) {
    quotes += counts[i - 1].quotes;
    lines += counts[i - 1].lines;
    const char* q = piece(i);
    if (q < p || p == last) continue;  // a line reached beyond this piece
    std::int64_t next_line = lines;
    for (bool quoted = quotes % 2; q < last; ++q) {
      quoted ^= *q == '"';
      if (*q != '\n') continue;
      ++next_line;
      if (!quoted) {
        ++q;
        break;
      }
    }
    CsvBlock b;
    b.first = p;
    b.last = q;
    b.line = line;
    // No more rows than line ends, and none shorter than its delimiters: memory is bounded by the
    // file.
    b.capacity =
        std::min<std::int64_t>(next_line - line + (q == last), (q - p) / std::int64_t(fields) + 1);
    b.row = blocks.empty() ? 0 : blocks.back().row + blocks.back().capacity;
    blocks.push_back(std::move(b));
    p = q;
    line = next_line;
  }
  return blocks;
}

template <class T>
Array parse_blocks(const CsvLayout& l, std::span<CsvBlock> blocks, const std::string& path,
                   Workers* workers) {
  const std::int64_t start = blocks.empty() ? 0 : blocks.front().row,
                     capacity =
                         blocks.empty() ? 0 : blocks.back().row + blocks.back().capacity - start;
  const std::size_t width = l.numeric * sizeof(T);
  const std::shared_ptr<std::byte> memory = lazy_bytes(std::size_t(capacity) * width);
  const auto rows_of = [&](std::int64_t row) {
    return memory.get() + std::size_t(row - start) * width;
  };
  for_each(workers, blocks.size(), [&](std::size_t i) {
    detail::parse_block<T>(l, blocks[i], reinterpret_cast<T*>(rows_of(blocks[i].row)));
  });
  std::int64_t rows = start;
  for (const CsvBlock& b : blocks) {
    if (!b.error.empty()) raise<DataError>("{} {}", path, b.error);
    if (rows != b.row && b.rows)
      std::memmove(rows_of(rows), rows_of(b.row), std::size_t(b.rows) * width);
    rows += b.rows;
  }
  return {dtype_of<T>, Shape{rows - start, std::int64_t(l.numeric)}, memory};
}

CsvLayout read_layout(const char* p, const char* last, const std::string& path, const CsvOptions& o,
                      const char** body) {
  CsvLayout l;
  l.end = last;
  l.missing = &o.missing;
  l.quick = std::none_of(o.missing.begin(), o.missing.end(), is_number);
  l.delimiter = o.delimiter ? o.delimiter : detect_delimiter(p, last);
  Line one = read_line(p, last, l.delimiter);
  if (one.error)
    raise<DataError>("{} line {}: {}", path, 1 + std::count(p, one.first, '\n'), one.error);
  if (one.fields.empty()) raise<DataError>("{}: the table has no rows", path);
  bool header = o.header == CsvOptions::yes;
  if (o.header == CsvOptions::detect)
    header = detect_header(one, read_line(one.next, last, l.delimiter), o.missing);
  *body = header ? one.next : p;
  l.names = std::move(one.fields);
  for (std::size_t i = 0; i < l.names.size(); ++i)
    if (!header || l.names[i].empty()) l.names[i] = fmt::format("x{}", i);
  choose_columns(o, path, l);
  return l;
}

// A file's layout and its blocks.
struct Opened {
  CsvLayout layout;
  std::vector<CsvBlock> blocks;
};

Opened open_csv(const Bytes& bytes, const std::string& path, const CsvOptions& o,
                Workers* workers) {
  const char* p = reinterpret_cast<const char*>(bytes.data.get());
  const char* last = p + bytes.size;
  if (bytes.size >= 3 && std::memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
  const auto begin = std::size_t(std::min<std::ptrdiff_t>(last - p, 4096));
  if (std::memchr(p, 0, begin))
    raise<DataError>(
        "{}: holds zero bytes: neither a table nor NPY, NPZ, IDX or pictures; the file is damaged "
        "or of another kind",
        path);
  if (!std::memchr(p, '\n', std::size_t(last - p)) && std::memchr(p, '\r', begin))
    raise<DataError>("{}: its lines end in CR alone: convert them to LF", path);
  if (o.dtype != DType::f32 && o.dtype != DType::f64)
    raise<ConfigError>("{}: tables are read as f32 or f64, not {}", path, name_of(o.dtype));
  const char* body = p;
  Opened file;
  file.layout = read_layout(p, last, path, o, &body);
  file.blocks = cut(body, last, 1 + std::count(p, body, '\n'), file.layout.names.size(), workers);
  return file;
}

Array parse_blocks(const CsvLayout& l, std::span<CsvBlock> blocks, const std::string& path,
                   DType dtype, Workers* workers) {
  return dtype == DType::f32 ? parse_blocks<float>(l, blocks, path, workers)
                             : parse_blocks<double>(l, blocks, path, workers);
}

// All of a table but its values. Throws where some of them are infinite.
Table described(const Opened& file, std::int64_t rows, const std::string& path) {
  if (rows == 0) raise<DataError>("{}: the table has no rows", path);
  const CsvLayout& l = file.layout;
  Table t;
  t.names.resize(l.numeric);
  t.text_names.resize(l.texts);
  t.text.resize(l.texts);
  for (std::size_t i = 0; i < l.role.size(); ++i) {
    if (l.role[i] >= 0) t.names[std::size_t(l.role[i])] = l.names[i];
    if (l.role[i] <= -2) t.text_names[std::size_t(-2 - l.role[i])] = l.names[i];
  }
  std::int64_t infinite = 0;
  std::string first_infinite;
  const auto tally = [&](const CsvBlock::Cells& cells, std::int64_t& count, std::string& first) {
    if (cells.count && count == 0)
      first = fmt::format("line {}, column {}", cells.line, detail::shown(l.names[cells.field]));
    count += cells.count;
  };
  for (const CsvBlock& b : file.blocks) {
    tally(b.missing, t.missing, t.first_missing);
    tally(b.infinite, infinite, first_infinite);
  }
  if (infinite)
    raise<DataError>(
        "{}: {} infinite value{}, the first in {}: drop those rows or mark the cells "
        "as NA",
        path, infinite, infinite == 1 ? "" : "s", first_infinite);
  return t;
}

}  // namespace

namespace {

// The cells of each column of text, taken out of the blocks.
std::vector<std::vector<std::string>> taken_text(const CsvLayout& l, std::span<CsvBlock> blocks) {
  std::vector<std::vector<std::string>> text(l.texts);
  std::int64_t rows = 0;
  for (const CsvBlock& b : blocks) rows += b.rows;
  for (auto& column : text) column.reserve(std::size_t(rows));
  for (CsvBlock& b : blocks)
    for (std::size_t k = 0; k < l.texts; ++k) {
      std::move(b.text[k].begin(), b.text[k].end(), std::back_inserter(text[k]));
      b.text[k] = std::vector<std::string>();  // gives its memory back, as {} does not
    }
  return text;
}

}  // namespace

Table parse_csv(const Bytes& bytes, const std::string& path, const CsvOptions& o,
                Workers* workers) {
  Opened file = open_csv(bytes, path, o, workers);
  const Array values = parse_blocks(file.layout, file.blocks, path, o.dtype, workers);
  Table t = described(file, values.shape().extent(0), path);
  t.values = values;
  t.text = taken_text(file.layout, file.blocks);
  return t;
}

Table parse_csv_in_pieces(const Bytes& bytes, const std::string& path, const CsvOptions& o,
                          Workers* workers, const TakeRows& take) {
  Opened file = open_csv(bytes, path, o, workers);
  const std::size_t together = file.layout.texts > 0 ? 4 : 16;  // blocks; cells of text take room
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < file.blocks.size(); i += together) {
    const std::span<CsvBlock> some =
        std::span(file.blocks).subspan(i, std::min(together, file.blocks.size() - i));
    const Array values = parse_blocks(file.layout, some, path, o.dtype, workers);
    const std::int64_t here = values.shape().extent(0);
    rows += here;
    if (here > 0) take(values, taken_text(file.layout, some));
  }
  return described(file, rows, path);
}

Table read_csv(const std::string& path, const CsvOptions& options, Workers* workers) {
  return parse_csv(read_unpacked(path), path, options, workers);
}

std::string csv_text(const std::vector<std::string>& names, const Array& values, bool header) {
  const auto columns = std::int64_t(names.size());
  if (columns == 0 || values.size() % columns != 0)
    raise<ShapeError>("[csv] {} names for values of shape {}", columns, values.shape().text());
  std::string out;
  for (const std::string& name : names) {
    std::string cell = name;
    if (name.find_first_of(",;\t|\"\r\n ") != std::string::npos) {
      for (std::size_t at = 0; (at = cell.find('"', at)) != std::string::npos; at += 2)
        cell.insert(at, 1, '"');
      cell = '"' + cell + '"';
    }
    out += cell;
    out += ',';
  }
  out.back() = '\n';
  if (!header) out.clear();
  const auto append = [&](const auto* v) {
    for (std::int64_t i = 0; i < values.size(); ++i)
      fmt::format_to(std::back_inserter(out), "{}{}", v[i], (i + 1) % columns ? ',' : '\n');
  };
  if (values.dtype() == DType::f32) {
    append(values.data<float>());
  } else {
    append(values.cast(DType::f64).data<double>());
  }
  return out;
}

void write_csv(const std::string& path, const std::vector<std::string>& names,
               const Array& values) {
  write_atomically(path, csv_text(names, values));
}

}  // namespace fathom
