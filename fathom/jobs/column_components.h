// A fitted mixture of columns of any kind as numbers: the parameters of every component, densities
// of rows under its posterior predictive, and draws.
//
// Under variational Bayes the predictive of a real column is a Student t, of a count a negative
// binomial (the Poisson averaged over its rate), of bits and categories their expected
// probabilities; at point estimates it is the likelihood itself.
#pragma once

#include "fathom/base/key.h"
#include "fathom/jobs/column_kinds.h"
#include "fathom/jobs/mixture_settings.h"

namespace fathom {

// Which columns of a table are of which kind, each in the order of the table.
struct ColumnGroups {
  std::vector<std::size_t> real, bits, counts, categories;
  std::vector<std::int64_t> levels;  // of each column of categories

  static ColumnGroups of(const TableFormat& format);
};

struct ColumnComponents {
  ColumnGroups groups;
  bool points = false;
  Array weight, rows;    // [components]
  Array mean, variance;  // [components, real]
  Array scale, dof;      // of the predictive of real columns, [components, real]; dof 0: normal
  Array probability;     // of a one, [components, bits]
  Array shape, rate;     // of the rates of counts, [components, counts]; points: shape / rate
  std::vector<Array> tables;  // of each column of categories, [components, levels]

  std::int64_t count() const { return weight.size(); }
  // log p(x, component) of rows [n, columns]: [n, components]; missing cells leave their term out.
  Array log_joint(const Array& rows, Workers& workers) const;
  Array sample(std::int64_t n, std::int64_t width, Key key) const;
};

ColumnComponents column_components_of(const State& state, const ColumnGroups& groups, bool points,
                                      const ComponentWeights& weights);
inline ColumnComponents column_components_of(const State& state, const ColumnGroups& groups,
                                             const MixtureSettings& settings) {
  return column_components_of(state, groups, settings.points(), component_weights(state, settings));
}

// What columns are expected to be, to "columns" of each member of `all`, in the file's units.
void summarise_columns(const ColumnComponents& c, const TableFormat& format, nlohmann::json& all);
// The same on a page, of components or states as `noun` says.
void report_columns(const nlohmann::json& all, const std::string& noun, const TableFormat& format,
                    Page& page);

}  // namespace fathom
