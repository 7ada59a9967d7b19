// Tables whose columns are of several kinds, as the models of zoo/column_mixture.h take them.
#pragma once

#include "fathom/jobs/column_components.h"
#include "fathom/zoo/column_mixture.h"

namespace fathom {

// Columns by their kinds, with weak priors from the table: a mean worth one row, a variance worth
// two, rates worth one count.
ColumnMixtureConfig column_config(const TableMoments& moments, const ColumnGroups& groups,
                                  bool missing);

// Rows as data "real", "bits", "counts" and "level.<j>"; made when they are read where rows are.
void add_column_data(const TableRows& rows, const ColumnGroups& groups, DataSet& set);

// What a start measures distances by, [n, features]: real columns and bits as they are, roots of
// counts (whose spread does not depend on their mean), indicators of categories.
Array column_features(const DataSet& set);

}  // namespace fathom
