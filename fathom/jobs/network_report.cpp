// What a Bayesian network says of itself: in summary.json and on the page.
#include <algorithm>
#include <cmath>

#include "fathom/jobs/network.h"
#include "fathom/jobs/row_blocks.h"
#include "fathom/report/network.h"

namespace fathom {

namespace {

constexpr std::size_t kMostCompared = 20000;  // rows by both ways of inference
constexpr std::size_t kMostDrawn = 60, kMostTables = 40;
constexpr std::int64_t kMostLines = 64;  // of a table on the page
constexpr double kNoGap = 1e-9;          // nats per row: a gap below this is rounding

std::string count_of(std::int64_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

}  // namespace

NetworkTable::Unseen NetworkTable::unseen(const State& state) const {
  Unseen u;
  if (seen_.size() == 0) return u;
  const std::int64_t d = format_.width(), n = seen_.shape().extent(0);
  std::vector<std::int64_t> places;
  each_row(seen_, [&](std::int64_t i, const double* x) {
    const auto gone = std::count_if(x, x + d, [](double v) { return std::isnan(v); });
    u.cells += gone;
    if (gone > 0) places.push_back(i);
  });
  u.rows = std::int64_t(places.size());
  kernels::NetworkStructure s = config_.structure;
  s.mean_field = false;
  if (order_elimination(s) > kernels::kMostCliqueStates) return u;
  // As the climb sees tables: by their expected logarithms.
  std::vector<double> logs;
  const CoordinateOptions options = this->options();
  State copy = state.copy();
  Graph g(op_table());
  LowerOptions lower;
  lower.factors = options.factors;
  Lowering lowering(network_->model, g, lower);
  for (const LatentInfo& z : network_->model.latents()) {
    if (z.expr == network_->states.index()) continue;
    const Value log = lowering.moments(z).expected_log();
    Program program(g, std::vector<Value>{log}, {}, copy);
    Workers one(1);
    program.run(one);
    const Array a = program.output_array(0);
    logs.insert(logs.end(), a.data<double>(), a.data<double>() + a.size());
  }
  kernels::NetworkRows exact(s);
  s.mean_field = true;
  kernels::NetworkRows apart(s);
  std::vector<double> cells(static_cast<std::size_t>(s.total_states())), none(cells.size());
  double gap = 0;
  const std::size_t compared = std::min(places.size(), kMostCompared);  // evenly taken
  const double each = double(places.size()) / double(std::max<std::size_t>(compared, 1));
  for (std::size_t i = 0; i < compared; ++i) {
    const std::int64_t place = places[i * places.size() / compared];
    write_indicators(seen_.part(place, 1).made().data<double>(), s.states, cells.data());
    gap += each *
           (exact.run(cells.data(), none.data(), logs.data(), nullptr, nullptr) -
            apart.run(cells.data(), none.data(), logs.data(), nullptr, nullptr)) /
           double(n);
  }
  u.gap = std::max(gap, 0.0);
  return u;
}

void NetworkTable::summarise(const State& state, const TableFormat&, nlohmann::json& summary,
                             std::vector<std::string>& verdict) const {
  const NetworkTables t = tables(state);
  const std::vector<double> p = t.marginals();
  const double prior = settings_.method == "em" ? 0 : 1;
  nlohmann::json& out = summary["network"];
  out["structure"] = text_.text();
  out["tables"] =
      t.points ? (prior > 0 ? "posterior mode" : "maximum likelihood") : "posterior mean";
  out["largest_clique"] = t.largest_clique;
  std::int64_t at = 0, state_at = 0, lines = 0, empty = 0;
  for (std::size_t v = 0; v < t.names.size(); ++v) {
    nlohmann::json one = {{"name", t.names[v]}, {"states", t.states[v]}};
    one["parents"] = nlohmann::json::array();
    for (const int u : t.structure.parents[v]) one["parents"].push_back(t.names[std::size_t(u)]);
    const std::int64_t k = t.structure.states[v];
    for (std::int64_t i = 0; i < k; ++i)
      one["probabilities"].push_back(p[std::size_t(state_at + i)]);
    state_at += k;
    for (std::int64_t j = 0; j < t.structure.configurations(v); ++j, ++lines) {
      nlohmann::json line = {{"given", t.configuration(v, j)}};
      double rows = 0;
      for (std::int64_t i = 0; i < k; ++i, ++at) {
        line["probabilities"].push_back(t.probability(at));
        // Modes hold what lies above one: pseudo-counts below it are cut off at zero.
        rows += t.counts[std::size_t(at)] - prior * (config_.pseudo_count(v) - (t.points ? 1 : 0));
      }
      rows = std::max(rows, 0.0);
      line["rows"] = rows;
      empty += rows < 0.5;
      one["table"].push_back(std::move(line));
    }
    out["variables"].push_back(std::move(one));
  }
  const Unseen u = unseen(state);
  out["missing_cells"] = u.cells;
  if (u.gap) out["mean_field_gap_per_row"] = *u.gap;
  if (u.cells > 0 && !u.gap)
    verdict.push_back(fmt::format(
        "{} missing in {}: taken for independent of each other in a row. Exact sums would run over "
        "{:.2g} states at once.",
        u.cells == 1 ? "1 cell is" : fmt::format("{} cells are", u.cells), count_of(u.rows, "row"),
        t.largest_clique));
  if (u.cells == 0 && settings_.method == "vb")
    verdict.push_back(
        "No cell is missing, and the bound is the log marginal likelihood itself: of two "
        "structures for this table, the one with the higher bound explains it better.");
  if (u.cells > 0 && u.gap)
    verdict.push_back(fmt::format(
        "{} missing in {}: {}", u.cells == 1 ? "1 cell is" : fmt::format("{} cells are", u.cells),
        count_of(u.rows, "row"),
        config_.structure.mean_field
            ? fmt::format("taken for independent of each other in a row, which costs {:.4g} nats "
                          "per row; --inference exact does not.",
                          *u.gap)
            : fmt::format("summed out exactly; taken for independent of each other in a row they "
                          "would cost {} nats per row.",
                          *u.gap < kNoGap ? fmt::format("less than {:g}", kNoGap)
                                          : fmt::format("{:.4g}", *u.gap))));
  if (empty > 0)
    verdict.push_back(
        fmt::format("{} of {} lines of tables {} no row: probabilities there are {}.", empty, lines,
                    empty == 1 ? "has" : "have",
                    settings_.method == "em" ? "even, for want of any" : "the prior's"));
}

void NetworkTable::report(const State&, const TableFormat&, const TableRows*,
                          const nlohmann::json& summary, Page& page, Workers&) const {
  const nlohmann::json& net = summary.at("network");
  const nlohmann::json& all = net.at("variables");
  std::size_t arrows = 0;
  std::vector<NetworkNode> nodes;
  for (std::size_t v = 0; v < all.size(); ++v) {
    nodes.push_back(
        {all[v].at("name"), all[v].at("states"), all[v].at("probabilities"), text_.parents[v]});
    arrows += text_.parents[v].size();
  }
  page.figure(fmt::format("{}", all.size()), "variables");
  page.figure(fmt::format("{}", arrows), arrows == 1 ? "arrow" : "arrows");
  if (net.value("mean_field_gap_per_row", 0.0) >= kNoGap)
    page.figure(fmt::format("{:.4f}", net["mean_field_gap_per_row"].get<double>()),
                "exact above mean field, nats per row");
  const std::string kind = net.value("tables", "");
  if (nodes.size() <= kMostDrawn) {
    page.svg("The network", svg_network(nodes), "network.svg",
             fmt::format("Probabilities of states in percent where nothing is known, by the "
                         "tables ({}){}.",
                         kind,
                         net.value("largest_clique", 0.0) > kernels::kMostCliqueStates
                             ? ", as of independent variables"
                             : ""));
  } else {
    page.section("The network", "",
                 fmt::format("{} variables are not drawn; summary.json has all.", nodes.size()));
  }
  for (std::size_t v = 0; v < std::min(all.size(), kMostTables); ++v) {
    const nlohmann::json& one = all[v];
    const auto parents = one.at("parents").get<std::vector<std::string>>();
    PageTable table{parents, {}, std::max<std::size_t>(1, parents.size())};
    if (parents.empty()) table.head.emplace_back("");
    for (const std::string& s : nodes[v].states) table.head.push_back(s);
    table.head.emplace_back("rows");
    std::int64_t j = 0;
    for (const auto& line : one.at("table")) {
      if (j == kMostLines) break;
      std::vector<std::string> row(table.text_columns);
      std::int64_t rest = j++;
      for (std::size_t k = parents.size(); k-- > 0;) {
        const auto& states = nodes[std::size_t(text_.parents[v][k])].states;
        row[k] = states[std::size_t(rest) % states.size()];
        rest /= std::int64_t(states.size());
      }
      for (const auto& p : line.at("probabilities"))
        row.push_back(fmt::format("{:.4f}", p.get<double>()));
      row.push_back(fmt::format("{:.1f}", line.value("rows", 0.0)));
      table.rows.push_back(std::move(row));
    }
    std::string heading = nodes[v].name;
    for (std::size_t k = 0; k < parents.size(); ++k)
      heading += (k == 0 ? " given " : k + 1 < parents.size() ? ", " : " and ") + parents[k];
    const auto lines = std::int64_t(one.at("table").size());
    if (v % 2 == 0) page.begin_row();
    page.table(heading, table,
               lines > kMostLines ? fmt::format("The first {} of {} lines; summary.json has all.",
                                                kMostLines, lines)
                                  : "");
    if (v % 2 == 1 || v + 1 == std::min(all.size(), kMostTables)) page.end_row();
  }
}

}  // namespace fathom
