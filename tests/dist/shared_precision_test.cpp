// Laws of the joint families of means that share a precision: one mean or one column is the family
// without sharing, moments are the gradient of the log-normaliser, parameters go there and back.
#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

const FamilyInfo& tied() { return family<TiedNormalWishart>(); }
const FamilyInfo& spherical() { return family<SphericalNormalGamma>(); }

// Positive definite [3, 3].
Array matrix(Random& random) { return draw_parameters(family<NormalWishart>(), random)[2]; }

std::vector<Array> tied_member(Random& random, std::int64_t count) {
  return {random_array(random, DType::f64, Shape{count, 3}, -2, 2),
          random_array(random, DType::f64, Shape{count}, 0.5, 4), matrix(random),
          random_array(random, DType::f64, Shape{}, 3.5, 9)};
}

std::vector<Array> spherical_member(Random& random, std::int64_t width) {
  return {random_array(random, DType::f64, Shape{width}, -2, 2),
          random_array(random, DType::f64, Shape{width}, 0.5, 4),
          random_array(random, DType::f64, Shape{}, 0.5, 4),
          random_array(random, DType::f64, Shape{}, 0.5, 4)};
}

void near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 1e-11 * (1 + std::abs(want[i]))) << i;
}

// Moments by the face and by the gradient of the log-normaliser; parameters through the natural
// ones and back; the entropy as A - <eta, grad A>, which is what the family says it is.
void check_laws(Graph& g, const FamilyInfo& f, const Member& p) {
  const Face shown = face(p.d);
  const Values m = moments(f, p.natural);
  for (std::size_t k = 0; k < m.size(); ++k) {
    std::vector<double> slope = evaluate(g, m[k]);
    const Shape& s = m[k].shape();
    const auto side = std::size_t(s.rank() ? s.extent(s.rank() - 1) : 1);
    if (slope.size() == side * side && k % 2 == 0)  // defined up to an antisymmetric part
      for (std::size_t i = 0; i < side; ++i)
        for (std::size_t j = 0; j < i; ++j)
          slope[i * side + j] = slope[j * side + i] =
              (slope[i * side + j] + slope[j * side + i]) / 2;
    near(evaluate(g, shown.statistics[k]), slope);
  }
  const std::vector<Face> back = f.from_natural(p.natural);
  for (std::size_t k = 0; k < back.size(); ++k)
    near(evaluate(g, back[k].mean), numbers(p.parameters[k]));
  near(evaluate(g, f.expected_log_prob(shown, p.d.parameters)),
       {-evaluate(g, f.entropy(p.d.parameters))[0]});
}

TEST(TiedNormalWishart, KeepsTheLawsOfExponentialFamilies) {
  Random random(5);
  for (int i = 0; i < 8; ++i) {
    Graph g(op_table());
    check_laws(g, tied(), Member(g, tied(), tied_member(random, 1 + i % 4)));
  }
}

TEST(MatrixNormalWishart, KeepsTheLawsOfExponentialFamilies) {
  Random random(9);
  for (int i = 0; i < 8; ++i) {
    Graph g(op_table());
    std::vector<Array> p = tied_member(random, 3);
    p[1] = matrix(random);
    check_laws(g, family<MatrixNormalWishart>(), Member(g, family<MatrixNormalWishart>(), p));
  }
}

TEST(MatrixNormalWishart, OfADiagonalStrengthIsTiedNormalWishart) {
  Random random(10);
  Graph g(op_table());
  std::vector<Array> p = tied_member(random, 3);
  const Member same(g, tied(), p);
  Array strength(DType::f64, Shape{3, 3});
  for (std::int64_t i = 0; i < 3; ++i) strength.data<double>()[i * 4] = p[1].data<double>()[i];
  p[1] = strength;
  const FamilyInfo& f = family<MatrixNormalWishart>();
  const Member full(g, f, p);
  near(evaluate(g, f.log_norm(full.natural)), evaluate(g, tied().log_norm(same.natural)));
  for (const std::size_t k : {0u, 1u, 3u})
    near(evaluate(g, face(full.d).statistics[k]), evaluate(g, face(same.d).statistics[k]));
}

TEST(SphericalNormalGamma, KeepsTheLawsOfExponentialFamilies) {
  Random random(6);
  for (int i = 0; i < 8; ++i) {
    Graph g(op_table());
    check_laws(g, spherical(), Member(g, spherical(), spherical_member(random, 1 + i % 4)));
  }
}

TEST(TiedNormalWishart, OfOneMeanIsNormalWishart) {
  Random random(7);
  Graph g(op_table());
  const std::vector<Array> p = tied_member(random, 1);
  const Member one(g, tied(), p);
  const Member same(g, family<NormalWishart>(),
                    {p[0].reshaped(Shape{3}), p[1].reshaped(Shape{}), p[2], p[3]});
  near(evaluate(g, tied().log_norm(one.natural)),
       evaluate(g, family<NormalWishart>().log_norm(same.natural)));
  for (std::size_t k = 0; k < 4; ++k) {
    near(evaluate(g, one.natural[k]), evaluate(g, same.natural[k]));
    near(evaluate(g, face(one.d).statistics[k]), evaluate(g, face(same.d).statistics[k]));
    near(evaluate(g, tied().mode(one.natural).statistics[k]),
         evaluate(g, family<NormalWishart>().mode(same.natural).statistics[k]));
  }
}

TEST(SphericalNormalGamma, OfOneColumnIsNormalGamma) {
  Random random(8);
  Graph g(op_table());
  std::vector<Array> p = spherical_member(random, 1);
  const Member one(g, spherical(), p);
  for (Array& a : p) a = a.reshaped(Shape{1});
  const Member same(g, family<NormalGamma>(), p);
  near(evaluate(g, spherical().log_norm(one.natural)),
       evaluate(g, family<NormalGamma>().log_norm(same.natural)));
  for (std::size_t k = 0; k < 4; ++k) {
    near(evaluate(g, one.natural[k]), evaluate(g, same.natural[k]));
    near(evaluate(g, face(one.d).statistics[k]), evaluate(g, face(same.d).statistics[k]));
    near(evaluate(g, spherical().mode(one.natural).statistics[k]),
         evaluate(g, family<NormalGamma>().mode(same.natural).statistics[k]));
  }
}

}  // namespace
}  // namespace fathom::test
