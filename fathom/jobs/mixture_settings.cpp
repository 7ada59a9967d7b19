#include "fathom/jobs/mixture_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <limits>

#include "fathom/climb/start.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

constexpr std::pair<std::string_view, Factors> kMixtureMethods[] = {{"em", Factors::likelihood},
                                                                    {"hard", Factors::likelihood},
                                                                    {"map", Factors::mode},
                                                                    {"vb", Factors::mean_field},
                                                                    {"svi", Factors::mean_field}};

std::int64_t whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    raise<ConfigError>("\"{}\": a number of them, or a range such as 1:10", text);
  return value;
}

std::string holding_sentence(std::int64_t holding, std::int64_t count, bool vb) {
  if (holding == count)
    return count == 1   ? "There is one component."
           : count == 2 ? "Both components hold rows."
                        : fmt::format("All {} components hold rows.", count);
  const bool one = count - holding == 1;
  return fmt::format("{} of {} components hold{} rows; the other{} {}.", holding, count,
                     holding == 1 ? "s" : "", one ? "" : "s",
                     !vb   ? one ? "stands empty" : "stand empty"
                     : one ? "is where the prior put it, and costs little"
                           : "are where the prior put them, and cost little");
}

// A start where rows whose component is known (-1: it is not) belong to it wholly.
Array with_known(const Array& start, const std::vector<int>& known) {
  if (known.empty()) return start;
  Array out = start.copy();
  const std::int64_t k = start.shape().extent(1);
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i] < 0) continue;
    double* row = out.data<double>() + std::int64_t(i) * k;
    std::fill_n(row, k, 0.0);
    row[known[i]] = 1;
  }
  return out;
}

}  // namespace

std::string ComponentCount::text() const {
  return first == last ? std::to_string(first) : fmt::format("{}:{}", first, last);
}

ComponentCount ComponentCount::parse(const std::string& text) {
  const std::size_t colon = text.find(':');
  ComponentCount c(whole_number(text.substr(0, colon)));
  if (colon != std::string::npos) c.last = whole_number(text.substr(colon + 1));
  return c;
}

std::istream& operator>>(std::istream& in, ComponentCount& count) {
  std::string text;
  in >> text;
  count = ComponentCount::parse(text);
  return in;
}
std::ostream& operator<<(std::ostream& out, const ComponentCount& count) {
  return out << count.text();
}
void to_json(nlohmann::json& j, const ComponentCount& count) {
  if (count.first == count.last) {
    j = count.first;
  } else {
    j = count.text();
  }
}
void from_json(const nlohmann::json& j, ComponentCount& count) {
  count = j.is_string() ? ComponentCount::parse(j.get<std::string>())
                        : ComponentCount(j.get<std::int64_t>());
}

void MixtureSettings::check() const {
  factors();
  if (components.first < 1)
    raise<ConfigError>("--{} must be at least 1, got {}", size_name, components.text());
  if (components.last < components.first)
    raise<ConfigError>("--{} {}: a range goes upwards, as 1:10", size_name, components.text());
  if (components.last > components.first && (method == "map" || hard()))
    raise<ConfigError>(
        "--{} {} with --method {}: a {} does not choose between numbers of {}; "
        "--method vb does by its bound, em by BIC",
        size_name, components.text(), method, name_of(objective()), size_name);
  if (!(concentration >= 0) || !std::isfinite(concentration))
    raise<ConfigError>("--concentration must be positive, got {}", concentration);
  if (components.last > components.first && !start_file().empty())
    raise<ConfigError>("--{} {} with --start {}: the file is of one number of {}", size_name,
                       components.text(), start, size_name);
  if (anneal != 0 && !(anneal > 1 && std::isfinite(anneal)))
    raise<ConfigError>("--anneal {:g}: a temperature above 1 to fall from, or 0 for none", anneal);
  if (anneal != 0 && (hard() || stochastic()))
    raise<ConfigError>("--anneal {:g} with --method {}: sweeps of em, map or vb are annealed, {}",
                       anneal, method,
                       hard() ? "hard choices have no entropy to weigh" : "not steps on batches");
  if (process && points())
    raise<ConfigError>("--process is a prior on weights and goes with --method vb, not {}", method);
  if (method == "map" && concentration > 0 && concentration < 1)
    raise<ConfigError>(
        "--concentration {:g} with --method map: below 1 the density of the weights has no mode; "
        "--method vb takes it",
        concentration);
}

Factors MixtureSettings::factors() const {
  return word<Factors>("method", method, kMixtureMethods);
}

Objective MixtureSettings::objective() const {
  return hard() ? Objective::classification : objective_of(factors());
}

std::string MixtureSettings::start_file() const {
  return start == "kmeans" || start == "random" || start == "blocks" ? "" : start;
}

double MixtureSettings::prior_concentration() const {
  if (concentration > 0) return concentration;
  return process || points() ? 1 : 1 / double(components.first);
}

std::string MixtureSettings::describe() const {
  const std::string annealed = anneal > 0 ? fmt::format(", annealed from {:g}", anneal) : "";
  if (method == "em") return "; maximum likelihood by EM" + annealed;
  if (hard()) return "; classification likelihood by hard EM";
  const std::string prior =
      process
          ? fmt::format("; weights of a Dirichlet process ({:g}), truncated", prior_concentration())
          : fmt::format("; weights ~ Dirichlet({:.3g})", prior_concentration());
  return fmt::format("{}{}{}", prior, posterior_words(), annealed);
}

std::string_view MixtureSettings::posterior_words() const {
  return stochastic() ? "; stochastic variational Bayes"
         : points()   ? "; posterior mode by EM"
                      : "; variational Bayes";
}

std::vector<std::int64_t> MixtureSettings::sizes() const {
  check();  // of the whole range: a model is of one of its sizes
  std::vector<std::int64_t> all;
  for (std::int64_t k = components.first; k <= components.last; ++k) all.push_back(k);
  return all;
}

void MixtureSettings::check_rows(std::int64_t rows, const TableFormat& format) const {
  if (rows < components.last)
    raise<DataError>("{} rows for {} {}: at least one row each; --{} {} at most", rows,
                     components.last, size_name, size_name, rows);
  if (std::int64_t(format.classes.size()) > components.first)
    raise<DataError>("column \"{}\" names {} components, more than {}: --components {} at least",
                     format.labels, format.classes.size(), components.first, format.classes.size());
}

Array MixtureSettings::start_of(const TableRows& rows, Key key) const {
  if (!start_file().empty()) return with_known(rows.start, rows.components);
  const Array x = rows.missing ? filled_with_means(rows.x) : rows.x;
  return start == "blocks"
             ? block_start(x, components, rows.components)
             : kmeans_start(x, components, key, start == "random" ? 0 : 10, rows.components);
}

void add_row_data(const TableRows& rows, const TableFormat& format, std::int64_t components,
                  DataSet& set) {
  const auto add = [&](const char* name, const Array& a) {
    set.columns[name] = rows.streamed ? a : a.made();
  };
  if (!format.weights.empty())
    add("weight", rows.weights.size() > 0 ? rows.weights : rows.x.columns({RowRecipe::kOne}));
  if (!format.labels.empty()) {
    const KnownChoices k = known_choices(rows.components, set.rows, components);
    add("choice", k.choice);
    add("choice.known", k.known);
  }
}

ComponentWeights component_weights(const State& state, const MixtureSettings& settings) {
  const auto natural = [&](int k) {
    return state.find(fmt::format("weights.natural.{}", k))->data<double>();
  };
  const std::int64_t count = state.find("weights.natural.0")->size();
  ComponentWeights out{Array(DType::f64, Shape{count}), Array(DType::f64, Shape{count})};
  const double *n0 = natural(0), *n1 = settings.process ? natural(1) : nullptr;
  double *w = out.weight.data<double>(), left = 1, total = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    out.rows.data<double>()[k] = std::max(0.0, n0[k] - settings.prior_rows());
    const double a = settings.points() ? std::max(n0[k], 0.0) : n0[k] + 1;
    if (settings.process) {
      const double b = n1[k] + 1, v = a + b > 0 ? a / (a + b) : 0.5;
      w[k] = left * v;
      left *= 1 - v;
    } else {
      w[k] = a;
    }
    total += w[k];
  }
  for (std::int64_t k = 0; k < count; ++k) w[k] = total > 0 ? w[k] / total : 1 / double(count);
  return out;
}

RowPredictions predictions_of(const Array& joint, const std::vector<std::string>& classes) {
  const std::int64_t n = joint.shape().extent(0), k = joint.shape().extent(1);
  RowPredictions out;
  out.names = {"component"};
  for (std::size_t j = 0; j < std::size_t(k); ++j)
    out.names.push_back(
        fmt::format("p{}{}", j < classes.size() ? "." : "", component_name(j, classes)));
  out.values = Array(DType::f64, Shape{n, k + 1});
  out.log_density.resize(std::size_t(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const double* from = joint.data<double>() + i * k;
    double *to = out.values.data<double>() + i * (k + 1), sum = 0;
    const std::int64_t best = std::max_element(from, from + k) - from;
    if (from[best] == -INFINITY) {  // no component has such a row, at point estimates
      std::fill_n(to, k + 1, std::numeric_limits<double>::quiet_NaN());
      out.log_density[std::size_t(i)] = -INFINITY;
      continue;
    }
    for (std::int64_t j = 0; j < k; ++j) sum += to[j + 1] = std::exp(from[j] - from[best]);
    for (std::int64_t j = 0; j < k; ++j) to[j + 1] /= sum;
    to[0] = double(best + 1);
    out.log_density[std::size_t(i)] = from[best] + std::log(sum);
  }
  return out;
}

void summarise_components(const ComponentWeights& weights, const MixtureSettings& settings,
                          const std::vector<std::string>& classes, double least,
                          const std::string& parameters, nlohmann::json& summary,
                          std::vector<std::string>& verdict) {
  const auto count = std::size_t(weights.weight.size());
  std::vector<std::string> thin;
  std::int64_t holding = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const double rows = weights.rows.data<double>()[k];
    nlohmann::json& one = summary["components"][k];
    if (k < classes.size()) one["name"] = classes[k];
    one["weight"] = weights.weight.data<double>()[k];
    one["rows"] = rows;
    if (rows < 1) continue;
    ++holding;
    if (rows < least) thin.push_back(component_name(k, classes));
  }
  summary["effective_components"] = holding;
  verdict.push_back(holding_sentence(holding, std::int64_t(count), !settings.points()));
  if (thin.empty()) return;
  verdict.push_back(fmt::format(
      "Component{} {} hold{} fewer than the {:g} rows that {} needs, so that {}.",
      thin.size() == 1 ? "" : "s", fmt::join(thin, ", "), thin.size() == 1 ? "s" : "", least,
      parameters,
      settings.likelihood()
          ? "the likelihood is higher than it deserves: fewer --components, or --method vb"
          : "the prior decides its shape: fewer --components would leave them out"));
}

std::string component_name(std::size_t k, const std::vector<std::string>& classes) {
  return k < classes.size() ? classes[k] : std::to_string(k + 1);
}

}  // namespace fathom
