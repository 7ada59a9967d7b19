#include "fathom/climb/lazy_program.h"

namespace fathom {

void RowWindow::show(std::int64_t first, std::int64_t count) {
  if (first < 0 || count < 1 || first + count > data_.rows)
    raise<DataError>("rows {} to {} of {}", first, first + count, data_.rows);
  seen_.rows = count;
  for (const auto& [name, a] : data_.columns) {
    const std::int64_t step = a.shape().extent(0) / data_.rows;
    seen_.columns[name] = a.part(first * step, count * step);
  }
  ++version_;
}

void RowWindow::add(const std::string& input, const Array& column) {
  added_[input] = column;
  ++version_;
}

Program& LazyProgram::get() {
  if (!program_)
    program_ = std::make_unique<Program>(*graph_, outputs_, updates_, *state_, PlanOptions{},
                                         rows_->arena());
  if (bound_ != rows_->version()) {
    for (const InputInfo& i : graph_->graph_inputs()) {  // columns that no term reads are no inputs
      if (i.kind != InputKind::data) continue;
      const bool data = i.name.rfind("data.", 0) == 0;
      const auto& columns = data ? rows_->seen().columns : rows_->added();
      const auto column = columns.find(data ? i.name.substr(5) : i.name);
      if (column != columns.end()) program_->bind(i.name, column->second);
    }
    bound_ = rows_->version();
  }
  return *program_;
}

}  // namespace fathom
