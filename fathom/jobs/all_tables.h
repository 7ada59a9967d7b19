// The list of models of tables. Commands, run folders and help are loops over it.
#pragma once

#include <memory>
#include <tuple>

#include "fathom/jobs/factors.h"
#include "fathom/jobs/gmm.h"
#include "fathom/jobs/hmm.h"
#include "fathom/jobs/lds.h"
#include "fathom/jobs/mfa.h"
#include "fathom/jobs/mixture.h"
#include "fathom/jobs/network.h"
#include "fathom/jobs/regression.h"

namespace fathom {

using TableModels =
    std::tuple<Gmm, Mixture, Ppca, Fa, Bpca, Mfa, RegressionTable, Hmm, Lds, NetworkTable>;

// Calls f.template operator()<M>() for every model M of the list.
template <class F>
void for_table_models(F&& f) {
  [&]<class... M>(std::tuple<M...>*) {
    (f.template operator()<M>(), ...);
  }(static_cast<TableModels*>(nullptr));
}

// The model that a run's config.json calls `task`; null where there is none.
std::unique_ptr<TableModel> make_table_model(const std::string& task);

}  // namespace fathom
