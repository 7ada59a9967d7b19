// Every instruction set of this processor: elementwise ops within their declared accuracy of the
// oracle, reductions alike, whatever the length and the alignment.
#include "fathom/kernels/isa.h"

#include "fathom/kernels/linalg.h"
#include "fathom/ops/wide.h"
#include "tests/laws/oracle.h"

namespace fathom::test {
namespace {

// Restores the best instruction set when a test ends.
struct EachIsa {
  std::vector<kernels::Isa> all;
  EachIsa() {
    for (const kernels::Isa i : {kernels::Isa::base, kernels::Isa::avx2, kernels::Isa::avx512}) {
      kernels::limit_isa(i);
      if (kernels::isa() == i) all.push_back(i);
    }
  }
  ~EachIsa() { kernels::limit_isa(kernels::Isa::avx512); }
};

template <class T>
void check_op(const OpInfo& op, const std::vector<std::vector<double>>& arguments) {
  constexpr DType dtype = dtype_of<T>;
  const Oracle oracle = oracle_of(op.doc.name);
  // Odd lengths and an odd start: partial packs are used at both ends.
  const std::size_t start = 1, n = arguments.size() - start;
  std::vector<T> x[3];
  for (std::size_t k = 0; k < 3; ++k)
    for (const auto& a : arguments) x[k].push_back(T(a[std::min(k, a.size() - 1)]));
  std::vector<T> y(arguments.size() + 1, T(-77));
  const WideOp run = wide_table().op[std::size_t(op.wide)][dtype == DType::f32 ? 0 : 1];
  run(std::int64_t(n), y.data() + start, x[0].data() + start, x[1].data() + start,
      x[2].data() + start, 7);
  EXPECT_EQ(y[0], T(-77));
  EXPECT_EQ(y[start + n], T(-77)) << "wrote past its end";
  for (std::size_t i = start; i < start + n; ++i) {
    long double v[3] = {};
    for (std::size_t k = 0; k < arguments[i].size(); ++k) v[k] = arguments[i][k];
    // Where the machine cannot round once, a product is rounded before it is added to.
    const bool twice = (op.doc.name == "mul_add" || op.doc.name == "mul_sub") &&
                       kernels::isa() == kernels::Isa::base;
    const double least = twice ? double(std::abs(v[0] * v[1]) + std::abs(v[2])) : op.doc.least;
    ASSERT_LE(ulps(double(y[i]), oracle(v), dtype, least), op.doc.ulp + 0.5)
        << fmt::format("({:.17g})", fmt::join(arguments[i], ", ")) << " = " << y[i];
  }
}

TEST(InstructionSets, ElementwiseOpsKeepTheirAccuracy) {
  EachIsa sets;
  ASSERT_FALSE(sets.all.empty());
  for (const kernels::Isa isa : sets.all) {
    kernels::limit_isa(isa);
    for (const OpInfo& op : op_table()) {
      if (op.kind != OpKind::elementwise) continue;
      SCOPED_TRACE(fmt::format("{} {}", kernels::name_of(isa), op.doc.name));
      check_op<float>(op, arguments_of(op, DType::f32, 1500));
      check_op<double>(op, arguments_of(op, DType::f64, 1500));
    }
  }
}

TEST(InstructionSets, OperandsThatDoNotMove) {
  EachIsa sets;
  for (const kernels::Isa isa : sets.all) {
    kernels::limit_isa(isa);
    const WideOp run = wide_table().op[std::size_t(find_op("sub")->wide)][1];
    alignas(64) double fixed[8], y[37];
    std::fill_n(fixed, 8, 3.0);
    std::vector<double> x(37);
    for (std::size_t i = 0; i < 37; ++i) x[i] = double(i);
    run(37, y, x.data(), fixed, fixed, 1);
    for (std::size_t i = 0; i < 37; ++i) EXPECT_EQ(y[i], double(i) - 3);
    run(37, y, fixed, x.data(), fixed, 2);
    for (std::size_t i = 0; i < 37; ++i) EXPECT_EQ(y[i], 3 - double(i));
  }
}

TEST(InstructionSets, SumsAndLogSumExps) {
  EachIsa sets;
  Random random(8);
  for (const kernels::Isa isa : sets.all) {
    kernels::limit_isa(isa);
    for (const std::int64_t n : {0, 1, 3, 7, 8, 15, 16, 31, 64, 65, 127, 1000, 4097}) {
      SCOPED_TRACE(fmt::format("{} n {}", kernels::name_of(isa), n));
      const Array d = random_array(random, DType::f64, Shape{n}), f = d.cast(DType::f32);
      long double s = 0, a = 0, sf = 0, e = 0, ef = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        s += d.data<double>()[i];
        sf += f.data<float>()[i];
        a += std::abs(d.data<double>()[i]);
        e += std::exp(static_cast<long double>(d.data<double>()[i]));
        ef += std::exp(static_cast<long double>(f.data<float>()[i]));
      }
      const double units = 2 + std::sqrt(double(n));
      EXPECT_LE(std::abs(double(wide_table().sum_f64(n, d.data<double>()) - s)),
                units * 0x1p-53 * double(a));
      EXPECT_LE(std::abs(double(wide_table().sum_f32(n, f.data<float>()) - sf)),
                units * 0x1p-24 * double(a));
      if (n == 0) continue;
      double out = 0;
      float outf = 0;
      std::vector<double> p(std::size_t(n), 0.0);
      wide_table().logsumexp_f64(1, n, d.data<double>(), &out, p.data());
      wide_table().logsumexp_f32(1, n, f.data<float>(), &outf, nullptr);
      EXPECT_NEAR(out, double(std::log(e)), 8 * 0x1p-53 * (3 + std::abs(out)));
      EXPECT_NEAR(outf, double(std::log(ef)), 8 * 0x1p-24 * (3 + std::abs(out)));
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_NEAR(p[std::size_t(i)],
                    double(std::exp(static_cast<long double>(d.data<double>()[i])) / e),
                    (24 + units) * 0x1p-53);
    }
  }
}

// Kingma & Ba 2015, algorithm 1, as printed there, in long double.
TEST(InstructionSets, AdamStepIsAlgorithmOne) {
  EachIsa sets;
  Random random(12);
  constexpr std::int64_t n = 37;
  for (const kernels::Isa isa : sets.all) {
    kernels::limit_isa(isa);
    Array p = random_array(random, DType::f64, Shape{n}), m(DType::f64, Shape{n}),
          v(DType::f64, Shape{n});
    std::fill_n(m.data<double>(), n, 0.0);
    std::fill_n(v.data<double>(), n, 0.0);
    std::vector<long double> exact(p.data<double>(), p.data<double>() + n), first(n), second(n);
    for (int t = 1; t <= 5; ++t) {
      const Array g = random_array(random, DType::f64, Shape{n});
      const double a = 1e-2, b1 = 0.9, b2 = 0.999, eps = 1e-8;
      const double c1 = 1 - std::pow(b1, t), c2 = std::sqrt(1 - std::pow(b2, t));
      const double rate = a * c2 / c1, epsilon = eps * c2, r1 = 1 - b1, r2 = 1 - b2;
      const double* in[] = {p.data<double>(),
                            m.data<double>(),
                            v.data<double>(),
                            g.data<double>(),
                            &rate,
                            &epsilon,
                            &r1,
                            &r2};
      double* out[] = {p.data<double>(), m.data<double>(), v.data<double>()};
      wide_table().adam_f64(n, in, out);
      for (std::size_t i = 0; i < std::size_t(n); ++i) {
        const long double d = g.data<double>()[i];
        first[i] = 0.9L * first[i] + 0.1L * d;
        second[i] = 0.999L * second[i] + 0.001L * d * d;
        exact[i] -= 0.01L * (first[i] / (1 - std::pow(0.9L, t))) /
                    (std::sqrt(second[i] / (1 - std::pow(0.999L, t))) + 1e-8L);
        ASSERT_NEAR(p.data<double>()[i], double(exact[i]), 1e-13);
        ASSERT_NEAR(m.data<double>()[i], double(first[i]), 1e-13);
        ASSERT_NEAR(v.data<double>()[i], double(second[i]), 1e-13);
      }
    }
  }
}

// Products of every orientation and instruction set in which one operand is a vector or has few
// columns, against long double.
TEST(InstructionSets, ProductsWithVectorsAndSmallMatrices) {
  EachIsa sets;
  Random random(31);
  for (const kernels::Isa isa : sets.all) {
    kernels::limit_isa(isa);
    for (int trial = 0; trial < 400; ++trial) {
      const bool ta = random() % 2, tb = random() % 2, left = random() % 2, add = random() % 2;
      const std::int64_t long_side = 1 + std::int64_t(random() % 600),
                         short_side = 1 + std::int64_t(random() % 70);
      const bool inner = random() % 2;  // whether the sum is over the short side
      const std::int64_t k = inner ? short_side : long_side, other = inner ? long_side : short_side;
      const std::int64_t few = random() % 2 ? 1 : 1 + std::int64_t(random() % 40);
      const std::int64_t m = left ? few : other, n = left ? other : few;
      const Array a = random_array(random, DType::f64, ta ? Shape{k, m} : Shape{m, k}),
                  b = random_array(random, DType::f64, tb ? Shape{n, k} : Shape{k, n});
      Array c(DType::f64, Shape{m, n});
      std::fill_n(c.data<double>(), c.size(), 0.5);
      kernels::gemm(ta, tb, m, n, k, a.data<double>(), ta ? m : k, b.data<double>(), tb ? k : n,
                    c.data<double>(), n, add);
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          long double exact = add ? 0.5L : 0, size = exact;
          for (std::int64_t p = 0; p < k; ++p) {
            const long double term =
                static_cast<long double>(a.data<double>()[ta ? p * m + i : i * k + p]) *
                b.data<double>()[tb ? j * k + p : p * n + j];
            exact += term;
            size += std::abs(term);
          }
          ASSERT_NEAR(c.data<double>()[i * n + j], double(exact),
                      double(k + 2) * 0x1p-53 * double(size))
              << fmt::format("{} m {} n {} k {} ta {} tb {}", kernels::name_of(isa), m, n, k, ta,
                             tb);
        }
    }
  }
}

}  // namespace
}  // namespace fathom::test
