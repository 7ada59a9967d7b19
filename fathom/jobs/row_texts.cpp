#include "fathom/jobs/row_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fathom {

RowTexts::RowTexts(const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  std::int64_t size = 0;
  ends_ = Array(DType::i64, Shape{std::int64_t(texts.size()), 1});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ends_.data<std::int64_t>()[i] = size + std::int64_t(texts[i].size());
    size = ends_.data<std::int64_t>()[i] + 1;
  }
  bytes_ = Array(DType::u8, Shape{size, 1});
  std::uint8_t* to = bytes_.data<std::uint8_t>();
  for (const std::string& text : texts) {
    to = std::copy(text.begin(), text.end(), to);
    *to++ = '\n';
  }
}

RowTexts::RowTexts(Array numbers) : numbers_(std::move(numbers)) {}

RowTexts::RowTexts(Array bytes, Array ends, std::int64_t column)
    : bytes_(std::move(bytes)), ends_(std::move(ends)), column_(column) {}

std::string RowTexts::operator[](std::int64_t row) const {
  if (ends_.empty()) {
    const double v = numbers_.part(row, 1).made().data<double>()[0];
    return std::isnan(v) ? std::string() : fmt::format("{}", v);
  }
  return std::string(cell(row));
}

std::string_view RowTexts::cell(std::int64_t row) const {
  const std::int64_t at = row * ends_.shape().extent(1) + column_;
  const std::int64_t* ends = ends_.data<std::int64_t>();
  const std::int64_t first = at == 0 ? 0 : ends[at - 1] + 1;
  return {reinterpret_cast<const char*>(bytes_.raw()) + first, std::size_t(ends[at] - first)};
}

std::vector<std::int64_t> RowTexts::changes() const {
  std::vector<std::int64_t> out;
  constexpr std::int64_t block = 4096;
  double last = 0;
  for (std::int64_t first = 0; first < size() && ends_.empty(); first += block) {
    const Array some = numbers_.part(first, std::min(block, size() - first)).made();
    for (std::int64_t i = 0; i < some.size(); ++i) {
      const double v = some.data<double>()[i];
      if (first + i == 0 || !(v == last || (std::isnan(v) && std::isnan(last))))
        out.push_back(first + i);
      last = v;
    }
  }
  for (std::int64_t i = 0; i < rows_of(ends_); ++i)
    if (i == 0 || cell(i) != cell(i - 1)) out.push_back(i);
  return out;
}

std::vector<std::string> RowTexts::all() const {
  std::vector<std::string> out;
  out.reserve(std::size_t(size()));
  for (std::int64_t i = 0; i < size(); ++i) out.push_back((*this)[i]);
  return out;
}

RowTexts RowTexts::chosen(std::span<const std::int64_t> rows) const {
  std::vector<std::string> out;
  if (!empty())
    for (const std::int64_t i : rows) out.push_back((*this)[i]);
  return RowTexts(out);
}

}  // namespace fathom
