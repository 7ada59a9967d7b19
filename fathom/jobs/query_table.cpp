#include "fathom/jobs/query_table.h"

#include "fathom/jobs/network.h"
#include "fathom/jobs/table_run.h"

namespace fathom {

QueryResult query_table(const std::string& path, const std::string& text) {
  const std::string task = task_of_run(path);
  if (task != NetworkTable::kTask)
    raise<ConfigError>("{}: a {} answers no queries: runs of network do", path, task);
  const TableRun run = open_table_run(path);
  const NetworkTables t = dynamic_cast<const NetworkTable&>(*run.model).tables(run.state);
  const NetworkQuery q = parse_query(text, t.names, t.states);
  const NetworkAnswer a = t.answer(q);
  const std::string method = run.config.at("settings").value("method", "");
  const std::string tables = method == "vb"    ? "posterior mean"
                             : method == "map" ? "posterior mode"
                                               : "maximum likelihood";
  const auto name = [&](int v) { return t.names[std::size_t(v)]; };
  const auto state = [&](int v, int k) { return t.states[std::size_t(v)][std::size_t(k)]; };
  QueryResult out;
  std::string asked, given;
  for (const auto& [v, k] : q.targets) {
    asked += (asked.empty() ? "" : ", ") + name(v) + (k < 0 ? "" : "=" + state(v, k));
    out.table.names.push_back(name(v));
    out.table.levels.push_back(t.states[std::size_t(v)]);
  }
  out.json = {{"tables", tables},
              {"exact", a.exact},
              {"given", nlohmann::json::object()},
              {"log_evidence", a.log_evidence}};
  for (const auto& [v, k] : q.given) {
    given += (given.empty() ? "" : ", ") + name(v) + "=" + state(v, k);
    out.json["given"][name(v)] = state(v, k);
  }
  const std::string full = fmt::format("P({}{}{})", asked, given.empty() ? "" : " | ", given);
  out.json["query"] = full;
  out.heading = fmt::format("{}, by {} tables{}", full, tables,
                            !a.exact ? " and independent variables, a bound" : "");
  out.table.names.emplace_back("probability");
  out.table.levels.emplace_back();
  const auto width = std::int64_t(out.table.names.size());
  const auto n = std::int64_t(a.states.size());
  out.table.values = Array(DType::f64, Shape{n, width});
  for (std::int64_t i = 0; i < n; ++i) {
    double* to = out.table.values.data<double>() + i * width;
    nlohmann::json one = {{"probability", a.probabilities[std::size_t(i)]}};
    for (std::size_t k = 0; k < q.targets.size(); ++k) {
      const int s = a.states[std::size_t(i)][k];
      to[k] = s;
      one["states"][name(q.targets[k].first)] = state(q.targets[k].first, s);
    }
    to[width - 1] = a.probabilities[std::size_t(i)];
    out.json["probabilities"].push_back(std::move(one));
  }
  return out;
}

}  // namespace fathom
