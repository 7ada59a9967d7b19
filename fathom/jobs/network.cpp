#include "fathom/jobs/network.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/mixture_settings.h"
#include "fathom/jobs/row_blocks.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

constexpr std::pair<std::string_view, bool> kInference[] = {{"exact", false}, {"meanfield", true}};

std::string columns_text(const NetworkText& net) {
  return fmt::format("{}", fmt::join(net.names, ","));
}

}  // namespace

// The structure in one line, so that the run needs no file.
nlohmann::json NetworkTable::settings() const {
  nlohmann::json j = TableModelWith::settings();
  if (!settings_.structure.empty()) j["structure"] = NetworkText::of(settings_.structure).text();
  return j;
}

void NetworkTable::prepare(TableConfig& table) const {
  const std::string columns = columns_text(NetworkText::of(settings_.structure));
  if (!table.drop.empty() || (!table.columns.empty() && table.columns != columns))
    raise<ConfigError>("the structure names the columns: leave out --columns and --drop");
  table.columns = columns;
  table.standardize = false;
  if (table.label == "auto") table.label = "none";
}

TableNeeds NetworkTable::needs() const {
  TableNeeds n{.missing = true, .kinds = true};
  n.kind = "category=" + columns_text(NetworkText::of(settings_.structure));
  n.alike = n.absent = true;
  return n;
}

void NetworkTable::build(const TableMoments&, const TableFormat& format) {
  format_ = format;
  text_ = NetworkText::of(settings_.structure);
  text_.names = format.columns;
  states_ = format.levels;
  if (!(settings_.concentration > 0) || !(settings_.equivalent >= 0))
    raise<ConfigError>("--concentration must be above 0 and --equivalent not below, got {} and {}",
                       settings_.concentration, settings_.equivalent);
  word("method", settings_.method, kMethods);
  config_ = {};
  config_.names = text_.names;
  config_.structure.mean_field = word("inference", settings_.inference, kInference);
  config_.structure.parents = text_.parents;
  for (const auto& s : states_) config_.structure.states.push_back(std::int64_t(s.size()));
  config_.cell = settings_.concentration;
  config_.sample = settings_.equivalent;
  network_ = std::make_unique<DiscreteNetworkModel>(config_);
  if (!format.weights.empty()) weigh_rows(network_->model, network_->row);
}

DataSet NetworkTable::data(const TableRows& rows) const {
  const std::int64_t n = rows.count(), width = config_.structure.total_states();
  Array cells(DType::u8, Shape{n, width});
  each_row(rows.x, [&](std::int64_t i, const double* x) {
    std::uint8_t* to = cells.data<std::uint8_t>() + i * width;
    for (const std::int64_t states : config_.structure.states) {
      if (!std::isnan(*x)) to[std::int64_t(*x)] = 1;
      to += states;
      ++x;
    }
  });
  seen_ = rows.x;
  DataSet set;
  set.rows = n;
  set.columns["cells"] = cells;
  add_row_data(rows, format_, 0, set);
  return set;
}

CoordinateOptions NetworkTable::options() const {
  return {.factors = word("method", settings_.method, kMethods)};
}

Objective NetworkTable::objective() const {
  return objective_of(word("method", settings_.method, kMethods));
}

std::int64_t NetworkTable::free_parameters() const {
  std::int64_t total = 0;
  const auto& s = config_.structure;
  for (std::size_t v = 0; v < s.size(); ++v) total += s.configurations(v) * (s.states[v] - 1);
  return total;
}

std::string NetworkTable::describe() const {
  std::size_t arrows = 0;
  for (const auto& p : text_.parents) arrows += p.size();
  const std::string prior =
      settings_.method == "em" ? ""
      : settings_.equivalent > 0
          ? fmt::format(", a prior worth {:g} row{} (BDeu)", settings_.equivalent,
                        settings_.equivalent == 1 ? "" : "s")
          : fmt::format(", a pseudo-count of {:g} in every cell", settings_.concentration);
  return fmt::format(
      "{} variables, {} arrow{}, tables of {} cells; missing cells {}; {}{}", text_.names.size(),
      arrows, arrows == 1 ? "" : "s", config_.structure.total_cells(),
      config_.structure.mean_field ? "by independent variables" : "summed out exactly",
      settings_.method == "em"    ? "maximum likelihood"
      : settings_.method == "map" ? "posterior mode"
                                  : "variational Bayes",
      prior);
}

NetworkTables NetworkTable::tables(const State& state) const {
  return NetworkTables::of(text_, states_, state, settings_.method != "vb");
}

RowPredictions NetworkTable::predict(const State& state, const TableRows& rows,
                                     Workers& workers) const {
  const NetworkTables t = tables(state);
  const std::int64_t n = rows.count(), width = t.structure.total_states();
  const auto d = std::int64_t(t.names.size());
  RowPredictions out;
  out.names = t.names;
  out.levels = states_;
  for (std::size_t v = 0; v < t.names.size(); ++v)
    for (const std::string& s : states_[v]) out.names.push_back("p." + t.names[v] + "=" + s);
  Array p;
  t.rows(rows.x, workers, &p, &out.log_density);
  out.values = Array(DType::f64, Shape{n, d + width});
  for (std::int64_t i = 0; i < n; ++i) {
    const double* from = p.data<double>() + i * width;
    double* to = out.values.data<double>() + i * (d + width);
    std::copy_n(from, width, to + d);
    for (std::int64_t v = 0; v < d; ++v) {
      const std::int64_t k = t.structure.states[std::size_t(v)];
      to[v] = std::isnan(*from) ? NAN : double(std::max_element(from, from + k) - from);
      from += k;
    }
  }
  return out;
}

FilledRows NetworkTable::fill(const State& state, const TableRows& rows, Workers& workers) const {
  const RowPredictions p = predict(state, rows, workers);
  const auto d = std::int64_t(text_.names.size()), n = rows.count();
  const auto width = std::int64_t(p.names.size());
  FilledRows out{Array(DType::f64, Shape{n, d}), Array(DType::f64, Shape{n, d})};
  for (std::int64_t i = 0; i < n; ++i) {
    const double* from = p.values.data<double>() + i * width;
    std::int64_t at = d;
    for (std::int64_t v = 0; v < d; ++v) {
      out.values.data<double>()[i * d + v] = out.sd.data<double>()[i * d + v] = from[v];
      if (std::isnan(from[v])) continue;
      const double q = from[at + std::int64_t(from[v])];
      out.sd.data<double>()[i * d + v] = std::sqrt(q * (1 - q));
      at += config_.structure.states[std::size_t(v)];
    }
  }
  return out;
}

std::vector<PosteriorRow> NetworkTable::posterior(const State& state, const TableFormat&) const {
  const NetworkTables t = tables(state);
  std::vector<PosteriorRow> out;
  std::int64_t at = 0;
  for (std::size_t v = 0; v < t.names.size(); ++v)
    for (std::int64_t j = 0; j < t.structure.configurations(v); ++j) {
      const std::int64_t k = t.structure.states[v];
      double total = 0;
      for (std::int64_t i = 0; i < k; ++i) total += t.counts[std::size_t(at + i)];
      for (std::int64_t i = 0; i < k; ++i, ++at) {
        const std::string given = t.configuration(v, j);
        const std::string element =
            states_[v][std::size_t(i)] + (given.empty() ? "" : " | " + given);
        const double a = t.counts[std::size_t(at)];
        out.push_back(t.points || k == 1 ? point_row(t.names[v], element, t.probability(at))
                                         : beta_row(t.names[v], element, a, total - a));
      }
    }
  return out;
}

Array NetworkTable::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return tables(state).sample(count, key);
}

}  // namespace fathom
