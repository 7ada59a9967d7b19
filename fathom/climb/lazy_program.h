// A program that is planned when it is first run, on data whose rows may change between runs.
#pragma once

#include <memory>
#include <vector>

#include "fathom/climb/gradient_climb.h"
#include "fathom/exec/program.h"

namespace fathom {

// What programs see of a data set: some of its rows, without a copy.
class RowWindow {
 public:
  explicit RowWindow(const DataSet& data) : data_(data), seen_(data) {}
  void show(std::int64_t first, std::int64_t count);
  // Another column in the place of one of the data's, before any rows are shown.
  void replace(const std::string& column, const Array& by) {
    data_.columns[column] = seen_.columns[column] = by;
  }
  // What an input other than the data's reads, all rows of which are seen.
  void add(const std::string& input, const Array& column);
  const std::map<std::string, Array>& added() const { return added_; }
  const DataSet& seen() const { return seen_; }
  const DataSet& all() const { return data_; }
  int version() const { return version_; }
  // Of all programs that see these rows.
  const std::shared_ptr<SharedArena>& arena() const { return arena_; }

 private:
  DataSet data_, seen_;
  std::map<std::string, Array> added_;
  int version_ = 0;
  std::shared_ptr<SharedArena> arena_ = std::make_shared<SharedArena>();
};

class LazyProgram {
 public:
  LazyProgram() = default;
  LazyProgram(Graph& graph, State& state, const RowWindow& rows, std::vector<Value> outputs,
              std::vector<Update> updates)
      : graph_(&graph),
        state_(&state),
        rows_(&rows),
        outputs_(std::move(outputs)),
        updates_(std::move(updates)) {}

  explicit operator bool() const { return graph_ != nullptr; }
  // The planned program, bound to the rows that are seen.
  Program& get();
  void run(Workers& workers) { get().run(workers); }
  double scalar(int k) const { return program_->scalar(k); }

 private:
  Graph* graph_ = nullptr;
  State* state_ = nullptr;
  const RowWindow* rows_ = nullptr;
  std::vector<Value> outputs_;
  std::vector<Update> updates_;
  std::unique_ptr<Program> program_;
  int bound_ = -1;
};

}  // namespace fathom
