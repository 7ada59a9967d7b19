#include "fathom/climb/gradient_climb.h"

#include <cmath>

#include "fathom/autodiff/gradient.h"
#include "fathom/exec/reference.h"

namespace fathom {

namespace {

void check_weights(const Array& stored) {
  const Array w = stored.cast(DType::f64);
  double total = 0;
  for (std::int64_t i = 0; i < w.size(); ++i) {
    const double v = w.data<double>()[i];
    if (!(v >= 0) || !std::isfinite(v))
      raise<DataError>("row {}: a weight of {} (weights are finite and not negative)", i + 1, v);
    total += v;
  }
  if (!(total > 0)) raise<DataError>("all weights are zero");
}

}  // namespace

void check_data(const Model& model, const DataSet& data) {
  for (std::size_t i = 0; i < model.size(); ++i) {
    const ExprInfo& e = model.info(int(i));
    if (e.kind != ExprKind::data) continue;
    const auto found = data.columns.find(e.name);
    if (found == data.columns.end())
      raise<DataError>("the model reads \"{}\", which the data lack", e.name);
    const Array& a = found->second;
    std::int64_t width = e.event.size();
    for (const int p : e.plates)
      if (!model.plates()[std::size_t(p)].streamed()) width *= model.plates()[std::size_t(p)].size;
    if (a.dtype() != e.stored || a.size() != data.rows * width)
      raise<DataError>("\"{}\" is {} {}; the model wants {} rows of {} {}", e.name,
                       name_of(a.dtype()), a.shape().text(), data.rows, name_of(e.stored),
                       e.event.text());
  }
  if (data.rows < 1) raise<DataError>("the data have no rows");
  for (const PlateInfo& p : model.plates())
    if (p.weight >= 0) check_weights(data.columns.at(model.info(p.weight).name));
}

void GradientClimb::init(const Model& model, Key key, State& state) {
  std::uint64_t n = 0;
  for (const nn::Parameter& p : parameters_of(model))
    nn::initialise(p, fold(key, n++), state.slot(p.name, model.dtype(), p.shape));
}

namespace {

Value total(Value v) { return sum(cast(v, DType::f64)); }

void set(Array& a, double value) {
  if (a.dtype() == DType::f32) {
    *a.data<float>() = float(value);
  } else {
    *a.data<double>() = value;
  }
}

}  // namespace

GradientClimb::GradientClimb(const Model& model, const ClimbOptions& options, State& state)
    : graph_(std::make_unique<Graph>(op_table())), options_(options) {
  LowerOptions lower;
  lower.capacity = options.batch;
  lower.samples = options.samples;
  lower.gather = true;
  Lowering lowering(model, *graph_, lower);
  lowering.ids();
  terms_ = lowering.terms();
  const DType dtype = model.dtype();
  Graph& g = *graph_;
  const Value per_row = g.data("per_row", dtype, {}), per_total = g.data("per_total", dtype, {});
  Value rows, globals;
  for (const Term& t : terms_) {
    Value& part = t.plate >= 0 ? rows : globals;
    part = part ? part + t.value : t.value;
    outputs_.push_back(total(t.value));
  }
  // Minimise minus the bound per row: the mean over the batch and the share of global terms.
  Value loss = rows ? sum(rows) * per_row : Value();
  if (globals) loss = loss ? loss + sum(globals) * per_total : sum(globals) * per_total;
  loss = -loss;
  const std::vector<Value> parameters = lowering.parameters();
  const std::vector<Value> gradients = gradient(loss, parameters);
  const std::vector<Update> updates =
      descent(g, parameters, gradients, options.optimiser, options.clip);
  program_ = std::make_unique<Program>(g, outputs_, updates, state);
  rate_ = Array(dtype, {});
  epsilon_ = Array(dtype, {});
  per_row_ = Array(dtype, {});
  per_total_ = Array(dtype, {});
  if (!parameters.empty()) {
    program_->bind("step.rate", rate_);
    program_->bind("step.epsilon", epsilon_);
  }
  program_->bind("per_row", per_row_);
  program_->bind("per_total", per_total_);  // ignored where every term lies on the plate
  index_ = program_->input("index");
}

void GradientClimb::bind(const DataSet& data) {
  rows_ = data.rows;
  for (const auto& [name, array] : data.columns)
    if (graph_->find_input("data." + name)) program_->bind("data." + name, array);
  set(per_total_, 1.0 / double(rows_));
}

StepInfo GradientClimb::step(std::span<const std::int64_t> index, Key key, double rate,
                             std::int64_t t, Workers& workers) {
  const StepSizes sizes = step_sizes(options_.optimiser, rate, t);
  set(rate_, sizes.rate);
  set(epsilon_, sizes.epsilon);
  set(per_row_, 1.0 / double(index.size()));
  program_->bind_raw(index_, index.data(), std::int64_t(index.size()));
  program_->set_key("key", key);
  program_->run(workers);
  StepInfo info;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    info.terms.push_back(program_->scalar(int(i)));
    info.elbo +=
        terms_[i].plate >= 0 ? info.terms[i] : info.terms[i] * double(index.size()) / double(rows_);
  }
  return info;
}

std::string GradientClimb::locate(std::span<const std::int64_t> index, Key key, const DataSet& data,
                                  const State& state) {
  Bindings b;
  for (const auto& [name, array] : state.slots()) b[name] = array;
  for (const auto& [name, array] : data.columns) {
    // The whole table is one input: gathered first, so that the oracle sees the batch alone.
    b["data." + name] = array;
  }
  b["index"] = Array::of<std::int64_t>({std::int64_t(index.size())}, index);
  b["step.rate"] = rate_;
  b["step.epsilon"] = epsilon_;
  b["per_row"] = per_row_;
  b["per_total"] = per_total_;
  Array k(DType::key, {});
  *k.data<Key>() = key;
  b["key"] = k;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    const std::string where =
        locate_non_finite(*graph_, std::span<const Value>(&outputs_[i], 1), b);
    if (!where.empty()) return fmt::format("term \"{}\" at {}", terms_[i].name, where);
  }
  return "an update of the parameters";
}

}  // namespace fathom
