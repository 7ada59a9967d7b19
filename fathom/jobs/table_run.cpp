#include "fathom/jobs/table_run.h"

#include <algorithm>
#include <cstring>

#include "fathom/jobs/all_tables.h"

namespace fathom {

namespace {

// "weights.natural.0"; not what a step remembers of it ("weights.natural.old.0", climb/site.h).
bool is_factor(const std::string& slot) {
  const std::string role = ".natural.";
  const std::size_t at = slot.rfind(role);
  return at != std::string::npos &&
         slot.find_first_not_of("0123456789", at + role.size()) == std::string::npos;
}

const Array& tensor(const Tensors& t, const std::string& name, const std::string& file) {
  const auto found = t.arrays.find(name);
  if (found == t.arrays.end()) raise<DataError>("{}: has no tensor \"{}\"", file, name);
  if (found->second.dtype() != DType::f64)
    raise<DataError>("{}: tensor \"{}\" is {}, not f64", file, name,
                     name_of(found->second.dtype()));
  return found->second;
}

// Slots of a climb that nobody has run: names and shapes that the tensors must have.
void read_factors(TableRun& run, const Tensors& tensors, const std::string& file) {
  const std::int64_t d = run.format.width();
  TableRows one_row;
  one_row.x = Array(DType::f64, Shape{1, d});
  State wanted;
  const CoordinateClimb climb(run.model->model(), run.model->data(one_row), wanted,
                              run.model->options());
  for (const auto& [name, slot] : wanted.slots()) {
    if (!is_factor(name)) continue;
    const Array& a = tensor(tensors, name, file);
    bool fits = a.shape().rank() == slot.shape().rank();  // axes in the file have no labels
    for (int i = 0; fits && i < a.shape().rank(); ++i)
      fits = a.shape().extent(i) == slot.shape().extent(i);
    if (!fits)
      raise<DataError>("{}: tensor \"{}\" is {}, which is not what the model has", file, name,
                       a.shape().text());
    std::memcpy(run.state.slot(name, a.dtype(), slot.shape()).raw(), a.raw(), a.bytes());
  }
}

}  // namespace

std::string_view name_of(Objective o) {
  switch (o) {
    case Objective::penalised: return "penalised log-likelihood";
    case Objective::likelihood: return "log-likelihood";
    case Objective::classification: return "classification log-likelihood";
    case Objective::evidence: return "maximised log evidence";
    default: return "ELBO";
  }
}

Objective objective_of(Factors factors) {
  return factors == Factors::likelihood ? Objective::likelihood
         : factors == Factors::mode     ? Objective::penalised
                                        : Objective::elbo;
}

std::string task_of_run(const std::string& path) {
  const nlohmann::json config = RunFolder::open(path).read_json("config.json");
  const auto task = config.find("task");
  return task != config.end() && task->is_string() ? task->get<std::string>() : std::string();
}

TableRun open_table_run(const std::string& path) {
  TableRun run{RunFolder::open(path), {}, {}, {}, {}, {}, nullptr, {}};
  run.config = run.folder.read_json("config.json");
  const std::string file = run.folder.file("config.json");
  run.model = make_table_model(run.config.value("task", ""));
  if (!run.model)
    raise<DataError>("{}: the run of fit {}, not of a model of tables", file,
                     run.config.value("task", "?"));
  try {
    from_json(run.config.at("settings"), run.settings, file);
    run.model->set(run.config.at("settings"), file);
    from_json(run.config.at("table"), run.format, file);
    run.data = run.config.at("data").at("source").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    raise<DataError>("{}: damaged: it lacks settings, table or data", file);
  }
  const auto width = std::size_t(run.format.width());
  if (width == 0 || run.format.shift.size() != width || run.format.scale.size() != width)
    raise<DataError>("{}: damaged: columns, shift and scale differ in number", file);
  if (!run.folder.has("model.safetensors"))
    raise<DataError>("{}: the run has no model.safetensors; fit it anew with --force", path);
  const std::string model = run.folder.file("model.safetensors");
  const Tensors tensors = run.folder.read_tensors("model.safetensors");
  run.moments.mean = tensor(tensors, "table.mean", model);
  run.moments.covariance = tensor(tensors, "table.covariance", model);
  run.moments.rows = run.config.at("data").value("rows", std::int64_t(0));
  if (run.moments.mean.size() != run.format.width() ||
      run.moments.covariance.size() != run.format.width() * run.format.width())
    raise<DataError>("{}: its moments are not those of {} columns", model, run.format.width());
  run.model->build(run.moments, run.format);
  read_factors(run, tensors, model);
  return run;
}

TableRows rows_for(TableRun& run, const std::string& data, Workers& workers, bool as_in_file) {
  TableFormat format = run.format;
  if (as_in_file) {
    std::fill(format.shift.begin(), format.shift.end(), 0.0);
    std::fill(format.scale.begin(), format.scale.end(), 1.0);
  }
  TableRows rows = load_table_rows(data, run.settings.table, format, run.model->needs(), workers,
                                   run.folder.file("table"));
  if (!run.format.missing && rows.missing) {
    run.format.missing = true;
    run.model->build(run.moments, run.format);
  }
  try {
    run.model->check(rows.x);
  } catch (const DataError& e) {
    raise<DataError>("{}: {}", data, e.what());
  }
  return rows;
}

void write_table_model(RunFolder& folder, const State& state, const TableMoments& moments) {
  Tensors out;
  for (const auto& [name, a] : state.slots())
    if (is_factor(name)) out.arrays[name] = a;
  out.arrays["table.mean"] = moments.mean;
  out.arrays["table.covariance"] = moments.covariance;
  out.metadata["format"] = std::to_string(RunFolder::kFormat);
  folder.write_tensors("model.safetensors", out);
}

void assign_factors(const State& fitted, State& state) {
  for (const auto& [name, a] : fitted.slots()) {
    if (!is_factor(name)) continue;
    Array* to = state.find(name);
    if (!to || to->bytes() != a.bytes())
      raise<ShapeError>("[assign factors] \"{}\" of {} does not fit", name, a.shape().text());
    std::memcpy(to->raw(), a.raw(), a.bytes());
  }
}

}  // namespace fathom
