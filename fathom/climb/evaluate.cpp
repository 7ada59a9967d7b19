#include "fathom/climb/evaluate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace fathom {

// A program over chunks of rows, with the data bound where they lie.
struct Evaluator::Chunked {
  Graph graph{op_table()};
  std::unique_ptr<Lowering> lowering;
  std::vector<Value> outputs;
  std::unique_ptr<Program> program;
  std::int64_t chunk;

  Chunked(const Model& model, LowerOptions lower) : chunk(lower.capacity) {
    lowering = std::make_unique<Lowering>(model, graph, std::move(lower));
  }
  void plan(State& state) {
    program = std::make_unique<Program>(graph, outputs, std::span<const Update>{}, state);
  }

  // Runs over all rows; after each chunk calls each(first row, rows).
  void run(const DataSet& data, Key key, Workers& workers,
           const std::function<void(std::int64_t, std::int64_t)>& each,
           const std::function<void(std::int64_t, std::int64_t)>& before = {}) {
    std::vector<std::int64_t> ids(static_cast<std::size_t>(data.rows));
    std::iota(ids.begin(), ids.end(), std::int64_t(0));
    if (graph.find_input("key")) program->set_key("key", key);
    for (std::int64_t first = 0; first < data.rows; first += chunk) {
      const std::int64_t rows = std::min(chunk, data.rows - first);
      for (const auto& [name, array] : data.columns) {
        const std::string input = "data." + name;
        if (!graph.find_input(input)) continue;
        const std::size_t row_bytes = array.bytes() / std::size_t(data.rows);
        program->bind_raw(program->input(input), array.raw() + std::size_t(first) * row_bytes,
                          rows);
      }
      if (graph.find_input("ids"))
        program->bind_raw(program->input("ids"), ids.data() + first, rows);
      if (before) before(first, rows);
      program->run(workers);
      each(first, rows);
    }
  }
};

Evaluator::Evaluator(const Model& model, const EvaluateOptions& options, State& state)
    : model_(model), options_(options), state_(state) {}
Evaluator::~Evaluator() = default;

namespace {

Value wide(Value v) { return is_real(v.dtype()) ? cast(v, DType::f64) : v; }

// Standard error of a sum of independent rows.
double error_of_sum(const std::vector<double>& x) {
  const auto n = double(x.size());
  if (x.size() < 2) return 0;
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double s = 0;
  for (double v : x) s += (v - mean) * (v - mean);
  return std::sqrt(s / (n - 1) * n);
}

}  // namespace

Evaluation Evaluator::elbo(const DataSet& data, Key key, Workers& workers) {
  check_data(model_, data);
  if (!elbo_) {
    LowerOptions lower;
    lower.capacity = options_.chunk;
    lower.samples = options_.samples;
    elbo_ = std::make_unique<Chunked>(model_, lower);
    terms_ = elbo_->lowering->terms();
    for (const Term& t : terms_) elbo_->outputs.push_back(wide(t.value));
    elbo_->plan(state_);
  }
  Evaluation e;
  e.rows = data.rows;
  e.per_row.assign(std::size_t(data.rows), 0);
  for (const Term& t : terms_) e.terms.push_back({t.name, 0, t.how});
  double globals = 0;
  elbo_->run(data, key, workers, [&](std::int64_t first, std::int64_t rows) {
    globals = 0;
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      const double* v = elbo_->program->output(int(i)).data<double>();
      if (terms_[i].plate < 0) {
        e.terms[i].value = *v;
        globals += *v;
        continue;
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        e.per_row[std::size_t(first + r)] += v[r];
        e.terms[i].value += v[r];
      }
    }
  });
  e.elbo = globals;
  for (const TermValue& t : e.terms) e.elbo += t.value;
  e.elbo -= globals;
  e.elbo_per_row = e.elbo / double(data.rows);
  e.elbo_se = error_of_sum(e.per_row);
  return e;
}

LogEvidence Evaluator::log_evidence(const DataSet& data, std::int64_t draws, Key key,
                                    Workers& workers, const std::function<void()>& between) {
  check_data(model_, data);
  if (draws < 1) raise<ConfigError>("the number of draws must be at least 1, got {}", draws);
  constexpr std::int64_t kDraws = 50, kRows = 64;
  LowerOptions lower;
  lower.capacity = kRows;
  Chunked encode(model_, lower);
  std::vector<std::string> names;
  for (const LatentInfo& z : model_.latents()) {
    if (!model_.streamed(model_.info(z.expr)))
      raise<ConfigError>(
          "log p(x) by importance weights needs every latent on the plate of the rows; \"{}\" is "
          "global",
          model_.info(z.expr).name);
    for (const auto& [name, v] : encode.lowering->guide_arguments(z)) {
      names.push_back(name);
      encode.outputs.push_back(v);
    }
  }
  encode.plan(state_);

  lower.weights = true;
  lower.bind_guides = true;
  lower.samples = int(std::min(kDraws, draws));
  Chunked weigh(model_, lower);
  weigh.outputs = {wide(weigh.lowering->log_weights())};
  weigh.plan(state_);
  const std::int64_t width = lower.samples;

  LogEvidence out;
  out.rows = data.rows;
  struct Carry {
    double top = -INFINITY, sum = 0, squares = 0;
  };
  std::vector<Carry> carry(kRows);
  double effective = 0;
  // Encoder and weights walk the same chunks: parameters of q are found once, then drawn from.
  std::vector<std::int64_t> ids(kRows);
  for (std::int64_t first = 0; first < data.rows; first += kRows) {
    DataSet part;
    part.rows = std::min(kRows, data.rows - first);
    for (const auto& [name, array] : data.columns) {
      const std::size_t row = array.bytes() / std::size_t(data.rows);
      const std::shared_ptr<std::byte> at(
          std::shared_ptr<void>(), const_cast<std::byte*>(array.raw()) + std::size_t(first) * row);
      const Shape s = Shape{part.rows, std::int64_t(array.size() / data.rows)};
      part.columns.emplace(name, Array(array.dtype(), s, at));
    }
    encode.run(part, key, workers, [](std::int64_t, std::int64_t) {});
    for (std::size_t k = 0; k < names.size(); ++k)
      if (weigh.graph.find_input(names[k]))
        weigh.program->bind_raw(weigh.program->input(names[k]), encode.program->output(int(k)).raw,
                                part.rows);
    std::fill(carry.begin(), carry.end(), Carry{});
    std::iota(ids.begin(), ids.end(), first);
    for (std::int64_t done = 0; done < draws; done += width) {
      const std::int64_t used = std::min(width, draws - done);
      if (between) between();
      weigh.run(
          part, fold(key, std::uint64_t(done) + 1), workers,
          [&](std::int64_t, std::int64_t rows) {
            const double* w = weigh.program->output(0).data<double>();
            for (std::int64_t r = 0; r < rows; ++r) {
              Carry& c = carry[std::size_t(r)];
              for (std::int64_t k = 0; k < used; ++k) {
                const double x = w[r * width + k];
                if (x > c.top) {
                  const double f = std::exp(c.top - x);
                  c.sum *= f;
                  c.squares *= f * f;
                  c.top = x;
                }
                const double e = x == -INFINITY ? 0 : std::exp(x - c.top);
                c.sum += e;
                c.squares += e * e;
              }
            }
          },
          [&](std::int64_t, std::int64_t rows) {
            if (weigh.graph.find_input("ids"))
              weigh.program->bind_raw(weigh.program->input("ids"), ids.data(), rows);
          });
    }
    for (std::int64_t r = 0; r < part.rows; ++r) {
      const Carry& c = carry[std::size_t(r)];
      out.per_row.push_back(c.top + std::log(c.sum / double(draws)));
      effective += c.sum * c.sum / c.squares;
    }
  }
  out.log_px = std::accumulate(out.per_row.begin(), out.per_row.end(), 0.0);
  out.log_px_se = error_of_sum(out.per_row);
  out.effective_samples = effective / double(data.rows);
  return out;
}

namespace {

void append(Array& to, std::int64_t first, const View& v) {
  std::copy_n(v.data<double>(), v.size(),
              to.data<double>() + first * (v.size() / std::max<std::int64_t>(v.extent[0], 1)));
}

Array rows_of(std::int64_t rows, const Shape& event) {
  std::array<Axis, Shape::kMaxRank> axes{};
  axes[0].extent = rows;
  for (int i = 0; i < event.rank(); ++i) axes[std::size_t(i) + 1].extent = event.extent(i);
  return {DType::f64, Shape(std::span<const Axis>(axes.data(), std::size_t(event.rank()) + 1))};
}

const LatentInfo& latent_named(const Model& m, const std::string& name) {
  for (const LatentInfo& z : m.latents())
    if (m.info(z.expr).name == name) return z;
  raise<ConfigError>("there is no latent named \"{}\"", name);
}

}  // namespace

std::vector<double> Evaluator::unit_kl(const DataSet& data, const std::string& latent, Key key,
                                       Workers& workers) {
  LowerOptions lower;
  lower.capacity = options_.chunk;
  Chunked c(model_, lower);
  const std::vector<Term> terms = c.lowering->terms();
  Value kl;
  for (const Term& t : terms) {
    if (t.name != latent + ".prior" && t.name != latent + ".entropy") continue;
    if (t.how == Estimate::sampled) return {};
    kl = kl ? kl + t.elements : t.elements;
  }
  if (!kl) latent_named(model_, latent);
  const Shape& event = model_.info(latent_named(model_, latent).expr).event;
  c.outputs = {wide(-kl)};
  c.plan(state_);
  std::vector<double> mean(std::size_t(event.size()), 0);
  c.run(data, key, workers, [&](std::int64_t, std::int64_t rows) {
    const double* v = c.program->output(0).data<double>();
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += v[std::size_t(r) * mean.size() + j];
  });
  for (double& m : mean) m /= double(data.rows);
  return mean;
}

Array Evaluator::quantity(const DataSet& data, Expr e, Key key, Workers& workers) {
  return quantity_of(data, e, key, false, workers);
}

Array Evaluator::decode(const DataSet& data, Expr e, Workers& workers) {
  return quantity_of(data, e, {}, true, workers);
}

Array Evaluator::quantity_of(const DataSet& data, Expr e, Key key, bool bind_latents,
                             Workers& workers) {
  LowerOptions lower;
  lower.capacity = options_.chunk;
  lower.bind_latents = bind_latents;
  Chunked c(model_, lower);
  c.outputs = {wide(c.lowering->value(e))};
  c.plan(state_);
  Array out = rows_of(data.rows, model_.info(e).event);
  c.run(data, key, workers,
        [&](std::int64_t first, std::int64_t) { append(out, first, c.program->output(0)); });
  return out;
}

std::vector<std::pair<std::string, Array>> Evaluator::posterior(const DataSet& data,
                                                                const std::string& latent, Key key,
                                                                Workers& workers) {
  LowerOptions lower;
  lower.capacity = options_.chunk;
  Chunked c(model_, lower);
  const LatentInfo& z = latent_named(model_, latent);
  std::vector<std::pair<std::string, Array>> out;
  for (const auto& [name, v] : c.lowering->guide_arguments(z)) {
    c.outputs.push_back(wide(v));
    out.emplace_back(name, rows_of(data.rows, model_.info(z.expr).event));
  }
  c.plan(state_);
  c.run(data, key, workers, [&](std::int64_t first, std::int64_t) {
    for (std::size_t k = 0; k < out.size(); ++k)
      append(out[k].second, first, c.program->output(int(k)));
  });
  return out;
}

}  // namespace fathom
