// Chains of gaussian states against the joint gaussian of all their states, dense, in long double.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

using Long = long double;
using Dense = std::vector<Long>;

// log of the integral of exp(h'x - x'P x / 2), mean and covariance of x.
struct Joint {
  Long log_norm = 0;
  Dense mean, covariance;
};

Joint joint_of(Dense p, const Dense& h) {
  const std::size_t n = h.size();
  Joint out;
  Dense inverse(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) inverse[i * n + i] = 1;
  // Gauss & Jordan with pivots; the product of pivots is |P|, up to its sign.
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t best = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(p[i * n + k]) > std::abs(p[best * n + k])) best = i;
    for (std::size_t j = 0; j < n; ++j) {
      std::swap(p[k * n + j], p[best * n + j]);
      std::swap(inverse[k * n + j], inverse[best * n + j]);
    }
    const Long pivot = p[k * n + k];
    out.log_norm -= std::log(std::abs(pivot)) / 2;
    for (std::size_t j = 0; j < n; ++j) {
      p[k * n + j] /= pivot;
      inverse[k * n + j] /= pivot;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const Long f = p[i * n + k];
      if (i == k || f == 0) continue;
      for (std::size_t j = 0; j < n; ++j) {
        p[i * n + j] -= f * p[k * n + j];
        inverse[i * n + j] -= f * inverse[k * n + j];
      }
    }
  }
  out.covariance = inverse;
  out.mean.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) out.mean[i] += inverse[i * n + j] * h[j];
  for (std::size_t i = 0; i < n; ++i) out.log_norm += out.mean[i] * h[i] / 2;
  out.log_norm += Long(n) / 2 * std::log(2 * std::acos(Long(-1)));
  return out;
}

// a' m a, a [n, k].
Dense sandwich(const Dense& a, const Dense& m, std::size_t n, std::size_t k) {
  Dense out(k * k, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t x = 0; x < k; ++x)
        for (std::size_t y = 0; y < k; ++y)
          out[x * k + y] += a[i * k + x] * m[i * n + j] * a[j * k + y];
  return out;
}

struct States {
  std::string name;
  std::size_t n = 1, r = 1;
  std::vector<std::size_t> lengths;
  // Of each row: h [n], P [n, n]; the same of the row before, and the link; of e; A and R.
  std::vector<double> h, p, h_before, p_before, link, g, w, motion, reach, weight;
  bool rows = false;  // all of these differ from row to row, else only h and P
  std::size_t count() const {
    std::size_t all = 0;
    for (const std::size_t l : lengths) all += l;
    return all;
  }
};

// A positive semidefinite matrix of this rank.
std::vector<double> semidefinite(Random& random, std::size_t n, std::size_t rank, double scale) {
  std::vector<double> f, m(n * n, 0.0);
  for (std::size_t i = 0; i < n * rank; ++i) f.push_back(scale * uniform_in(random, -1, 1));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = 0; k < rank; ++k) m[i * n + j] += f[i * rank + k] * f[j * rank + k];
  return m;
}

void append(std::vector<double>& to, const std::vector<double>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// Rows observed through a matrix of rank one, every third not at all; the first one known a little.
States states_of(std::string name, std::size_t n, std::size_t r, std::vector<std::size_t> lengths,
                 bool rows) {
  Random random(n * 10 + r + lengths.size());
  States c;
  c.name = std::move(name);
  c.n = n;
  c.r = r;
  c.lengths = std::move(lengths);
  c.rows = rows;
  std::size_t t = 0;
  const auto vector = [&](std::size_t size) {
    std::vector<double> v;
    for (std::size_t i = 0; i < size; ++i) v.push_back(uniform_in(random, -2, 2));
    return v;
  };
  for (const std::size_t l : c.lengths)
    for (std::size_t i = 0; i < l; ++i, ++t) {
      std::vector<double> p = semidefinite(random, n, 1, t % 3 == 2 ? 0 : 1);
      // Transitions x_t ~ N(A x_{t-1}, Q): a block of the joint precision each.
      for (std::size_t k = 0; k < n; ++k) p[k * n + k] += i == 0 ? 0.5 : 1.5;
      append(c.h, vector(n));
      append(c.p, p);
      const double often = i == 0 ? uniform_in(random, 0.2, 2) : c.weight.back();
      c.weight.push_back(often);
    }
  for (std::size_t i = 0; i < (rows ? c.count() : 1); ++i) {
    append(c.h_before, vector(n));
    // |link| small beside both precisions, so that the joint one is definite.
    std::vector<double> before = semidefinite(random, n, n, 0.3);
    for (std::size_t k = 0; k < n; ++k) before[k * n + k] += 1;
    append(c.p_before, before);
    std::vector<double> link = vector(n * n);
    for (double& v : link) v *= 0.45 / double(n);
    append(c.link, link);
    append(c.g, vector(r));
    std::vector<double> w = semidefinite(random, r, r, 0.7);
    for (std::size_t k = 0; k < r; ++k) w[k * r + k] += 0.5;
    append(c.w, w);
  }
  // Near the identity: states neither vanish nor grow beyond the digits of what is known of them.
  c.motion = vector(n * n);
  for (double& v : c.motion) v *= 0.25 / double(n);
  for (std::size_t k = 0; k < n; ++k) c.motion[k * n + k] += 1;
  c.reach = vector(n * r);
  return c;
}

struct StatesBuilt {
  std::unique_ptr<Graph> graph = std::make_unique<Graph>(op_table());
  std::vector<Value> outputs;
  Bindings bindings;
  std::vector<double> begins;

  StatesBuilt(const States& c, bool driven, DType t) {
    const Label row = graph->label("row", true);
    const auto count = std::int64_t(c.count()), n = std::int64_t(c.n), r = std::int64_t(c.r);
    const Shape rows(std::span<const Axis>(std::vector<Axis>{{count, row}}));
    for (const std::size_t l : c.lengths)
      for (std::size_t i = 0; i < l; ++i) begins.push_back(i == 0 ? 1 : 0);
    const auto input = [&](const char* name, const std::vector<double>& v, Shape events,
                           bool each) {
      std::vector<std::int64_t> extents;
      if (each) extents.push_back(count);
      for (const Axis& a : events.axes()) extents.push_back(a.extent);
      Shape plain;
      for (const std::int64_t e : extents) plain = plain.with_back(e);
      bindings[name] = Array::of<double>(plain, std::span<const double>(v)).cast(t);
      return graph->data(name, t, each ? events.with_front(rows[0]) : events);
    };
    const auto half = [](std::vector<double> p) {
      for (double& v : p) v *= -0.5;
      return p;
    };
    const Value begin = input("begins", begins, {}, true),
                weight = input("weight", c.weight, {}, true);
    std::vector<Value> natural = {input("h", c.h, Shape{n}, true),
                                  input("p", half(c.p), Shape{n, n}, true)};
    if (driven) {
      natural.push_back(input("g", c.g, Shape{r}, c.rows));
      natural.push_back(input("w", half(c.w), Shape{r, r}, c.rows));
      const DrivenParts d = driven_parts(natural, input("motion", c.motion, Shape{n, n}, false),
                                         input("reach", c.reach, Shape{n, r}, false), begin * 1.0);
      outputs = {d.log_norm * 1.0, d.mean, d.covariance, d.drive, d.drive_covariance};
    } else {
      natural.push_back(input("h_before", c.h_before, Shape{n}, c.rows));
      natural.push_back(input("p_before", half(c.p_before), Shape{n, n}, c.rows));
      natural.push_back(input("link", c.link, Shape{n, n}, c.rows));
      const LinkedParts d = linked_parts(natural, begin * 1.0);
      outputs = {d.log_norm * 1.0,    d.mean, d.covariance, d.mean_before,
                 d.covariance_before, d.cross};
    }
    const Value total = sum(outputs[0] * weight);
    outputs.push_back(total);
    for (const Value& v : gradient(total, natural)) outputs.push_back(v);
  }
};

// Moments of all rows of the case, and what the log-normaliser and its gradient should be.
struct WantedMoments {
  Long total = 0;
  Dense mean, covariance, other_mean, other_covariance, cross;  // other: the row before, or e
  std::vector<Dense> gradient;
};

class DenseStates {
 public:
  DenseStates(const States& c, bool driven) : c_(c), driven_(driven) {
    const std::size_t n = c.n, m = driven ? c.r : c.n;
    want.gradient = {Dense(c.count() * n), Dense(c.count() * n * n), zeros(m), zeros(m * m),
                     zeros(driven ? 0 : n * n)};
    std::size_t first = 0;
    for (const std::size_t length : c.lengths) {
      driven ? drive(first, length) : link(first, length);
      first += length;
    }
  }
  WantedMoments want;

 private:
  Dense zeros(std::size_t size) const { return Dense(c_.rows ? c_.count() * size : size, 0); }
  std::size_t shared(std::size_t row) const { return c_.rows ? row : 0; }

  void add_gradient(std::size_t which, std::size_t row, std::size_t size, const Dense& statistic) {
    const std::size_t at = which < 2 || c_.rows ? row : 0;
    for (std::size_t i = 0; i < size; ++i)
      want.gradient[which][at * size + i] += Long(c_.weight[row]) * statistic[i];
  }
  static Dense raw(const Dense& covariance, const Dense& a, const Dense& b) {
    Dense out = covariance;
    for (std::size_t i = 0; i < a.size(); ++i)
      for (std::size_t j = 0; j < b.size(); ++j) out[i * b.size() + j] += a[i] * b[j];
    return out;
  }
  // Of one row, by its own moments, those of the other and how both vary together.
  void take(std::size_t row, bool begins, const Dense& mean, const Dense& covariance,
            const Dense& other, const Dense& other_covariance, const Dense& cross) {
    const auto put = [](Dense& to, const Dense& v) { to.insert(to.end(), v.begin(), v.end()); };
    put(want.mean, mean);
    put(want.covariance, covariance);
    put(want.other_mean, other);
    put(want.other_covariance, other_covariance);
    put(want.cross, cross);
    add_gradient(0, row, mean.size(), mean);
    add_gradient(1, row, covariance.size(), raw(covariance, mean, mean));
    if (begins) return;
    add_gradient(2, row, other.size(), other);
    add_gradient(3, row, other_covariance.size(), raw(other_covariance, other, other));
    if (!driven_) add_gradient(4, row, cross.size(), raw(cross, mean, other));
  }

  void link(std::size_t first, std::size_t length) {
    const std::size_t n = c_.n, all = n * length;
    Dense p(all * all, 0), h(all, 0);
    for (std::size_t t = 0; t < length; ++t) {
      const std::size_t row = first + t, s = shared(row);
      for (std::size_t i = 0; i < n; ++i) {
        h[t * n + i] += c_.h[row * n + i];
        if (t > 0) h[(t - 1) * n + i] += c_.h_before[s * n + i];
        for (std::size_t j = 0; j < n; ++j) {
          p[(t * n + i) * all + t * n + j] += c_.p[(row * n + i) * n + j];
          if (t == 0) continue;
          p[((t - 1) * n + i) * all + (t - 1) * n + j] += c_.p_before[(s * n + i) * n + j];
          const double g = c_.link[(s * n + i) * n + j];
          p[(t * n + i) * all + (t - 1) * n + j] -= g;
          p[((t - 1) * n + j) * all + t * n + i] -= g;
        }
      }
    }
    const Joint q = joint_of(p, h);
    want.total += Long(c_.weight[first]) * q.log_norm;
    const auto part = [&](std::size_t a, std::size_t b) {
      Dense out;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          out.push_back(q.covariance[(a * n + i) * all + b * n + j]);
      return out;
    };
    const auto mean = [&](std::size_t t) {
      return Dense(q.mean.begin() + std::ptrdiff_t(t * n),
                   q.mean.begin() + std::ptrdiff_t((t + 1) * n));
    };
    const Dense none(n, 0), nothing(n * n, 0);
    for (std::size_t t = 0; t < length; ++t)
      take(first + t, t == 0, mean(t), part(t, t), t > 0 ? mean(t - 1) : none,
           t > 0 ? part(t - 1, t - 1) : nothing, t > 0 ? part(t, t - 1) : nothing);
  }

  // All states are linear in the first one and all e: x = map z.
  void drive(std::size_t first, std::size_t length) {
    const std::size_t n = c_.n, r = c_.r, free = n + r * (length - 1);
    std::vector<Dense> map(length, Dense(n * free, 0));
    for (std::size_t i = 0; i < n; ++i) map[0][i * free + i] = 1;
    for (std::size_t t = 1; t < length; ++t)
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < n; ++k)
          for (std::size_t j = 0; j < free; ++j)
            map[t][i * free + j] += Long(c_.motion[i * n + k]) * map[t - 1][k * free + j];
        for (std::size_t k = 0; k < r; ++k)
          map[t][i * free + n + (t - 1) * r + k] += c_.reach[i * r + k];
      }
    Dense p(free * free, 0), h(free, 0);
    for (std::size_t t = 0; t < length; ++t) {
      const std::size_t row = first + t, s = shared(row);
      const Dense own(c_.p.begin() + std::ptrdiff_t(row * n * n),
                      c_.p.begin() + std::ptrdiff_t((row + 1) * n * n));
      const Dense seen = sandwich(map[t], own, n, free);
      for (std::size_t i = 0; i < p.size(); ++i) p[i] += seen[i];
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < free; ++j)
          h[j] += map[t][i * free + j] * Long(c_.h[row * n + i]);
      if (t == 0) continue;
      const std::size_t at = n + (t - 1) * r;
      for (std::size_t i = 0; i < r; ++i) {
        h[at + i] += c_.g[s * r + i];
        for (std::size_t j = 0; j < r; ++j)
          p[(at + i) * free + at + j] += c_.w[(s * r + i) * r + j];
      }
    }
    const Joint q = joint_of(p, h);
    want.total += Long(c_.weight[first]) * q.log_norm;
    for (std::size_t t = 0; t < length; ++t) {
      Dense mean(n, 0), covariance(n * n, 0), e(r, 0), spread(r * r, 0);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < free; ++k) {
          mean[i] += map[t][i * free + k] * q.mean[k];
          for (std::size_t j = 0; j < n; ++j)
            for (std::size_t l = 0; l < free; ++l)
              covariance[i * n + j] +=
                  map[t][i * free + k] * q.covariance[k * free + l] * map[t][j * free + l];
        }
      const std::size_t at = t > 0 ? n + (t - 1) * r : 0;
      for (std::size_t i = 0; t > 0 && i < r; ++i) {
        e[i] = q.mean[at + i];
        for (std::size_t j = 0; j < r; ++j)
          spread[i * r + j] = q.covariance[(at + i) * free + at + j];
      }
      take(first + t, t == 0, mean, covariance, e, spread, {});
    }
  }

  const States& c_;
  bool driven_;
};

// By themselves, or beside the largest of them.
enum class Measure { each, largest };

void expect_near(const Array& got, const Dense& want, double tolerance, const std::string& what,
                 Measure measure) {
  const std::vector<double> v = numbers(got);
  ASSERT_EQ(v.size(), want.size()) << what;
  double largest = 0;
  for (const Long& w : want) largest = std::max(largest, std::abs(double(w)));
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double size = measure == Measure::each ? std::abs(double(want[i])) : largest;
    ASSERT_NEAR(v[i], double(want[i]), tolerance * (1 + size)) << what << " " << i;
  }
}

void check_states(const States& c, bool driven, const std::vector<Array>& out, double tolerance,
                  Measure measure = Measure::each) {
  const WantedMoments want = DenseStates(c, driven).want;
  const std::size_t moments = driven ? 5 : 6;
  expect_near(out[1], want.mean, tolerance, "mean", measure);
  expect_near(out[2], want.covariance, tolerance, "covariance", measure);
  expect_near(out[3], want.other_mean, tolerance, "other mean", measure);
  expect_near(out[4], want.other_covariance, tolerance, "other covariance", measure);
  if (!driven) expect_near(out[5], want.cross, tolerance, "cross", measure);
  expect_near(out[moments], {want.total}, tolerance, "log norm", measure);
  for (std::size_t k = 0; k < (driven ? 4u : 5u); ++k)
    expect_near(out[moments + 1 + k], want.gradient[k], tolerance, "gradient", measure);
}

std::vector<States> state_cases() {
  std::vector<States> all;
  for (const bool rows : {false, true})
    for (const std::size_t n : {1u, 2u, 3u, 4u, 6u})
      for (const std::size_t r : {1u, 2u})
        if (r <= n)
          all.push_back(states_of(fmt::format("{} by {}{}", n, r, rows ? ", each row its own" : ""),
                                  n, r, {5, 1, 1, 7, 2}, rows));
  return all;
}

class GaussianChainLaw : public ::testing::TestWithParam<bool> {};

TEST_P(GaussianChainLaw, IsTheJointGaussianOfAllStates) {
  for (const States& c : state_cases()) {
    SCOPED_TRACE(c.name);
    StatesBuilt f(c, GetParam(), DType::f64);
    check_states(c, GetParam(), evaluate_reference(*f.graph, f.outputs, f.bindings), 1e-10);
    for (const int threads : {1, 3})
      check_states(c, GetParam(), run_planned(*f.graph, f.outputs, f.bindings, {}, threads), 1e-10);
  }
}

TEST_P(GaussianChainLaw, InSinglePrecision) {
  for (const States& c : state_cases()) {
    SCOPED_TRACE(c.name);
    StatesBuilt f(c, GetParam(), DType::f32);
    check_states(c, GetParam(), run_planned(*f.graph, f.outputs, f.bindings), 2e-4);
  }
}

// Rows that say little or nothing, by themselves: J of rank one, or zero, and h where it does not
// reach; of e next to nothing is known, or next to all; a motion that forgets an element.
TEST(DrivenChainLaw, OfSemidefiniteRows) {
  for (const bool rows : {false, true})
    for (const std::size_t n : {1u, 2u, 3u, 4u, 6u, 9u})
      for (const std::size_t r : {1u, 2u, 3u})
        for (const double noise : {1.0, 1e-3, 1e8}) {
          if (r > n) continue;
          States c = states_of(fmt::format("{} by {}, {}", n, r, noise), n, r, {6, 5}, rows);
          SCOPED_TRACE(c.name);
          Random random(17 + n);
          c.p.clear();
          for (std::size_t t = 0; t < c.count(); ++t) {
            append(c.p, semidefinite(random, n, 1, t % 4 == 3 ? 0 : 2));
            for (std::size_t i = 0; i < n && (t == 0 || t == 6); ++i)
              c.p[(t * n + i) * n + i] += 0.5;
          }
          for (double& v : c.w) v *= noise;
          for (std::size_t i = 0; i < n && rows; ++i) c.motion[i] = 0;
          StatesBuilt f(c, true, DType::f64);
          // e of variance 1e3 cancel in what is seen of them.
          check_states(c, true, run_planned(*f.graph, f.outputs, f.bindings), 1e-10,
                       noise < 1 ? Measure::largest : Measure::each);
        }
}

// A precision that is not positive semidefinite is no row's.
TEST(DrivenChainLaw, ARowThatSaysLessThanNothing) {
  States c = states_of("indefinite", 2, 1, {3, 4}, false);
  c.p[4] = -0.1;
  StatesBuilt f(c, true, DType::f64);
  const std::vector<double> mean = numbers(run_planned(*f.graph, f.outputs, f.bindings)[1]);
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_EQ(std::isnan(mean[i]), i < 6) << i;
}

// A sequence of which too little is known has no mean, and leaves the others alone.
TEST_P(GaussianChainLaw, WhatHasNoIntegralIsNoNumber) {
  States c = states_of("flat", 2, 1, {3, 4}, false);
  for (std::size_t i = 0; i < 3 * 4; ++i) c.p[i] = 0;
  for (double& v : c.p_before) v = GetParam() ? v : 0;
  if (!GetParam()) {
    for (double& v : c.link) v = 0;
  }
  StatesBuilt f(c, GetParam(), DType::f64);
  const std::vector<Array> out = run_planned(*f.graph, f.outputs, f.bindings);
  const std::vector<double> mean = numbers(out[1]);
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_EQ(std::isnan(mean[i]), i < 6) << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, GaussianChainLaw, ::testing::Values(false, true),
                         [](const auto& kind) { return kind.param ? "Driven" : "Linked"; });

// Nothing is known of the first state, and no noise reaches the slope: a straight line through
// noise, whose smoothed states are those of least squares.
TEST(DrivenChainLaw, WithoutNoiseItIsLeastSquares) {
  const std::size_t steps = 7;
  States c;
  c.n = 2;
  c.r = 1;
  c.lengths = {steps};
  c.motion = {1, 1, 0, 1};
  c.reach = {1, 0};
  c.g = {0};
  c.w = {1e14};  // and next to none the level
  c.weight.assign(steps, 1);
  const std::vector<double> y = {1.5, 2.25, 2.0, 3.75, 5.0, 4.5, 7.0};
  for (const double v : y) {
    append(c.h, {v, 0});
    append(c.p, {1, 0, 0, 0});
  }
  StatesBuilt f(c, true, DType::f64);
  const std::vector<Array> out = run_planned(*f.graph, f.outputs, f.bindings);
  double sy = 0, sty = 0, st = 0, stt = 0;
  for (std::size_t t = 0; t < steps; ++t) {
    sy += y[t];
    st += double(t);
    stt += double(t * t);
    sty += double(t) * y[t];
  }
  const double n = double(steps), slope = (n * sty - st * sy) / (n * stt - st * st),
               level = (sy - slope * st) / n;
  const std::vector<double> mean = numbers(out[1]), covariance = numbers(out[2]);
  for (std::size_t t = 0; t < steps; ++t) {
    EXPECT_NEAR(mean[2 * t], level + slope * double(t), 1e-9) << t;
    EXPECT_NEAR(mean[2 * t + 1], slope, 1e-9) << t;
    EXPECT_NEAR(covariance[4 * t + 3], n / (n * stt - st * st), 1e-9) << t;
  }
}

TEST(LinkedChainLaw, ShapesThatDoNotFit) {
  Graph g(op_table());
  const Value h = g.data("h", DType::f64, Shape{4, 3}), p = g.data("p", DType::f64, Shape{3, 3}),
              wrong = g.data("wrong", DType::f64, Shape{2, 2}),
              row = g.data("row", DType::f64, Shape{4});
  const std::vector<Value> natural = {h, p, h, p, wrong};
  EXPECT_THROW(linked_parts(natural, row), ShapeError);
}

}  // namespace
}  // namespace fathom::test
