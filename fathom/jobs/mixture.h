// Mixtures of tables whose columns are of any kind: `fathom fit mixture`. The model is
// zoo/column_mixture.h.
#pragma once

#include <memory>

#include "fathom/jobs/column_components.h"
#include "fathom/zoo/column_mixture.h"

namespace fathom {

struct MixtureOfColumnsSettings : MixtureSettings {
  std::string kind;

  static void fields(auto& self, auto&& f) {
    MixtureSettings::fields(self, f);
    f("kind", self.kind,
      "kinds of columns, where the guess is wrong: \"count=a,b real=c\"; real, binary, count, "
      "category");
  }
};

class Mixture : public MixtureModelWith<MixtureOfColumnsSettings> {
 public:
  static constexpr std::string_view kTask = "mixture";
  static constexpr std::string_view kBrief =
      "a mixture of columns of any kind: real numbers, bits, counts, categories";
  static constexpr std::string_view kExample =
      "fathom fit mixture patients.csv -o RUN --components 4 --kind count=visits";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Mixture"; }
  TableNeeds needs() const override {
    return {true, settings_.components.last, true, settings_.kind};
  }
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return mixture_->model; }
  DataSet data(const TableRows& rows) const override;
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  std::string fault(const State& state) const override;
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override;
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  ColumnComponents components(const State& state) const {
    return column_components_of(state, groups_, settings_);
  }

 private:
  TableFormat format_;
  ColumnGroups groups_;
  std::unique_ptr<ColumnMixture> mixture_;
};

}  // namespace fathom
