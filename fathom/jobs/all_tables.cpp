#include "fathom/jobs/all_tables.h"

namespace fathom {

std::unique_ptr<TableModel> make_table_model(const std::string& task) {
  std::unique_ptr<TableModel> made;
  for_table_models([&]<class M>() {
    if (task == M::kTask) made = std::make_unique<M>();
  });
  return made;
}

}  // namespace fathom
