// What a mixture of columns of any kind says of its components: in summary.json and on the page.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/jobs/mixture.h"
#include "fathom/report/coefficients.h"

namespace fathom {

namespace {

double at(const Array& a, std::int64_t k, std::size_t j) {
  return a.data<double>()[k * a.shape().extent(1) + std::int64_t(j)];
}

// At most `most` bytes of UTF-8, whole characters.
std::string cut_short(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (std::uint8_t(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most) + "...";
}

// "red 60 %" and "blue 32 %" below: the most probable levels, long names cut.
std::string levels_text(const nlohmann::json& of, std::size_t most) {
  std::vector<std::pair<double, std::string>> all;
  for (const auto& [name, p] : of.items()) all.emplace_back(-p.get<double>(), name);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  constexpr std::size_t kLongest = 18;
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i)
    text += fmt::format("{}{} {:.0f} %", i == 0 ? "" : "\n", cut_short(all[i].second, kLongest),
                        -100 * all[i].first);
  return text;
}

// "4.29 +- 0.42", "31 % ones", "rate 2.1", "red 60 %".
std::string cell_text(const nlohmann::json& parameters) {
  if (parameters.contains("mean"))
    return fmt::format("{:.4g} \u00b1 {:.3g}", parameters["mean"].get<double>(),
                       parameters["sd"].get<double>());
  if (parameters.contains("one"))
    return fmt::format("{:.1f} % ones", 100 * parameters["one"].get<double>());
  if (parameters.contains("rate"))
    return fmt::format("rate {:.4g}", parameters["rate"].get<double>());
  return levels_text(parameters["levels"], 3);
}

// What a component expects of a column, or of a level of one: mean and variance.
struct Expected {
  double mean, variance;
};
Expected expected_of(const nlohmann::json& parameters, const std::string& level) {
  const auto share = [](double p) { return Expected{p, p * (1 - p)}; };
  if (!level.empty()) return share(parameters["levels"][level].get<double>());
  if (parameters.contains("one")) return share(parameters["one"].get<double>());
  if (parameters.contains("rate")) {
    const double rate = parameters["rate"].get<double>();
    return {rate, rate};
  }
  const double sd = parameters["sd"].get<double>();
  return {parameters["mean"].get<double>(), sd * sd};
}

// The components beside each other: by how many standard deviations of the whole mixture each
// expects a column, or the share of a level, above what the mixture does.
void add_columns(const nlohmann::json& all, const std::string& noun,
                 const std::vector<std::size_t>& order, const TableFormat& format, Page& page) {
  constexpr std::size_t most_lines = 100, most_components = 24;
  HeatMap map;
  const std::size_t shown = std::min(order.size(), most_components);
  for (std::size_t i = 0; i < shown; ++i)
    map.columns.push_back(component_name(order[i], format.classes));
  bool cut = shown < order.size();
  const auto line = [&](const std::string& column, const std::string& level) {
    if (map.rows.size() == most_lines) {
      cut = true;
      return;
    }
    double mean = 0, square = 0, total = 0;
    std::vector<double> means;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const Expected e = expected_of(all[k].at("columns").at(column), level);
      const double w = all[k].value("weight", 0.0);
      total += w;
      mean += w * e.mean;
      square += w * (e.variance + e.mean * e.mean);
      means.push_back(e.mean);
    }
    mean /= total;
    const double sd = std::sqrt(std::max(0.0, square / total - mean * mean));
    map.rows.push_back(level.empty() ? column : column + " = " + level);
    for (std::size_t i = 0; i < shown; ++i)
      map.values.push_back(sd > 0 ? (means[order[i]] - mean) / sd : 0.0);
  };
  for (std::size_t j = 0; j < format.columns.size(); ++j) {
    if (format.kinds[j] != "category") line(format.columns[j], "");
    for (const std::string& level : format.levels[j]) line(format.columns[j], level);
  }
  std::string note = fmt::format(
      "By how many standard deviations of the whole mixture a {0} expects a column, or the share "
      "of "
      "a category, above (or below) what the mixture does: columns without colour do not tell {0}s "
      "apart.",
      noun);
  if (cut) note += " Not all are shown.";
  page.svg(fmt::format("By {} and column", noun), svg_heat(map), noun + "s.svg", note);
}

}  // namespace

void summarise_columns(const ColumnComponents& c, const TableFormat& format, nlohmann::json& all) {
  for (std::int64_t k = 0; k < c.count(); ++k) {
    nlohmann::json& columns = all[std::size_t(k)]["columns"];
    const ColumnGroups& g = c.groups;
    for (std::size_t j = 0; j < g.real.size(); ++j) {
      const std::size_t of = g.real[j];
      columns[format.columns[of]] = {
          {"mean", at(c.mean, k, j) * format.scale[of] + format.shift[of]},
          {"sd", std::sqrt(at(c.variance, k, j)) * format.scale[of]}};
    }
    for (std::size_t j = 0; j < g.bits.size(); ++j)
      columns[format.columns[g.bits[j]]] = {{"one", at(c.probability, k, j)}};
    for (std::size_t j = 0; j < g.counts.size(); ++j)
      columns[format.columns[g.counts[j]]] = {{"rate", at(c.shape, k, j) / at(c.rate, k, j)}};
    for (std::size_t j = 0; j < g.categories.size(); ++j) {
      const std::size_t of = g.categories[j];
      for (std::size_t l = 0; l < format.levels[of].size(); ++l)
        columns[format.columns[of]]["levels"][format.levels[of][l]] = at(c.tables[j], k, l);
    }
  }
}

void report_columns(const nlohmann::json& all, const std::string& noun, const TableFormat& format,
                    Page& page) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < all.size(); ++k)
    if (all.size() <= 8 || all[k].value("rows", 0.0) >= 1) order.push_back(k);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return all[a].value("weight", 0.0) > all[b].value("weight", 0.0);
  });
  PageTable table{{"", "kind"}, {{"weight", ""}, {"rows", ""}}, 2};
  const bool words = std::count(format.kinds.begin(), format.kinds.end(), "category") > 0;
  table.most = words ? 4 : 5;
  for (std::size_t j = 0; j < format.columns.size(); ++j)
    table.rows.push_back({format.columns[j], format.kinds[j]});
  for (const std::size_t k : order) {
    table.head.push_back(noun + " " + component_name(k, format.classes));
    table.rows[0].push_back(fmt::format("{:.4f}", all[k].value("weight", 0.0)));
    table.rows[1].push_back(fmt::format("{:.1f}", all[k].value("rows", 0.0)));
    for (std::size_t j = 0; j < format.columns.size(); ++j)
      table.rows[j + 2].push_back(cell_text(all[k].at("columns").at(format.columns[j])));
  }
  page.table(
      noun == "state" ? "States" : "Components", table,
      "Mean \u00b1 standard deviation of real columns, the share of ones, the rate of counts, "
      "the three most probable categories; summary.json has all.");
  if (all.size() > 1) add_columns(all, noun, order, format, page);
}

void Mixture::summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                        std::vector<std::string>& verdict) const {
  const ColumnComponents c = components(state);
  summarise_components({c.weight, c.rows}, settings_, format.classes, groups_.real.empty() ? 1 : 2,
                       "a variance", summary, verdict);
  summarise_columns(c, format, summary["components"]);
}

void Mixture::report(const State&, const TableFormat& format, const TableRows*,
                     const nlohmann::json& summary, Page& page, Workers&) const {
  const auto all = summary.value("components", nlohmann::json::array());
  page.figure(fmt::format("{} of {}", summary.value("effective_components", 0), all.size()),
              "components hold rows");
  report_columns(all, "component", format, page);
}

}  // namespace fathom
