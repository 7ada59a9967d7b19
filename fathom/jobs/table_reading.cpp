#include "fathom/jobs/table_reading.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "fathom/jobs/coded_columns.h"
#include "fathom/jobs/converted_table.h"
#include "fathom/jobs/nearest.h"
#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/sequences.h"
#include "fathom/jobs/table_checks.h"
#include "fathom/jobs/table_kinds.h"
#include "fathom/jobs/table_roles.h"

namespace fathom {

namespace {

// Files of so many bytes are streamed; text of so many is not held either.
constexpr std::uintmax_t kStreamed = std::uintmax_t(1) << 26, kConverted = std::uintmax_t(1) << 30;

// Columns of x [n, d] of any type, as f64; the same array where it is them.
Array chosen_columns(const Array& x, const std::vector<int>& places, bool stream) {
  std::vector<int> all(std::size_t(x.shape().extent(1)), 0);
  std::iota(all.begin(), all.end(), 0);
  if (places == all && x.dtype() == DType::f64) return x;
  return stream ? x.columns(places) : x.columns(places).made();
}

// A column of numbers [n], held.
Array held_column(const Array& x, int place) {
  return x.columns({place}).made().reshaped(Shape{x.shape().extent(0)});
}

// The columns that are wanted, that which they explain the last.
std::vector<int> columns_and_target(const TableConfig& config,
                                    const std::vector<std::string>& names, const std::string& label,
                                    const std::vector<int>& roles, const std::string& path,
                                    std::string* target) {
  std::vector<int> places =
      places_of(split_names(config.columns), split_names(config.drop), names, label, roles, path);
  if (config.target.empty()) return places;
  const int place = places_of({config.target}, {}, names, label, roles, path).front();
  std::erase(places, place);
  if (places.empty())
    raise<ConfigError>("{}: no columns are left to explain \"{}\"", path, config.target);
  places.push_back(place);
  *target = names[std::size_t(place)];
  return places;
}

// The head without what is said of columns that have a role of their own.
// `categories`: nor of text, which is modelled unless its column is called a label.
TableHead without_roles(TableHead head, const TableRoles& roles, bool categories) {
  if (categories) head.second.clear();
  for (const int place : {roles.weights, roles.ids, roles.sequence}) {
    if (place >= 0) head.first[std::size_t(place)].clear();
    if (place >= 0 && std::size_t(place) < head.second.size())
      head.second[std::size_t(place)].clear();
  }
  return head;
}

// What readers of tables call a column: its name, or its number from 0.
std::string reader_name(const TableHead& head, int place) {
  const std::string number = std::to_string(place);  // unless a column is called so
  const bool name = std::find(head.first.begin(), head.first.end(), number) != head.first.end();
  return name && head.header ? head.first[std::size_t(place)] : number;
}

// Gzipped text is unpacked in memory.
bool is_gzip(const std::string& path) {
  const Bytes b = map_file(path, Pages::read_only);
  return b.size > 1 && b.data.get()[0] == std::byte(0x1f) && b.data.get()[1] == std::byte(0x8b);
}

TableRoles roles_of(const TableConfig& config, const std::vector<std::string>& names,
                    const std::string& path) {
  return {role_place("weights", config.weights, names, path),
          role_place("ids", config.ids, names, path),
          role_place("labels", config.labels, names, path),
          role_place("sequence", config.sequence, names, path)};
}

// A table of text: which columns are read, and what became of them.
class TextReader {
 public:
  TextReader(const std::string& path, const TableConfig& config, const TableNeeds& needs,
             const TableHead& head, const TableFormat* fitted, const Reading& how)
      : path_(path),
        head_(head),
        how_(how),
        kinds_(needs.kinds),
        coded_(needs.coded),
        fitted_(fitted) {
    names_ = head.header ? head.first : numbered("x", std::int64_t(head.first.size()));
    roles_ = roles_of(config, names_, path);
    TableFormat& f = out_.format;
    const bool by_labels = roles_.labels >= 0 && head.header && config.label == "auto";
    f.label = by_labels ? names_[std::size_t(roles_.labels)]
                        : label_among(without_roles(head, roles_, kinds_), config.label,
                                      split_names(config.columns));
    if (!f.label.empty() && std::find(names_.begin(), names_.end(), f.label) == names_.end())
      raise<ConfigError>("{}: there is no column \"{}\" to be the label{}", path, f.label,
                         meant(f.label, names_));
    f.places = columns_and_target(config, names_, f.label, roles_.all(), path, &f.target);
    for (const int place : f.places) f.columns.push_back(names_[std::size_t(place)]);
    f.file_width = int(names_.size());
    f.named = head.header;
    if (!kinds_) return;
    known_ = known_kinds(needs, fitted, f.places, names_, path);
    categories_ = category_places(f.places, head, known_);
  }

  ReadTable read() {
    ask();
    const TextRows rows =
        how_.converted.empty() || is_gzip(path_)
            ? held_text(path_, asked_, how_.workers)
            : converted_table(path_, asked_, how_.converted, how_.workers, how_.note);
    TableRows& to = out_.rows;
    to.ids = text(rows, roles_.ids);
    to.labels = text(rows, label_place());
    out_.classes = text(rows, roles_.labels);
    out_.rows.sequences = text(rows, roles_.sequence);
    const auto numbers = int(asked_.numbers.size());
    if (roles_.weights >= 0) to.weights = held_column(rows.values, numbers - 1);
    std::vector<int> order;
    for (int next = 0; const int place : out_.format.places)
      order.push_back(is_category(place) ? numbers + index_of(categories_, place) : next++);
    to.x = chosen_columns(rows.values, order, how_.stream);
    if (kinds_) {
      std::map<int, std::vector<std::string>> coded;
      for (std::size_t k = 0; k < categories_.size(); ++k) coded[categories_[k]] = rows.names[k];
      settle_kinds(to.x, out_.format, known_, coded, !coded_, fitted_, path_);
      if (!how_.stream) to.x = to.x.made();
    }
    out_.kind = "csv";
    return std::move(out_);
  }

 private:
  static int index_of(const std::vector<int>& places, int place) {
    return int(std::find(places.begin(), places.end(), place) - places.begin());
  }
  bool is_category(int place) const {
    return std::find(categories_.begin(), categories_.end(), place) != categories_.end();
  }
  int label_place() const {
    const auto at = std::find(names_.begin(), names_.end(), out_.format.label);
    return out_.format.label.empty() ? -1 : int(at - names_.begin());
  }

  RowTexts text(const TextRows& rows, int place) const {
    return place < 0 ? RowTexts() : rows.texts[std::size_t(index_of(texts_, place))];
  }

  // What is wanted of the file.
  void ask() {
    for (const int place : out_.format.places)
      (is_category(place) ? asked_.categories : asked_.numbers)
          .push_back(reader_name(head_, place));
    if (roles_.weights >= 0) asked_.numbers.push_back(reader_name(head_, roles_.weights));
    for (const int place : {roles_.ids, roles_.labels, roles_.sequence, label_place()})
      if (place >= 0 && index_of(texts_, place) == int(texts_.size())) {
        texts_.push_back(place);
        asked_.texts.push_back(reader_name(head_, place));
      }
    if (!asked_.numbers.empty()) return;
    for (int place = 0; place < int(names_.size()); ++place)
      if (!is_category(place) && index_of(texts_, place) == int(texts_.size()))
        asked_.others.push_back(reader_name(head_, place));
  }

  const std::string& path_;
  const TableHead& head_;
  const Reading& how_;
  bool kinds_, coded_;
  const TableFormat* fitted_;
  std::vector<std::string> names_;
  TableRoles roles_;
  std::map<int, ColumnKind> known_;
  std::vector<int> categories_, texts_;  // places in the file
  TextColumns asked_;
  ReadTable out_;
};

ReadTable read_array(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                     const TableFormat* fitted, const Reading& how) {
  ReadTable out;
  DatasetOptions options;
  options.array = config.array;
  options.pages = how.stream ? Pages::read_only : Pages::own;
  const Dataset d = load_dataset(path, options, &how.workers);
  const std::int64_t width = d.values.size() / d.rows();
  if (config.label != "auto" && config.label != "none")
    raise<ConfigError>(
        "{}: columns of {} have no names: --label \"{}\" needs a table with a header", path, d.kind,
        config.label);
  out.kind = d.kind;
  out.rows.single = d.values.dtype() == DType::f32;
  const Array values = d.values.reshaped(Shape{d.rows(), width});
  const std::vector<std::string> names = numbered("x", width);
  TableFormat& f = out.format;
  f.file_width = int(width);
  const TableRoles roles = roles_of(config, names, path);
  f.places = columns_and_target(config, names, "", roles.all(), path, &f.target);
  for (const int place : f.places) f.columns.push_back(names[std::size_t(place)]);
  const auto text = [&](int place) {
    return place < 0 ? RowTexts() : RowTexts(chosen_columns(values, {place}, how.stream));
  };
  if (roles.weights >= 0) out.rows.weights = held_column(values, roles.weights);
  out.rows.ids = text(roles.ids);
  out.classes = text(roles.labels);
  out.rows.sequences = text(roles.sequence);
  out.rows.x = chosen_columns(values, f.places, how.stream);
  if (needs.kinds) {
    settle_kinds(out.rows.x, f, known_kinds(needs, fitted, f.places, names, path), {}, !needs.coded,
                 fitted, path);
    if (!how.stream) out.rows.x = out.rows.x.made();
    const auto real = [](const std::string& kind) { return kind == "real"; };
    out.rows.single = out.rows.single && std::any_of(f.kinds.begin(), f.kinds.end(), real);
  }
  return out;
}

// A blank line is passed over; in a table of one column it may be meant for a row whose cell is
// missing, and in a series that is no matter of taste.
void check_no_blank_lines(const std::string& path) {
  const Bytes bytes = read_unpacked(path);
  std::string_view rest(reinterpret_cast<const char*>(bytes.data.get()), bytes.size);
  std::int64_t number = 0, blank = 0;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) {
      if (blank == 0) blank = number;
    } else if (blank > 0) {
      raise<DataError>("{}: line {} is blank: a row whose only cell is missing is written NA", path,
                       blank);
    }
  }
}

}  // namespace

Reading reading_of(const std::string& path, const TableConfig& config, Workers& workers,
                   const std::string& place, const Note& note) {
  if (config.stream != "auto" && config.stream != "always" && config.stream != "never")
    raise<ConfigError>("--stream \"{}\": one of auto, always, never", config.stream);
  std::error_code ignored;
  const auto size = std::filesystem::is_regular_file(path, ignored)
                        ? std::filesystem::file_size(path, ignored)
                        : 0;
  const auto larger = [&](std::uintmax_t than) {
    return size > 0 && (config.stream == "auto" ? size >= than : config.stream == "always");
  };
  return {workers, larger(kStreamed), larger(kConverted) ? place : std::string(), note};
}

ReadTable read_columns(const std::string& path, const TableConfig& config, TableNeeds needs,
                       const TableFormat* fitted, const Reading& how) {
  if (fitted && fitted->kinds.empty()) needs.kinds = needs.coded = false;  // numbers alone
  if (!config.labels.empty() && needs.components == 0)
    raise<ConfigError>("--labels \"{}\" says which component rows belong to: this model has none",
                       config.labels);
  if (!config.sequence.empty() && !needs.sequences)
    raise<ConfigError>("--sequence \"{}\": rows of this model do not follow each other",
                       config.sequence);
  const TableHead head = head_of(path);
  if (!head.first.empty() && !config.array.empty())
    raise<DataError>("{}: an array is named in an NPZ, this is csv", path);
  ReadTable out = head.first.empty() ? read_array(path, config, needs, fitted, how)
                                     : TextReader(path, config, needs, head, fitted, how).read();
  TableFormat& f = out.format;
  out.rows.streamed = how.stream;
  f.missing = out.rows.missing = check_cells(out.rows.x, f.columns, needs.missing, path);
  f.weights = config.weights;
  f.ids = config.ids;
  f.labels = config.labels;
  f.sequence = config.sequence;
  if (out.rows.weights.size() > 0) check_weights(out.rows.weights, config.weights, path);
  if (needs.sequences) {
    if (!head.first.empty() && f.file_width == 1) check_no_blank_lines(path);
    try {
      if (!out.rows.sequences.empty())
        out.rows.begins = begins_of(out.rows.sequences, config.sequence);
      if (out.rows.weights.size() > 0)
        check_sequence_weights(out.rows.weights, out.rows.begins, config.weights);
    } catch (const DataError& e) {
      raise<DataError>("{}: {}", path, e.what());
    }
  }
  if (needs.coded) code_categories(f, out.rows.x, path);
  if (needs.coded && !how.stream) out.rows.x = out.rows.x.made();
  return out;
}

}  // namespace fathom
