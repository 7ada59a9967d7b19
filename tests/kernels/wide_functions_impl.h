// Included once by each wide_functions_<isa>.cpp, after FATHOM_ISA is defined.
#include "fathom/kernels/wide/pack.h"
#include "tests/kernels/wide_functions.h"

namespace fathom::wide {
namespace FATHOM_ISA {

template <class F, class T>
static void loop_one(std::int64_t n, const T* x, T* y) {
  using P = Pack<T>;
  std::int64_t i = 0;
  for (; i + P::lanes <= n; i += P::lanes) F::of(P::load(x + i)).store(y + i);
  if (i < n) F::of(P::load_partial(x + i, int(n - i))).store_partial(y + i, int(n - i));
}

template <class F, class T>
static void loop_three(std::int64_t n, const T* a, const T* b, const T* c, T* y) {
  using P = Pack<T>;
  for (std::int64_t i = 0; i < n; i += P::lanes) {
    const int m = n - i < P::lanes ? int(n - i) : P::lanes;
    F::of(P::load_partial(a + i, m), P::load_partial(b + i, m), P::load_partial(c + i, m))
        .store_partial(y + i, m);
  }
}

template <class T>
static void partial(int n, const T* x, T* y) {
  (Pack<T>::load_partial(x, n) + 1.0).store_partial(y, n);
}

template <class T>
static void reduce(const T* x, T* y) {
  const auto p = Pack<T>::load(x);
  y[0] = reduce_add(p);
  y[1] = reduce_max(p);
  y[2] = reduce_min(p);
}

#define FATHOM_ONE(NAME)                       \
  struct One_##NAME {                          \
    static auto of(auto x) { return NAME(x); } \
  };
FATHOM_ONE(exp)
FATHOM_ONE(expm1)
FATHOM_ONE(log)
FATHOM_ONE(log1p)
FATHOM_ONE(tanh)
FATHOM_ONE(sin)
FATHOM_ONE(cos)
FATHOM_ONE(erf)
FATHOM_ONE(erfc)
FATHOM_ONE(log_erfc)
FATHOM_ONE(lgamma)
FATHOM_ONE(digamma)
FATHOM_ONE(trigamma)
FATHOM_ONE(normal_quantile)
FATHOM_ONE(sqrt)
FATHOM_ONE(abs)
FATHOM_ONE(floor)
FATHOM_ONE(round)
#undef FATHOM_ONE

#define FATHOM_THREE(NAME, EXPRESSION)                                         \
  struct Three_##NAME {                                                        \
    static auto of(auto a, [[maybe_unused]] auto b, [[maybe_unused]] auto c) { \
      using P = decltype(a);                                                   \
      return P(EXPRESSION);                                                    \
    }                                                                          \
  };
FATHOM_THREE(add, a + b)
FATHOM_THREE(sub, a - b)
FATHOM_THREE(mul, a* b)
FATHOM_THREE(div, a / b)
FATHOM_THREE(neg, -a)
FATHOM_THREE(min, min(a, b))
FATHOM_THREE(max, max(a, b))
FATHOM_THREE(copysign, copysign(a, b))
FATHOM_THREE(fma, fma(a, b, c))
FATHOM_THREE(less, select(a < b, P(1.0), P(0.0)))
FATHOM_THREE(less_equal, select(a <= b, P(1.0), P(0.0)))
FATHOM_THREE(greater, select(a > b, P(1.0), P(0.0)))
FATHOM_THREE(greater_equal, select(a >= b, P(1.0), P(0.0)))
FATHOM_THREE(equal, select(a == b, P(1.0), P(0.0)))
FATHOM_THREE(not_equal, select(a != b, P(1.0), P(0.0)))
FATHOM_THREE(logic, select(((a < b) & !(b < c)) | is_nan(c), P(1.0), P(0.0)))
FATHOM_THREE(any_all, P((any(a < b) ? 1.0 : 0.0) + (all(a < b) ? 2.0 : 0.0)))
#undef FATHOM_THREE

#define FATHOM_ONE(NAME) \
  { #NAME, loop_one < One_##NAME, float>, loop_one < One_##NAME, double> }
#define FATHOM_THREE(NAME) \
  { #NAME, loop_three < Three_##NAME, float>, loop_three < Three_##NAME, double> }

static const tests::WideFunction kOne[] = {FATHOM_ONE(exp),
                                           FATHOM_ONE(expm1),
                                           FATHOM_ONE(log),
                                           FATHOM_ONE(log1p),
                                           FATHOM_ONE(tanh),
                                           FATHOM_ONE(sin),
                                           FATHOM_ONE(cos),
                                           FATHOM_ONE(erf),
                                           FATHOM_ONE(erfc),
                                           FATHOM_ONE(log_erfc),
                                           FATHOM_ONE(lgamma),
                                           FATHOM_ONE(digamma),
                                           FATHOM_ONE(trigamma),
                                           FATHOM_ONE(normal_quantile),
                                           FATHOM_ONE(sqrt),
                                           FATHOM_ONE(abs),
                                           FATHOM_ONE(floor),
                                           FATHOM_ONE(round),
                                           {nullptr, nullptr, nullptr}};

static const tests::WideFunction3 kThree[] = {
    FATHOM_THREE(add),           FATHOM_THREE(sub),        FATHOM_THREE(mul),
    FATHOM_THREE(div),           FATHOM_THREE(neg),        FATHOM_THREE(min),
    FATHOM_THREE(max),           FATHOM_THREE(copysign),   FATHOM_THREE(fma),
    FATHOM_THREE(less),          FATHOM_THREE(less_equal), FATHOM_THREE(greater),
    FATHOM_THREE(greater_equal), FATHOM_THREE(equal),      FATHOM_THREE(not_equal),
    FATHOM_THREE(logic),         FATHOM_THREE(any_all),    {nullptr, nullptr, nullptr}};

#undef FATHOM_ONE
#undef FATHOM_THREE

static const tests::WideFunctions kFunctions = {kOne,
                                                kThree,
                                                {Pack<float>::lanes, Pack<double>::lanes},
                                                Native<float>::fused,
                                                partial<float>,
                                                partial<double>,
                                                reduce<float>,
                                                reduce<double>};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
