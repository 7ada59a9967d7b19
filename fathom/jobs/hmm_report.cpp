// What a hidden Markov model says of its states: in summary.json and on the page.
#include <algorithm>
#include <cmath>

#include "fathom/jobs/hmm.h"
#include "fathom/jobs/sequences.h"
#include "fathom/report/coefficients.h"
#include "fathom/report/path.h"

namespace fathom {

namespace {

constexpr std::int64_t kShownSteps = 1000;

// Rows that a stay in the state lasts on average.
double stay_of(double staying) { return staying < 1 ? 1 / (1 - staying) : INFINITY; }

// The first rows of a table, in memory.
TableRows first_rows(const TableRows& rows, std::int64_t most) {
  const std::int64_t n = std::min(most, rows.count());
  TableRows out;
  out.x = rows.x.part(0, n).made();
  if (rows.begins.size() > 0) out.begins = rows.begins.part(0, n);
  return out;
}

StateSeries series_of(const TableRows& rows, const RowPredictions& p, const TableFormat& format) {
  StateSeries s;
  const std::int64_t n = rows.count(), d = format.width(), k = std::int64_t(p.names.size()) - 1;
  const Array values = in_file_units(rows.x, format);
  for (std::int64_t j = 0; j < std::min<std::int64_t>(d, 4); ++j) {
    SeriesPanel panel{format.columns[std::size_t(j)], {}};
    for (std::int64_t i = 0; i < n; ++i) panel.y.push_back(values.data<double>()[i * d + j]);
    s.panels.push_back(std::move(panel));
  }
  for (std::int64_t i = 0; i < n; ++i) {
    s.state.push_back(int(p.values.data<double>()[i * (k + 1)]) - 1);
  }
  for (const RowRange& sequence : sequences_of(rows))
    if (sequence.first > 0) s.begins.push_back(std::size_t(sequence.first));
  for (std::int64_t j = 0; j < k; ++j)
    s.names.push_back("state " + component_name(std::size_t(j), format.classes));
  return s;
}

}  // namespace

void Hmm::summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                    std::vector<std::string>& verdict) const {
  const MarkovStates s = states(state);
  const auto k = std::size_t(s.count);
  std::int64_t holding = 0;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < k; ++i) {
    nlohmann::json& one = summary["states"][i];
    if (i < format.classes.size()) one["name"] = format.classes[i];
    const double staying = s.move.data<double>()[i * k + i];
    one["weight"] = s.share.data<double>()[i];
    one["rows"] = s.left.data<double>()[i];
    one["first"] = s.start.data<double>()[i];
    for (std::size_t j = 0; j < k; ++j) one["next"].push_back(s.move.data<double>()[i * k + j]);
    if (staying < 1) one["stay"] = stay_of(staying);
    holding += s.left.data<double>()[i] >= 1;
    if (staying > s.move.data<double>()[longest * k + longest]) longest = i;
  }
  summary["effective_states"] = holding;
  if (s.gaussian) {
    summarise_gaussians(*s.gaussian, format, summary);
  } else {
    summarise_columns(*s.columns, format, summary["states"]);
  }
  verdict.push_back(holding == s.count ? fmt::format("All {} states hold rows.", k)
                                       : fmt::format("{} of {} states hold rows.", holding, k));
  if (k > 1) {
    const double stay = stay_of(s.move.data<double>()[longest * k + longest]);
    verdict.push_back(
        std::isfinite(stay)
            ? fmt::format("A stay is longest in state {}: {:.1f} rows on average.",
                          component_name(longest, format.classes), stay)
            : fmt::format("State {} is never left.", component_name(longest, format.classes)));
  }
}

void Hmm::report(const State& state, const TableFormat& format, const TableRows* rows,
                 const nlohmann::json& summary, Page& page, Workers& workers) const {
  const MarkovStates s = states(state);
  const auto k = std::size_t(s.count);
  if (!s.gaussian)
    page.figure(fmt::format("{} of {}", summary.value("effective_states", 0), k),
                "states hold rows");
  if (rows) {
    const TableRows some = first_rows(*rows, kShownSteps);
    const bool all = some.count() == rows->count();
    page.svg(
        "The likeliest path of states",
        svg_states(series_of(some, predict(state, some, workers), format)), "path.svg",
        fmt::format(
            "Rows in their order{}{}, over the colour of their state on the likeliest "
            "path (Viterbi 1967).",
            all ? "" : fmt::format(", the first {} of {}", some.count(), rows->count()),
            format.width() > 4 ? fmt::format("; the first 4 of {} columns", format.width()) : ""));
  }
  if (k > 1) {
    HeatMap map;
    for (std::size_t i = 0; i < k; ++i) {
      const std::string name = component_name(i, format.classes);
      map.rows.push_back("from " + name);
      map.columns.push_back(name);
      for (std::size_t j = 0; j < k; ++j) map.values.push_back(s.move.data<double>()[i * k + j]);
    }
    page.svg("Transitions", svg_heat(map), "transitions.svg",
             "The probability of each next state, a line for each state.");
  }
  PageTable table{{"state", "share", "first", "stays", "then"}, {}, 1};
  for (std::size_t i = 0; i < k; ++i) {
    std::size_t then = i == 0 && k > 1 ? 1 : 0;
    for (std::size_t j = 0; j < k; ++j)
      if (j != i && s.move.data<double>()[i * k + j] > s.move.data<double>()[i * k + then])
        then = j;
    const double stay = stay_of(s.move.data<double>()[i * k + i]);
    table.rows.push_back({component_name(i, format.classes),
                          fmt::format("{:.4f}", s.share.data<double>()[i]),
                          fmt::format("{:.4f}", s.start.data<double>()[i]),
                          std::isfinite(stay) ? fmt::format("{:.1f}", stay) : "for ever",
                          k > 1 ? component_name(then, format.classes) : "-"});
  }
  page.table(
      "States in time", table,
      "Share of the rows, probability to begin there, rows that a stay lasts on average, and "
      "the likeliest state to follow.");
  if (s.gaussian) {
    report_gaussians(*s.gaussian, format, moments_, rows, summary, page, workers);
  } else {
    report_columns(summary["states"], "state", format, page);
  }
}

}  // namespace fathom
