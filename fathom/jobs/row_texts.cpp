#include "fathom/jobs/row_texts.h"

#include <fmt/format.h>

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
  const std::int64_t at = row * ends_.shape().extent(1) + column_;
  const std::int64_t* ends = ends_.data<std::int64_t>();
  const std::int64_t first = at == 0 ? 0 : ends[at - 1] + 1;
  const std::uint8_t* bytes = bytes_.data<std::uint8_t>();
  return {bytes + first, bytes + ends[at]};
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
