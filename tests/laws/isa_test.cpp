// Every instruction set of this processor: elementwise ops within their declared accuracy of the
// oracle, reductions alike, whatever the length and the alignment.
#include "fathom/kernels/isa.h"

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

}  // namespace
}  // namespace fathom::test
