#include "fathom/kernels/network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "fathom/base/error.h"

namespace fathom::kernels {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr double kRuledOut = -690;  // log of 1e-300 and less

[[noreturn]] void no_structure(const char* why) {
  raise<ShapeError>("[network] the structure is none: {}", why);
}

}  // namespace

std::int64_t NetworkStructure::configurations(std::size_t v) const {
  std::int64_t n = 1;
  for (const int p : parents[v]) n *= states[std::size_t(p)];
  return n;
}

std::int64_t NetworkStructure::total_states() const {
  std::int64_t n = 0;
  for (const std::int64_t s : states) n += s;
  return n;
}

std::int64_t NetworkStructure::total_cells() const {
  std::int64_t n = 0;
  for (std::size_t v = 0; v < size(); ++v) n += configurations(v) * states[v];
  return n;
}

std::vector<double> NetworkStructure::numbers() const {
  std::vector<double> out = {mean_field ? 1.0 : 0.0, double(size())};
  for (std::size_t v = 0; v < size(); ++v) {
    out.push_back(double(states[v]));
    out.push_back(double(parents[v].size()));
    for (const int p : parents[v]) out.push_back(p);
  }
  for (const int v : order) out.push_back(v);
  return out;
}

NetworkStructure NetworkStructure::of(std::span<const double> numbers) {
  std::size_t at = 0;
  const auto next = [&](double least, double most) {
    if (at == numbers.size()) no_structure("it ends too soon");
    const double x = numbers[at++];
    if (!(x >= least && x <= most && x == std::floor(x))) no_structure("a number is out of range");
    return std::int64_t(x);
  };
  NetworkStructure s;
  s.mean_field = next(0, 1) == 1;
  const std::int64_t n = next(1, 1e6);
  const double last = double(n - 1);
  for (std::int64_t v = 0; v < n; ++v) {
    s.states.push_back(next(1, 1e6));
    s.parents.emplace_back(std::size_t(next(0, last)));
    for (int& p : s.parents.back()) p = int(next(0, last));
  }
  std::vector<char> placed(std::size_t(n), 0);
  for (std::int64_t v = 0; v < n; ++v) {
    s.order.push_back(int(next(0, last)));
    if (placed[std::size_t(s.order.back())]++) no_structure("a variable is eliminated twice");
  }
  if (at != numbers.size()) no_structure("it goes on");
  return s;
}

namespace {

// An order by the states of cliques, or by what an elimination adds to who meets whom.
double order_by(bool fill, NetworkStructure& s) {
  const std::size_t n = s.size();
  std::vector<std::set<int>> meets(n);
  const auto join = [&](const std::vector<int>& all) {
    for (const int a : all)
      for (const int b : all)
        if (a != b) meets[std::size_t(a)].insert(b);
  };
  for (std::size_t v = 0; v < n; ++v) {
    std::vector<int> family = s.parents[v];
    family.push_back(int(v));
    join(family);
  }
  const auto weight = [&](std::size_t v) {
    double w = double(s.states[v]);
    for (const int u : meets[v]) w *= double(s.states[std::size_t(u)]);
    return w;
  };
  const auto added = [&](std::size_t v) {
    std::size_t count = 0;
    for (const int a : meets[v])
      for (const int b : meets[v]) count += a < b && meets[std::size_t(a)].count(b) == 0;
    return double(count);
  };
  std::vector<double> cost(n), clique(n);
  const auto reckon = [&](std::size_t v) {
    clique[v] = weight(v);
    cost[v] = fill ? added(v) : clique[v];
  };
  for (std::size_t v = 0; v < n; ++v) reckon(v);
  std::vector<char> gone(n, 0);
  double largest = 0;
  s.order.clear();
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t best = n;
    for (std::size_t v = 0; v < n; ++v)
      if (!gone[v] && (best == n || cost[v] < cost[best] ||
                       (cost[v] == cost[best] && clique[v] < clique[best])))
        best = v;
    largest = std::max(largest, clique[best]);
    gone[best] = 1;
    s.order.push_back(int(best));
    const std::vector<int> rest(meets[best].begin(), meets[best].end());
    join(rest);
    for (const int u : rest) meets[std::size_t(u)].erase(int(best));
    std::set<int> changed(rest.begin(), rest.end());
    for (const int u : rest)
      if (fill) changed.insert(meets[std::size_t(u)].begin(), meets[std::size_t(u)].end());
    for (const int u : changed) reckon(std::size_t(u));
  }
  return largest;
}

}  // namespace

double order_elimination(NetworkStructure& s) {
  NetworkStructure other = s;
  const double least = order_by(false, s), filled = order_by(true, other);
  if (filled < least) s.order = other.order;
  return std::min(least, filled);
}

NetworkRows::NetworkRows(NetworkStructure structure) : s_(std::move(structure)) {
  std::int64_t states = 0, cells = 0;
  for (std::size_t v = 0; v < s_.size(); ++v) {
    state_at_.push_back(states);
    table_at_.push_back(cells);
    states += s_.states[v];
    cells += s_.configurations(v) * s_.states[v];
  }
  potential_.resize(std::size_t(states));
  q_.resize(std::size_t(states));
  field_.resize(std::size_t(states));
  seen_.resize(s_.size());
  state_.resize(s_.size());
  if (!s_.mean_field) make_buckets();
}

// A variable's bucket holds what is left to sum over when its turn comes: tables and messages that
// it is the first of their variables to be eliminated from.
void NetworkRows::make_buckets() {
  const std::size_t n = s_.size();
  std::vector<int> turn(n);
  for (std::size_t i = 0; i < n; ++i) turn[std::size_t(s_.order[i])] = int(i);
  struct Scope {
    std::vector<int> variables;
    Factor factor;
  };
  std::vector<std::vector<Scope>> waiting(n);
  const auto wait = [&](Scope scope) {
    int first = scope.variables[0];
    for (const int v : scope.variables)
      if (turn[std::size_t(v)] < turn[std::size_t(first)]) first = v;
    waiting[std::size_t(turn[std::size_t(first)])].push_back(std::move(scope));
  };
  // Steps of a dense array over these variables, the last of which varies fastest.
  const auto steps_of = [&](const std::vector<int>& variables) {
    std::vector<std::int64_t> steps(variables.size());
    std::int64_t step = 1;
    for (std::size_t k = variables.size(); k-- > 0;) {
      steps[k] = step;
      step *= s_.states[std::size_t(variables[k])];
    }
    return steps;
  };
  for (std::size_t v = 0; v < n; ++v) {
    Scope scope{s_.parents[v], {-1, int(v), table_at_[v], 0, {}}};
    scope.variables.push_back(int(v));
    wait(std::move(scope));
  }
  std::size_t most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Bucket b;
    b.variable = s_.order[i];
    std::set<int> beside;
    for (const Scope& w : waiting[i]) beside.insert(w.variables.begin(), w.variables.end());
    beside.erase(b.variable);
    b.beside.assign(beside.begin(), beside.end());
    b.strides = steps_of(b.beside);
    std::int64_t size = 1;
    for (const int u : b.beside) size *= s_.states[std::size_t(u)];
    b.message.resize(std::size_t(size));
    b.belief.resize(std::size_t(size));
    b.share.resize(std::size_t(size * s_.states[std::size_t(b.variable)]));
    for (Scope& w : waiting[i]) {
      const std::vector<std::int64_t> steps = steps_of(w.variables);
      w.factor.strides.assign(b.beside.size(), 0);
      for (std::size_t k = 0; k < w.variables.size(); ++k) {
        if (w.variables[k] == b.variable) {
          w.factor.own = steps[k];
          continue;
        }
        const auto found = std::find(b.beside.begin(), b.beside.end(), w.variables[k]);
        w.factor.strides[std::size_t(found - b.beside.begin())] = steps[k];
      }
      b.factors.push_back(std::move(w.factor));
    }
    most = std::max(most, b.factors.size());
    if (!b.beside.empty()) wait({b.beside, {int(i), -1, 0, 0, {}}});
    buckets_.push_back(std::move(b));
  }
  at_.resize(most);
}

// What a row says of every variable. Whether each has one state.
bool NetworkRows::see(const double* cells, const double* potentials) {
  bool all = true;
  for (std::size_t v = 0; v < s_.size(); ++v) {
    const std::int64_t from = state_at_[v], n = s_.states[v];
    const bool said = std::any_of(cells + from, cells + from + n, [](double c) { return c > 0; });
    int left = 0, last = -1;
    for (std::int64_t k = from; k < from + n; ++k) {
      const bool out = (said && !(cells[k] > 0)) || potentials[k] <= kRuledOut;
      potential_[std::size_t(k)] = out ? kNever : potentials[k];
      if (out) continue;
      ++left;
      last = int(k - from);
    }
    if (left == 0) last = 0;  // ruled out, as its potential says
    seen_[v] = left <= 1 ? last : -1;
    all = all && left <= 1;
  }
  return all;
}

double NetworkRows::run(const double* cells, const double* potentials, const double* tables,
                        double* marginals, double* families) {
  const bool all = see(cells, potentials);
  if (marginals) std::fill_n(marginals, s_.total_states(), 0.0);
  if (families) std::fill_n(families, s_.total_cells(), 0.0);
  if (all) return complete(tables, marginals, families);
  if (s_.mean_field) {
    const double bound = mean_field(tables, families);
    if (marginals && bound > kNever) std::copy(q_.begin(), q_.end(), marginals);
    return bound;
  }
  const double norm = eliminate(tables);
  if (norm == kNever || (!marginals && !families)) return norm;
  std::vector<double> own;
  if (!families) own.assign(std::size_t(s_.total_cells()), 0.0);
  double* f = families ? families : own.data();
  distribute(f);
  for (std::size_t v = 0; marginals && v < s_.size(); ++v) {
    const std::int64_t n = s_.states[v], rows = s_.configurations(v);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t k = 0; k < n; ++k)
        marginals[state_at_[v] + k] += f[table_at_[v] + i * n + k];
  }
  return norm;
}

double NetworkRows::complete(const double* tables, double* marginals, double* families) const {
  double norm = 0;
  const auto place = [&](std::size_t v) {
    std::int64_t at = 0;
    for (const int p : s_.parents[v]) at = at * s_.states[std::size_t(p)] + seen_[std::size_t(p)];
    return table_at_[v] + at * s_.states[v] + seen_[v];
  };
  for (std::size_t v = 0; v < s_.size(); ++v)
    norm += tables[place(v)] + potential_[std::size_t(state_at_[v] + seen_[v])];
  if (norm == kNever) return norm;
  for (std::size_t v = 0; marginals && v < s_.size(); ++v) marginals[state_at_[v] + seen_[v]] = 1;
  for (std::size_t v = 0; families && v < s_.size(); ++v) families[place(v)] = 1;
  return norm;
}

// Calls f(place in the message) for the states of the variables beside the bucket's own that the
// row allows; at_ holds the places of the factors where that one has its first state.
template <class F>
void NetworkRows::each_configuration(const Bucket& b, F&& f) {
  const std::size_t width = b.beside.size(), factors = b.factors.size();
  std::int64_t place = 0;
  for (std::size_t k = 0; k < factors; ++k) at_[k] = b.factors[k].base;
  const auto move = [&](std::size_t j, std::int64_t by) {
    place += by * b.strides[j];
    for (std::size_t k = 0; k < factors; ++k) at_[k] += by * b.factors[k].strides[j];
  };
  for (std::size_t j = 0; j < width; ++j) {
    const int seen = seen_[std::size_t(b.beside[j])];
    state_[j] = 0;
    if (seen > 0) move(j, seen);
  }
  for (;;) {
    f(place);
    std::size_t j = width;
    while (j-- > 0) {
      const auto u = std::size_t(b.beside[j]);
      if (seen_[u] >= 0) continue;
      if (++state_[j] < s_.states[u]) {
        move(j, 1);
        break;
      }
      move(j, 1 - s_.states[u]);
      state_[j] = 0;
    }
    if (j == std::size_t(-1)) return;
  }
}

double NetworkRows::eliminate(const double* tables) {
  double norm = 0;
  for (Bucket& b : buckets_) {
    const auto v = std::size_t(b.variable);
    const std::int64_t n = s_.states[v];
    const std::int64_t first = std::max(seen_[v], 0), end = seen_[v] >= 0 ? first + 1 : n;
    const double* potential = potential_.data() + state_at_[v];
    each_configuration(b, [&](std::int64_t place) {
      double* share = b.share.data() + place * n;
      double top = kNever;
      for (std::int64_t k = first; k < end; ++k) {
        double sum = potential[k];
        for (std::size_t i = 0; i < b.factors.size(); ++i) {
          const Factor& f = b.factors[i];
          const double* from =
              f.message < 0 ? tables : buckets_[std::size_t(f.message)].message.data();
          sum += from[at_[i] + k * f.own];
        }
        share[k] = sum;
        top = std::max(top, sum);
      }
      double total = 0;
      for (std::int64_t k = first; k < end && top > kNever; ++k)
        total += share[k] = std::exp(share[k] - top);
      for (std::int64_t k = first; k < end; ++k) share[k] = total > 0 ? share[k] / total : 0;
      b.message[std::size_t(place)] = total > 0 ? top + std::log(total) : kNever;
      b.belief[std::size_t(place)] = 0;
    });
    if (b.beside.empty()) norm += b.message[0];
  }
  return norm;
}

// Probabilities from the last bucket to the first: of its own variable given those beside it, times
// theirs, which the buckets that its message went to know.
void NetworkRows::distribute(double* families) {
  for (auto b = buckets_.rbegin(); b != buckets_.rend(); ++b) {
    const auto v = std::size_t(b->variable);
    const std::int64_t n = s_.states[v];
    const std::int64_t first = std::max(seen_[v], 0), end = seen_[v] >= 0 ? first + 1 : n;
    if (b->beside.empty()) b->belief[0] = 1;
    each_configuration(*b, [&](std::int64_t place) {
      const double outer = b->belief[std::size_t(place)];
      if (outer == 0) return;
      for (std::int64_t k = first; k < end; ++k) {
        const double p = outer * b->share[std::size_t(place * n + k)];
        for (std::size_t i = 0; i < b->factors.size(); ++i) {
          const Factor& f = b->factors[i];
          double* to = f.message < 0 ? families : buckets_[std::size_t(f.message)].belief.data();
          to[at_[i] + k * f.own] += p;
        }
      }
    });
  }
}

// Calls f(place in the tables, states of the parents and, last, of v) for each cell of a table.
template <class F>
void NetworkRows::each_cell(std::size_t v, F&& f) const {
  const std::vector<int>& parents = s_.parents[v];
  std::vector<std::int64_t> state(parents.size() + 1, 0);
  const auto extent = [&](std::size_t k) {
    return s_.states[k < parents.size() ? std::size_t(parents[k]) : v];
  };
  for (std::int64_t at = table_at_[v];; ++at) {
    f(at, std::span<const std::int64_t>(state));
    std::size_t k = state.size();
    while (k-- > 0) {
      if (++state[k] < extent(k)) break;
      state[k] = 0;
    }
    if (k == std::size_t(-1)) return;
  }
}

// Independent variables: each in turn takes q_v proportional to exp E log p of what it meets, until
// none moves. Starts from what tables say downwards.
double NetworkRows::mean_field(const double* tables, double* families) {
  constexpr int kSweeps = 500;
  constexpr double kStill = 1e-12;
  const std::size_t n = s_.size();
  const auto table = [&](std::int64_t at) { return tables[at] == kNever ? kRuledOut : tables[at]; };
  // exp and normalise what field_ says of v; how far q moved.
  const auto settle = [&](std::size_t v) {
    const std::int64_t from = state_at_[v], to = from + s_.states[v];
    double top = kNever, total = 0, moved = 0;
    for (auto k = std::size_t(from); k < std::size_t(to); ++k)
      top = std::max(top, field_[k] += potential_[k]);
    if (top == kNever) return -1.0;
    for (auto k = std::size_t(from); k < std::size_t(to); ++k)
      total += field_[k] = std::exp(field_[k] - top);
    for (auto k = std::size_t(from); k < std::size_t(to); ++k) {
      moved = std::max(moved, std::abs(field_[k] / total - q_[k]));
      q_[k] = field_[k] / total;
    }
    return moved;
  };
  const auto variable = [&](std::size_t v, std::size_t k) {
    return k < s_.parents[v].size() ? std::size_t(s_.parents[v][k]) : v;
  };
  // Adds the expectation of v's table given the state of `of`, whose place there is `slot`.
  const auto add_field = [&](std::size_t v, std::size_t slot) {
    const std::size_t of = variable(v, slot);
    each_cell(v, [&](std::int64_t at, std::span<const std::int64_t> state) {
      double p = 1;
      for (std::size_t k = 0; k < state.size(); ++k)
        if (k != slot) p *= q_[std::size_t(state_at_[variable(v, k)] + state[k])];
      if (p > 0) field_[std::size_t(state_at_[of] + state[slot])] += p * table(at);
    });
  };
  const auto clear = [&](std::size_t v) {
    std::fill_n(field_.begin() + state_at_[v], s_.states[v], 0.0);
  };
  std::vector<char> ready(n, 0);
  std::fill(q_.begin(), q_.end(), 0.0);
  for (std::size_t done = 0; done < n;)
    for (std::size_t v = 0; v < n; ++v) {
      const auto& parents = s_.parents[v];
      if (ready[v] || !std::all_of(parents.begin(), parents.end(),
                                   [&](int p) { return ready[std::size_t(p)] != 0; }))
        continue;
      clear(v);
      add_field(v, parents.size());
      if (settle(v) < 0) return kNever;
      ready[v] = 1;
      ++done;
    }
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double moved = 0;
    for (std::size_t v = 0; v < n; ++v) {
      if (seen_[v] >= 0) continue;
      clear(v);
      for (std::size_t c = 0; c < n; ++c)
        for (std::size_t k = 0; k <= s_.parents[c].size(); ++k)
          if (variable(c, k) == v) add_field(c, k);
      moved = std::max(moved, settle(v));
    }
    if (moved < kStill) break;
  }
  double bound = 0;
  for (std::size_t v = 0; v < n; ++v)
    each_cell(v, [&](std::int64_t at, std::span<const std::int64_t> state) {
      double p = 1;
      for (std::size_t k = 0; k < state.size(); ++k)
        p *= q_[std::size_t(state_at_[variable(v, k)] + state[k])];
      if (p > 0) bound += p * table(at);
      if (families) families[at] = p;
    });
  for (std::size_t k = 0; k < q_.size(); ++k)
    if (q_[k] > 0) bound += q_[k] * (potential_[k] - std::log(q_[k]));
  return bound;
}

namespace {

template <class T>
const double* doubles(const View& v, std::int64_t first, std::int64_t count,
                      std::vector<double>& room) {
  if constexpr (std::is_same_v<T, double>) return v.data<double>() + first;
  room.assign(v.data<T>() + first, v.data<T>() + first + count);
  return room.data();
}

template <class T>
void norm_of_rows(const View& cells, const View& potentials, const View& tables,
                  const View& structure, const View& norm, const View& marginals,
                  const View& families) {
  std::vector<double> a, b, c, d, m, f;
  NetworkRows rows(NetworkStructure::of(
      {doubles<T>(structure, 0, structure.size(), a), std::size_t(structure.size())}));
  const std::int64_t states = rows.structure().total_states();
  const std::int64_t width = rows.structure().total_cells(), n = cells.size() / states;
  if (cells.extent[cells.rank - 1] != states || tables.size() != width)
    no_structure("cells and tables have other sizes");
  const double* t = doubles<T>(tables, 0, width, b);
  const bool shared = potentials.size() == states && n != 1;
  if (marginals.raw) m.resize(std::size_t(states));
  if (families.raw) f.resize(std::size_t(width));
  for (std::int64_t i = 0; i < n; ++i) {
    const double* x = doubles<T>(cells, i * states, states, c);
    const double* p = doubles<T>(potentials, shared ? 0 : i * states, states, d);
    constexpr bool direct = std::is_same_v<T, double>;
    double* to_m = !marginals.raw ? nullptr
                   : direct       ? marginals.data<double>() + i * states
                                  : m.data();
    double* to_f = !families.raw ? nullptr
                   : direct      ? families.data<double>() + i * width
                                 : f.data();
    const double z = rows.run(x, p, t, to_m, to_f);
    if (norm.raw) norm.data<T>()[i] = T(z);
    if constexpr (!direct) {
      if (to_m) std::copy(m.begin(), m.end(), marginals.data<T>() + i * states);
      if (to_f) std::copy(f.begin(), f.end(), families.data<T>() + i * width);
    }
  }
}

}  // namespace

void network_norm(const View& cells, const View& potentials, const View& tables,
                  const View& structure, const View& norm, const View& marginals,
                  const View& families) {
  if (cells.dtype == DType::f32)
    return norm_of_rows<float>(cells, potentials, tables, structure, norm, marginals, families);
  norm_of_rows<double>(cells, potentials, tables, structure, norm, marginals, families);
}

}  // namespace fathom::kernels
