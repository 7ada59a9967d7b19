// The functions of packs against independent oracles, on every instruction set that this machine
// has, within the table of fathom/kernels/wide/accuracy.h.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/wide/accuracy.h"
#include "tests/kernels/oracles.h"
#include "tests/kernels/wide_functions.h"

namespace fathom::tests {
namespace {

using kernels::Isa;

constexpr std::size_t kPoints = 24000;

const WideFunctions* functions_of(Isa isa) {
  if (isa > kernels::isa()) return nullptr;
#if defined(__x86_64__)
  if (isa == Isa::avx512) return &wide_functions_avx512();
  if (isa == Isa::avx2) return &wide_functions_avx2();
#endif
  return isa == Isa::base ? &wide_functions_base() : nullptr;
}

template <class T>
Loop<T> loop_of(const WideFunctions& f, const std::string& name) {
  for (const WideFunction* e = f.one; e->name; ++e) {
    if (name != e->name) continue;
    if constexpr (std::is_same_v<T, float>) {
      return e->f32;
    } else {
      return e->f64;
    }
  }
  return nullptr;
}

template <class T>
std::vector<T> run(Loop<T> loop, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  loop(std::int64_t(x.size()), x.data(), y.data());
  return y;
}

// Arguments and exact values, computed once for all instruction sets.
template <class T>
struct Known {
  std::vector<T> x;
  std::vector<long double> y;
};
template <class T>
const Known<T>& known(const Oracle& o) {
  static std::map<std::string, Known<T>> all;
  Known<T>& k = all[o.name];
  if (k.x.empty()) {
    k.x = arguments<T>(o, kPoints);
    for (T x : k.x) k.y.push_back(o.value(x));
  }
  return k;
}

template <class T>
void expect_accurate(const Known<T>& k, const std::vector<T>& y, const wide::Accuracy& a) {
  const double allowed = sizeof(T) == 4 ? a.ulp_f32 : a.ulp_f64;
  double worst = 0;
  int faults = 0;
  for (std::size_t i = 0; i < y.size() && faults < 5; ++i) {
    const double error = ulps<T>(y[i], k.y[i], a.floor);
    worst = std::max(worst, error);
    const bool sign_lost = k.y[i] == 0 && std::signbit(k.y[i]) != std::signbit(y[i]);
    if (error <= allowed && !sign_lost) continue;
    ++faults;
    ADD_FAILURE() << a.name << "(" << testing::PrintToString(k.x[i])
                  << ") = " << testing::PrintToString(y[i]) << ", not " << double(k.y[i]) << ": "
                  << error << " ulp, " << allowed << " allowed";
  }
  testing::Test::RecordProperty(std::string(a.name) + (sizeof(T) == 4 ? "_f32" : "_f64"),
                                std::to_string(worst));
}

class Wide : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    functions_ = functions_of(GetParam());
    if (!functions_) GTEST_SKIP() << "this machine lacks " << kernels::name_of(GetParam());
  }
  const WideFunctions* functions_ = nullptr;
};

class WideAccuracy : public Wide {
 protected:
  template <class T>
  void check(const wide::Accuracy& a) {
    const Oracle& o = oracle(a.name);
    const std::string name = std::string(a.name).substr(0, std::string(a.name).find("_negative"));
    const auto& k = known<T>(o);
    expect_accurate(k, run(loop_of<T>(*functions_, name), k.x), a);
  }
};

TEST_P(WideAccuracy, Declared) {
  for (const wide::Accuracy& a : wide::kAccuracy) {
    check<float>(a);
    check<double>(a);
  }
}

// A loop over n elements gives for each what a loop over it alone gives, bit by bit.
TEST_P(WideAccuracy, LanesAreIndependent) {
  for (const wide::Accuracy& a : wide::kAccuracy) {
    if (std::strstr(a.name, "_negative")) continue;
    const Loop<double> loop = loop_of<double>(*functions_, a.name);
    const std::vector<double>& x = known<double>(oracle(a.name)).x;
    const std::vector<double> together = run(loop, x);
    for (std::size_t i = 0; i < x.size(); i += 7) {
      double alone = 0;
      loop(1, &x[i], &alone);
      ASSERT_EQ(std::memcmp(&alone, &together[i], sizeof alone), 0) << a.name << " at " << x[i];
    }
  }
}

// ---- arithmetic against the scalar operators of the compiler
// --------------------------------------

template <class T>
std::vector<T> edge_values() {
  using L = std::numeric_limits<T>;
  std::vector<T> v = {0,
                      L::denorm_min(),
                      L::min(),
                      L::epsilon(),
                      T(0.5),
                      T(1),
                      T(1.5),
                      T(2.5),
                      T(3.5),
                      T(1) / T(3),
                      T(7.25),
                      T(8388607.5),
                      T(4503599627370495.5),
                      L::max(),
                      L::infinity(),
                      T(0.49999997),
                      T(1e10)};
  const std::size_t n = v.size();
  for (std::size_t i = 0; i < n; ++i) v.push_back(-v[i]);
  v.push_back(L::quiet_NaN());
  return v;
}

template <class T>
bool same(T a, T b) {
  return (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b));
}

template <class T>
T expected_three(const std::string& name, T a, T b, T c) {
  if (name == "add") return a + b;
  if (name == "sub") return a - b;
  if (name == "mul") return a * b;
  if (name == "div") return a / b;
  if (name == "neg") return -a;
  if (name == "copysign") return std::copysign(a, b);
  if (name == "fma") return std::fma(a, b, c);
  if (name == "less") return a < b;
  if (name == "less_equal") return a <= b;
  if (name == "greater") return a > b;
  if (name == "greater_equal") return a >= b;
  if (name == "equal") return a == b;
  if (name == "not_equal") return a != b;
  if (name == "logic") return (a < b && !(b < c)) || c != c;
  if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
  return name == "min" ? std::min(a, b) : std::max(a, b);
}

template <class T>
void check_three(const WideFunctions& f, const WideFunction3& e, Loop3<T> loop) {
  const std::string name = e.name;
  const std::vector<T> v = edge_values<T>();
  std::vector<T> a, b, c;
  std::mt19937 random(7);
  for (T x : v)
    for (T y : v) {
      a.push_back(x);
      b.push_back(y);
      c.push_back(v[random() % v.size()]);
    }
  std::vector<T> y(a.size());
  loop(std::int64_t(a.size()), a.data(), b.data(), c.data(), y.data());
  for (std::size_t i = 0; i < a.size(); ++i) {
    T want = expected_three(name, a[i], b[i], c[i]);
    if (name == "fma" && !f.fused) {
      volatile T product = a[i] * b[i];  // so that the compiler does not fuse
      want = product + c[i];
    }
    const bool either_zero = (name == "min" || name == "max") && a[i] == b[i];
    EXPECT_TRUE(either_zero ? y[i] == want : same(y[i], want))
        << name << "(" << a[i] << ", " << b[i] << ", " << c[i] << ") = " << y[i];
  }
}

TEST_P(Wide, ArithmeticComparisonsAndSelection) {
  for (const WideFunction3* e = functions_->three; e->name; ++e) {
    if (std::string(e->name) == "any_all") continue;
    check_three<float>(*functions_, *e, e->f32);
    check_three<double>(*functions_, *e, e->f64);
  }
}

template <class T>
void check_exact(const WideFunctions& f) {
  std::vector<T> x = edge_values<T>();
  std::mt19937 random(3);
  std::uniform_real_distribution<double> about(-100, 100), large(-1e17, 1e17);
  for (int i = 0; i < 2000; ++i) {
    x.push_back(T(about(random)));
    x.push_back(T(large(random)));
    x.push_back(T(std::floor(about(random)) + 0.5));
  }
  const auto root = run(loop_of<T>(f, "sqrt"), x), size = run(loop_of<T>(f, "abs"), x),
             down = run(loop_of<T>(f, "floor"), x), near = run(loop_of<T>(f, "round"), x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(same(root[i], std::sqrt(x[i]))) << "sqrt " << x[i];
    EXPECT_TRUE(same(size[i], std::fabs(x[i]))) << "abs " << x[i];
    EXPECT_TRUE(same(down[i], std::floor(x[i]))) << "floor " << x[i] << " " << down[i];
    EXPECT_TRUE(same(near[i], std::nearbyint(x[i]))) << "round " << x[i] << " " << near[i];
  }
}

TEST_P(Wide, RootsAndRoundingAreExact) {
  check_exact<float>(*functions_);
  check_exact<double>(*functions_);
}

TEST_P(Wide, AnyAndAllLookAtEveryLane) {
  for (const WideFunction3* e = functions_->three; e->name; ++e) {
    if (std::string(e->name) != "any_all") continue;
    const int lanes = functions_->lanes[1];
    for (int marked = -1; marked <= lanes; ++marked) {  // -1: none, `lanes`: all
      std::vector<double> a(std::size_t(lanes), 1.0), b(a), y(a);
      for (int i = 0; i < lanes; ++i)
        if (i == marked || marked == lanes) a[std::size_t(i)] = 0.0;
      e->f64(lanes, a.data(), b.data(), b.data(), y.data());
      const bool all = marked == lanes || lanes == 1;
      EXPECT_EQ(y[0], (marked >= 0 ? 1.0 : 0.0) + (marked >= 0 && all ? 2.0 : 0.0)) << marked;
    }
  }
}

template <class T>
void check_partial(void (*partial)(int, const T*, T*), int lanes) {
  for (int n = 0; n <= lanes; ++n) {
    std::vector<T> x(std::size_t(n), T(2)), y(std::size_t(lanes) + 1, T(-7));
    x.shrink_to_fit();  // nothing beyond, for the sanitizers
    partial(n, x.data(), y.data());
    for (int i = 0; i <= lanes; ++i) EXPECT_EQ(y[std::size_t(i)], i < n ? T(3) : T(-7));
  }
}

TEST_P(Wide, PartialLoadsAndStoresTouchNoMore) {
  check_partial<float>(functions_->partial_f32, functions_->lanes[0]);
  check_partial<double>(functions_->partial_f64, functions_->lanes[1]);
}

template <class T>
void check_reduce(void (*reduce)(const T*, T*), int lanes) {
  std::vector<T> x(static_cast<std::size_t>(lanes)), y(3);
  for (int i = 0; i < lanes; ++i) x[std::size_t(i)] = T((i * 5) % 7 - 3) + T(0.25);
  const auto tree = [&](auto&& self, int from, int step) -> T {
    if (step == lanes) return x[std::size_t(from)];
    return self(self, from, 2 * step) + self(self, from + step, 2 * step);
  };
  reduce(x.data(), y.data());
  EXPECT_EQ(y[0], tree(tree, 0, 1));  // exact here, whatever the order
  EXPECT_EQ(y[1], *std::max_element(x.begin(), x.end()));
  EXPECT_EQ(y[2], *std::min_element(x.begin(), x.end()));
  for (T& e : x) {
    const T kept = e;
    e = std::numeric_limits<T>::quiet_NaN();
    reduce(x.data(), y.data());
    for (T v : y) EXPECT_TRUE(v != v);
    e = kept;
  }
}

TEST_P(Wide, Reductions) {
  check_reduce<float>(functions_->reduce_f32, functions_->lanes[0]);
  check_reduce<double>(functions_->reduce_f64, functions_->lanes[1]);
}

std::string isa_name(const testing::TestParamInfo<Isa>& p) { return kernels::name_of(p.param); }
constexpr std::array kSets = {Isa::base, Isa::avx2, Isa::avx512};
INSTANTIATE_TEST_SUITE_P(Sets, Wide, testing::ValuesIn(kSets), isa_name);
INSTANTIATE_TEST_SUITE_P(Sets, WideAccuracy, testing::ValuesIn(kSets), isa_name);

}  // namespace
}  // namespace fathom::tests
