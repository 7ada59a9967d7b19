// Small tables for tests of fits, and their configurations.
#pragma once

#include <gtest/gtest.h>

#include <fstream>

#include "fathom/io/csv.h"
#include "fathom/jobs/all_tables.h"
#include "fathom/jobs/fit_table.h"
#include "tests/jobs/small_data.h"

namespace fathom::testing {

inline const char* kFaithful = FATHOM_SOURCE_DIR "/data/faithful.csv";

inline Array old_faithful() { return read_csv(kFaithful).values; }

inline TableRows rows_of(const Array& x) {
  TableRows rows;
  rows.x = x;
  return rows;
}

// A fit of a kind of model; `change` its settings.
template <class M, class F>
FitTableConfig table_fit(const std::string& data, const std::string& run, F&& change) {
  FitTableConfig c;
  const auto model = std::make_shared<M>();
  c.data = data;
  c.run = run;
  c.model = model;
  c.threads = 1;
  change(model->settings_, c);
  return c;
}

template <class F>
FitTableConfig gmm_fit(const std::string& data, const std::string& run, F&& change) {
  return table_fit<Gmm>(data, run, std::forward<F>(change));
}

// Fits of tables to the run folder path("run"), each over the one before.
class TableFits : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  template <class M, class F>
  nlohmann::json fit(const std::string& data, F&& change) const {
    FitTableConfig c = table_fit<M>(data, path("run"), change);
    c.force = true;
    return fit_table(c, {}).summary;
  }
  TempFolder folder_;
};

// Normal rows [n, d] around one of two centres, 0 and `apart` in every column.
inline Array two_clusters(std::int64_t n, std::int64_t d, double apart) {
  Array x(DType::f64, Shape{n, d});
  kernels::fill_normal(Key{3, 1}, nullptr, 0, n, d, x.data<double>());
  for (std::int64_t i = 0; i < x.size(); ++i)
    if ((i / d) % 3 == 0) x.data<double>()[i] += apart;
  return x;
}

inline double sum_of_terms(const nlohmann::json& summary) {
  double total = 0;
  for (const auto& [name, value] : summary.at("terms").items()) total += value.get<double>();
  return total;
}

}  // namespace fathom::testing
