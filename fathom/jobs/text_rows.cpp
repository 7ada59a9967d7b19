#include "fathom/jobs/text_rows.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/table_roles.h"

namespace fathom {

double CellCodes::of(const std::string& cell) {
  if (is_missing(cell)) return NAN;
  const auto known = codes_.find(cell);
  if (known != codes_.end()) return known->second;
  if (names_.size() > kMost) return double(kMost);
  names_.push_back(cell);
  return codes_[cell] = double(names_.size() - 1);
}

Array with_codes(const Array& numbers, const std::vector<std::vector<std::string>>& cells,
                 std::span<CellCodes> codes) {
  if (codes.empty()) return numbers;
  const std::int64_t n = numbers.shape().extent(0), d = numbers.shape().extent(1),
                     width = d + std::int64_t(codes.size());
  Array out(DType::f64, Shape{n, width});
  for (std::int64_t i = 0; i < n; ++i) {
    double* to = out.data<double>() + i * width;
    if (d > 0) std::copy_n(numbers.data<double>() + i * d, d, to);
    for (std::size_t k = 0; k < codes.size(); ++k)
      to[d + std::int64_t(k)] = codes[k].of(cells[k][std::size_t(i)]);
  }
  return out;
}

TextRows held_text(const std::string& path, const TextColumns& columns, Workers& workers) {
  DatasetOptions options;
  options.columns = columns.numbers;
  options.drop = columns.others;
  options.pages = Pages::read_only;
  options.text = columns.categories;
  options.text.insert(options.text.end(), columns.texts.begin(), columns.texts.end());
  Dataset d = load_dataset(path, options, &workers);
  const std::size_t categories = columns.categories.size();
  std::vector<CellCodes> codes(categories);
  TextRows out;
  out.values = with_codes(d.values, d.text, codes);
  for (const CellCodes& c : codes) out.names.push_back(c.names());
  for (std::size_t k = categories; k < d.text.size(); ++k) {
    out.texts.emplace_back(d.text[k]);
    d.text[k] = std::vector<std::string>();  // gives its memory back
  }
  return out;
}

}  // namespace fathom
