#include "fathom/jobs/network_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/base/error.h"
#include "fathom/jobs/nearest.h"
#include "fathom/kernels/rng.h"

namespace fathom {

namespace {

constexpr double kMostAnswers = 1e5;
constexpr double kLogZero = -690.7755278982137;  // what independent variables can take: 1e-300

// A part of a query, without blanks around it and quotes.
std::string bare(std::string s) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
  while (!s.empty() && is_blank(s.back())) s.pop_back();
  s.erase(0, std::min(s.find_first_not_of(" \t\n"), s.size()));
  if (s.size() > 1 && s.front() == '"' && s.back() == '"') s = s.substr(1, s.size() - 2);
  return s;
}

// Places of `what` outside quotes.
std::vector<std::size_t> places_of(const std::string& text, char what) {
  std::vector<std::size_t> at;
  bool quote = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quote = !quote;
    if (!quote && text[i] == what) at.push_back(i);
  }
  return at;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (const std::size_t at : places_of(text, ',')) {
    parts.push_back(text.substr(from, at - from));
    from = at + 1;
  }
  parts.push_back(text.substr(from));
  return parts;
}

}  // namespace

NetworkQuery parse_query(const std::string& text, const std::vector<std::string>& names,
                         const std::vector<std::vector<std::string>>& states) {
  const auto refuse = [&]() {
    raise<ConfigError>("query \"{}\": ask as in P(rain | wet=yes, sprinkler=no)", text);
  };
  std::string inner = bare(text);
  if (inner.starts_with("P(") || inner.starts_with("p(")) {
    if (inner.back() != ')') refuse();
    inner = inner.substr(2, inner.size() - 3);
  }
  const std::vector<std::size_t> bars = places_of(inner, '|');
  if (bars.size() > 1) refuse();
  NetworkQuery q;
  const auto add = [&](const std::string& part, bool given) {
    const std::vector<std::size_t> equals = places_of(part, '=');
    const std::string name = bare(part.substr(0, equals.empty() ? part.size() : equals[0]));
    if (name.empty() || equals.size() > 1) refuse();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      raise<ConfigError>("query \"{}\": the network has no variable \"{}\"{}", text, name,
                         meant(name, names));
    const auto v = std::size_t(found - names.begin());
    int state = -1;
    if (!equals.empty()) {
      const std::string word = bare(part.substr(equals[0] + 1));
      const auto at = std::find(states[v].begin(), states[v].end(), word);
      if (at == states[v].end()) {
        const std::string near = meant(word, states[v]);
        raise<ConfigError>(
            "query \"{}\": \"{}\" has no state \"{}\"{}", text, name, word,
            near.empty() ? fmt::format(", but {}", fmt::join(states[v], ", ")) : near);
      }
      state = int(at - states[v].begin());
    }
    if (given && state < 0)
      raise<ConfigError>("query \"{}\": say which state \"{}\" is given in: {}={}", text, name,
                         name, fmt::join(states[v], " or "));
    const auto known = q.given.find(int(v));
    if (given && known != q.given.end() && known->second != state)
      raise<ConfigError>("query \"{}\": \"{}\" is given as {} and as {}", text, name,
                         states[v][std::size_t(known->second)], states[v][std::size_t(state)]);
    for (const auto& [u, ignored] : q.targets)
      if (u == int(v))
        raise<ConfigError>("query \"{}\": \"{}\" is {}", text, name,
                           given ? "both asked for and given" : "asked for twice");
    if (given) {
      q.given[int(v)] = state;
    } else {
      q.targets.emplace_back(int(v), state);
    }
  };
  for (const std::string& part : parts_of(inner.substr(0, bars.empty() ? inner.size() : bars[0])))
    add(part, false);
  if (!bars.empty())
    for (const std::string& part : parts_of(inner.substr(bars[0] + 1))) add(part, true);
  return q;
}

void write_indicators(const double* row, const std::vector<std::int64_t>& states, double* cells) {
  for (std::size_t v = 0; v < states.size(); ++v) {
    std::fill_n(cells, states[v], 0.0);
    if (!std::isnan(row[v])) cells[std::int64_t(row[v])] = 1;
    cells += states[v];
  }
}

NetworkTables NetworkTables::of(const NetworkText& net,
                                const std::vector<std::vector<std::string>>& states,
                                const State& state, bool points) {
  NetworkTables t;
  t.names = net.names;
  t.states = states;
  t.points = points;
  t.structure.parents = net.parents;
  for (const auto& s : states) t.structure.states.push_back(std::int64_t(s.size()));
  for (std::size_t v = 0; v < t.names.size(); ++v) {
    const Array* natural = state.find("table." + t.names[v] + ".natural.0");
    const std::int64_t k = t.structure.states[v];
    const double* n = natural->data<double>();
    for (std::int64_t row = 0; row < natural->size(); row += k) {
      double total = 0;
      const auto weight = [&](std::int64_t i) {
        return points ? std::max(n[row + i], 0.0) : n[row + i] + 1;
      };
      for (std::int64_t i = 0; i < k; ++i) total += weight(i);
      for (std::int64_t i = 0; i < k; ++i) {
        t.counts.push_back(weight(i));
        t.log_tables.push_back(total > 0 ? std::log(weight(i) / total) : -std::log(double(k)));
      }
    }
  }
  t.choose_inference();
  return t;
}

void NetworkTables::choose_inference() {
  largest_clique = order_elimination(structure);
  structure.mean_field = largest_clique > kernels::kMostCliqueStates;
}

NetworkTables NetworkTables::part(const std::vector<char>& kept) const {
  NetworkTables t;
  t.points = points;
  std::vector<int> place(names.size(), -1);
  std::int64_t at = 0;
  for (std::size_t v = 0; v < names.size(); ++v) {
    const std::int64_t size = structure.configurations(v) * structure.states[v];
    if (kept[v]) {
      place[v] = int(t.names.size());
      t.names.push_back(names[v]);
      t.states.push_back(states[v]);
      t.structure.states.push_back(structure.states[v]);
      t.log_tables.insert(t.log_tables.end(), log_tables.begin() + at,
                          log_tables.begin() + at + size);
      t.counts.insert(t.counts.end(), counts.begin() + at, counts.begin() + at + size);
    }
    at += size;
  }
  for (std::size_t v = 0; v < names.size(); ++v) {
    if (!kept[v]) continue;
    t.structure.parents.emplace_back();
    for (const int p : structure.parents[v])
      t.structure.parents.back().push_back(place[std::size_t(p)]);
  }
  t.choose_inference();
  return t;
}

// Independent variables take no zeros.
std::vector<double> NetworkTables::used_logs() const {
  std::vector<double> out = log_tables;
  if (structure.mean_field)
    for (double& l : out) l = std::max(l, kLogZero);
  return out;
}

double NetworkTables::probability(std::int64_t cell) const {
  return std::exp(log_tables[std::size_t(cell)]);
}

std::int64_t NetworkTables::table_at(std::size_t v) const {
  std::int64_t at = 0;
  for (std::size_t u = 0; u < v; ++u) at += structure.configurations(u) * structure.states[u];
  return at;
}

std::string NetworkTables::configuration(std::size_t v, std::int64_t j) const {
  std::string out;
  for (std::size_t k = structure.parents[v].size(); k-- > 0;) {
    const auto p = std::size_t(structure.parents[v][k]);
    const std::int64_t n = structure.states[p];
    out = names[p] + "=" + states[p][std::size_t(j % n)] + (out.empty() ? "" : ", ") + out;
    j /= n;
  }
  return out;
}

std::vector<double> NetworkTables::marginals() const {
  const std::vector<double> of_tables = used_logs();
  kernels::NetworkRows engine(structure);
  const auto n = std::size_t(structure.total_states());
  std::vector<double> none(n), out(n);
  engine.run(none.data(), none.data(), of_tables.data(), out.data(), nullptr);
  return out;
}

NetworkAnswer NetworkTables::answer(const NetworkQuery& q) const {
  std::vector<char> kept(names.size(), 0);
  const auto keep = [&](auto&& self, int v) -> void {
    if (kept[std::size_t(v)]) return;
    kept[std::size_t(v)] = 1;
    for (const int p : structure.parents[std::size_t(v)]) self(self, p);
  };
  for (const auto& [v, state] : q.targets) keep(keep, v);
  for (const auto& [v, state] : q.given) keep(keep, v);
  const auto place = [&](int v) { return int(std::count(kept.begin(), kept.begin() + v, 1)); };
  NetworkQuery asked;
  for (const auto& [v, state] : q.targets) asked.targets.emplace_back(place(v), state);
  for (const auto& [v, state] : q.given) asked.given[place(v)] = state;
  return part(kept).answer_by_all(asked);
}

NetworkAnswer NetworkTables::answer_by_all(const NetworkQuery& q) const {
  const std::vector<double> of_tables = used_logs();
  kernels::NetworkRows engine(structure);
  const auto n = std::size_t(structure.total_states());
  std::vector<double> cells(n), none(n), marginals(n);
  const auto see = [&](int v, int state) {
    const std::int64_t at = engine.state_at(std::size_t(v));
    std::fill_n(cells.begin() + at, structure.states[std::size_t(v)], 0.0);
    if (state >= 0) cells[std::size_t(at + state)] = 1;
  };
  NetworkAnswer out;
  out.exact = !structure.mean_field;
  for (const auto& [v, state] : q.given) see(v, state);
  out.log_evidence =
      engine.run(cells.data(), none.data(), of_tables.data(), marginals.data(), nullptr);
  if (!(out.log_evidence > -std::numeric_limits<double>::infinity())) {
    std::string given;
    for (const auto& [v, state] : q.given)
      given += (given.empty() ? "" : ", ") + names[std::size_t(v)] + "=" +
               states[std::size_t(v)][std::size_t(state)];
    raise<ConfigError>(
        "{} cannot be: its probability is 0 under the fitted tables, which are point estimates; "
        "--method vb leaves everything possible",
        given);
  }
  double size = 1;
  std::vector<int> first, state, extent;
  for (const auto& [v, asked] : q.targets) {
    first.push_back(std::max(asked, 0));
    extent.push_back(asked >= 0 ? 1 : int(structure.states[std::size_t(v)]));
    size *= extent.back();
  }
  if (size > kMostAnswers)
    raise<ConfigError>("the query asks for {:.3g} joint states, and at most {:.0e} are told", size,
                       kMostAnswers);
  std::vector<double> logs;
  for (std::vector<int> step(first.size(), 0);;) {
    out.states.emplace_back();
    for (std::size_t k = 0; k < step.size(); ++k) out.states.back().push_back(first[k] + step[k]);
    if (q.targets.size() == 1) {
      const auto at = engine.state_at(std::size_t(q.targets[0].first)) + out.states.back()[0];
      out.probabilities.push_back(marginals[std::size_t(at)]);
    } else {
      for (std::size_t k = 0; k < step.size(); ++k) see(q.targets[k].first, out.states.back()[k]);
      out.probabilities.push_back(
          std::exp(engine.run(cells.data(), none.data(), of_tables.data(), nullptr, nullptr) -
                   out.log_evidence));
    }
    std::size_t k = step.size();
    while (k-- > 0) {
      if (++step[k] < extent[k]) break;
      step[k] = 0;
    }
    if (k == std::size_t(-1)) return out;
  }
}

void NetworkTables::rows(const Array& x, Workers& workers, Array* marginals,
                         std::vector<double>* logs) const {
  const std::int64_t n = x.shape().extent(0), width = structure.total_states(), block = 512;
  const auto d = std::int64_t(names.size());
  const std::vector<double> of_tables = used_logs();
  *marginals = Array(DType::f64, Shape{n, width});
  logs->assign(std::size_t(n), 0);
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    kernels::NetworkRows engine(structure);
    std::vector<double> cells(static_cast<std::size_t>(width)), none(cells.size());
    const std::int64_t past = std::min(n, std::int64_t(b + 1) * block);
    for (std::int64_t i = std::int64_t(b) * block; i < past; ++i) {
      double* to = marginals->data<double>() + i * width;
      write_indicators(x.data<double>() + i * d, structure.states, cells.data());
      const double log = engine.run(cells.data(), none.data(), of_tables.data(), to, nullptr);
      (*logs)[std::size_t(i)] = log;
      if (!(log > -std::numeric_limits<double>::infinity()))
        std::fill_n(to, width, std::numeric_limits<double>::quiet_NaN());
    }
  });
}

Array NetworkTables::sample(std::int64_t n, Key key) const {
  const NetworkText net{names, structure.parents};
  const std::vector<int> order = net.order();
  const auto d = std::int64_t(names.size());
  Array out(DType::f64, Shape{n, d});
  std::vector<std::int64_t> at(names.size());
  for (std::size_t v = 0; v < names.size(); ++v) at[v] = table_at(v);
  for (std::int64_t i = 0; i < n; ++i) {
    double* row = out.data<double>() + i * d;
    for (const int u : order) {
      const auto v = std::size_t(u);
      std::int64_t cell = 0;
      for (const int p : structure.parents[v])
        cell = cell * structure.states[std::size_t(p)] + std::int64_t(row[p]);
      cell = at[v] + cell * structure.states[v];
      const auto drawn = philox(key, std::uint64_t(i), std::uint64_t(v));
      double left = (double(drawn.word[0]) + double(drawn.word[1]) * 0x1p-32 + 0x1p-33) * 0x1p-32;
      std::int64_t k = 0;
      while (k + 1 < structure.states[v] && (left -= probability(cell + k)) > 0) ++k;
      while (probability(cell + k) == 0) --k;  // rounding does not reach a state of zero
      row[v] = double(k);
    }
  }
  return out;
}

}  // namespace fathom
