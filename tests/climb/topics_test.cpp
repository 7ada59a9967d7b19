// Latent Dirichlet allocation written with public calls.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/batches.h"
#include "fathom/kernels/rng.h"

namespace fathom {
namespace {

// Counts of words, a row for each document.
DataSet entries_of(const std::vector<std::vector<double>>& counts) {
  std::vector<double> word, count, begins;
  for (const std::vector<double>& d : counts) {
    const std::size_t first = word.size();
    for (std::size_t w = 0; w < d.size(); ++w) {
      if (d[w] == 0) continue;
      begins.push_back(word.size() == first ? 1 : 0);
      word.push_back(double(w));
      count.push_back(d[w]);
    }
  }
  DataSet data;
  data.rows = std::int64_t(word.size());
  const auto column = [&](const std::vector<double>& v) {
    return Array::of<double>(Shape{data.rows}, std::span<const double>(v));
  };
  data.columns = {{"word", column(word)}, {"count", column(count)}, {"begins", column(begins)}};
  return data;
}

struct TopicModel {
  Model m{DType::f64};
  TopicModel(std::int64_t words, std::int64_t topics, double alpha, double eta,
             DocumentLoop loop = {1e-12, 10000}) {
    const Plate entry = m.plate("entry"), topic = m.plate("topic", topics);
    const Expr word = m.data("word", entry, {}, DType::f64),
               count = m.data("count", entry, {}, DType::f64),
               begins = m.data("begins", entry, {}, DType::f64);
    const Expr beta = m.latent("topics", dirichlet(eta), topic, Shape{words});
    m.observe("words", documents(beta, alpha, begins, count, loop), word);
  }
};

const std::vector<std::vector<double>> kSix = {{4, 3, 0, 0, 1, 0}, {5, 2, 1, 0, 0, 0},
                                               {0, 0, 4, 4, 1, 0}, {0, 1, 3, 5, 0, 0},
                                               {1, 0, 0, 1, 4, 5}, {0, 0, 1, 0, 5, 3}};

// Numbers on which scikit-learn's internal bound and BayesPy agree: K = 3, alpha = 0.5, eta = 0.1,
// lambda = 1 + ((3 k + 2 w) mod 5) / 5, before each step of lambda.
TEST(Topics, SixDocuments) {
  const DataSet data = entries_of(kSix);
  TopicModel t(6, 3, 0.5, 0.1);
  State state;
  CoordinateClimb climb(t.m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());
  double* natural = climb.naturals()[0]->data<double>();
  for (int k = 0; k < 3; ++k)
    for (int w = 0; w < 6; ++w) natural[k * 6 + w] = ((3 * k + 2 * w) % 5) / 5.0;
  Workers workers(2);
  for (const double want : {-145.29409761, -125.91695080, -110.71807774, -98.20132559}) {
    EXPECT_NEAR(climb.elbo(workers), want, 1e-8);
    climb.sweep(workers);
  }
  ascend(climb, data.rows, {.tolerance = 0}, workers);
  double total = 0, tokens = 0;
  std::vector<std::string> names;
  for (const auto& [name, value] : climb.terms(workers)) {
    names.push_back(name);
    total += value;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"words", "topics.prior", "topics.entropy"}));
  EXPECT_NEAR(total, -89.82748454, 1e-8);
  EXPECT_NEAR(climb.elbo(workers), total, 1e-10);
  for (const auto& d : kSix)
    for (const double n : d) tokens += n;
  EXPECT_NEAR(std::exp(-total / tokens), 5.2776026, 1e-7);
}

// Documents of words drawn from two topics each of four.
std::vector<std::vector<double>> drawn_documents(std::size_t documents, std::size_t words) {
  const Key key{5, 1};
  std::vector<std::vector<double>> all(documents, std::vector<double>(words, 0.0));
  Array u(DType::f64, Shape{std::int64_t(documents), 60});
  kernels::fill_uniform(key, nullptr, 0, 1, u.size(), u.data<double>());
  for (std::size_t d = 0; d < documents; ++d)
    for (std::size_t i = 0; i < 60; i += 2) {
      const double a = u.data<double>()[d * 60 + i], b = u.data<double>()[d * 60 + i + 1];
      const std::size_t topic = (d + (a < 0.3 ? 1 : 0)) % 4, part = words / 4;
      all[d][topic * part + std::size_t(b * b * double(part))] += 1;
    }
  return all;
}

void start_apart(CoordinateClimb& climb) {
  Array& n = *climb.naturals()[0];
  Array u(DType::f64, Shape{n.size()});
  kernels::fill_uniform(Key{9, 9}, nullptr, 0, 1, u.size(), u.data<double>());
  for (std::int64_t i = 0; i < n.size(); ++i) n.data<double>()[i] = 2 * u.data<double>()[i];
}

std::vector<double> natural_of(CoordinateClimb& climb) {
  const Array& n = *climb.naturals()[0];
  return {n.data<double>(), n.data<double>() + n.size()};
}

// With all documents and rho = 1 a stochastic step is a sweep.
TEST(Topics, OneBatchIsASweep) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {});
  State a, b;
  CoordinateClimb whole(t.m, data, a);
  BatchClimb batches(t.m, data, b, {});
  start_apart(whole);
  start_apart(batches.climb());
  Workers workers(2);
  for (int step = 0; step < 3; ++step) {
    const double before = whole.elbo(workers);
    EXPECT_NEAR(batches.stochastic(0, 1, workers), before, 1e-10 * std::abs(before));
    whole.sweep(workers);
    EXPECT_EQ(natural_of(whole), natural_of(batches.climb()));
  }
}

std::vector<RowBatch> cut(const DataSet& data, std::int64_t documents, std::int64_t of) {
  std::vector<RowBatch> all;
  const double* begins = data.columns.at("begins").data<double>();
  std::int64_t d = 0;
  for (std::int64_t r = 0; r < data.rows; ++r) {
    if (begins[r] != 0 && d++ % documents == 0)
      all.push_back({r, 0, double(std::min(documents, of - d + 1)) / double(of)});
    ++all.back().rows;
  }
  return all;
}

// Memoised visits never lower the bound, and end where sweeps do; one pass over the batches with
// factors as they are gives the bound of all documents.
TEST(Topics, MemoisedBatchesClimb) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2);
  State state, other;
  BatchClimb batches(t.m, data, state, {}, cut(data, 7, 30));
  ASSERT_EQ(batches.batches(), 5);
  CoordinateClimb whole(t.m, data, other);
  start_apart(batches.climb());
  start_apart(whole);
  Workers workers(2);
  EXPECT_NEAR(batches.elbo(workers), whole.elbo(workers), 1e-9);
  double bound = -INFINITY;
  for (int visit = 0; visit < 400; ++visit) {
    const double now = batches.memoised(visit % 5, workers);
    if (visit < 5) continue;
    EXPECT_GE(now, bound - 1e-9);
    bound = now;
  }
  EXPECT_NEAR(bound, batches.elbo(workers), 1e-6);
}

// Over batches of equal shares the scaled statistics average to those of all documents.
TEST(Topics, StatisticsOfBatchesAddUp) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2);
  State state, other;
  BatchClimb batches(t.m, data, state, {}, cut(data, 6, 30));
  CoordinateClimb whole(t.m, data, other);
  start_apart(whole);
  start_apart(batches.climb());
  const std::vector<double> from = natural_of(whole);
  Workers workers(1);
  whole.sweep(workers);
  const std::vector<double> want = natural_of(whole);
  std::vector<double> mean(want.size(), 0.0);
  for (int b = 0; b < 5; ++b) {
    std::copy(from.begin(), from.end(), batches.climb().naturals()[0]->data<double>());
    batches.stochastic(b, 1, workers, false);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += natural_of(batches.climb())[i] / 5;
  }
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], want[i], 1e-10);
}

TEST(Topics, ConcentrationsOfEachTopic) {
  const DataSet data = entries_of(kSix);
  const auto bound = [&](auto alpha) {
    Model m(DType::f64);
    const Plate entry = m.plate("entry"), topic = m.plate("topic", 3);
    const Expr word = m.data("word", entry, {}, DType::f64),
               count = m.data("count", entry, {}, DType::f64),
               begins = m.data("begins", entry, {}, DType::f64);
    const Expr beta = m.latent("topics", dirichlet(0.1), topic, Shape{6});
    m.observe("words", documents(beta, alpha(m), begins, count), word);
    State state;
    CoordinateClimb climb(m, data, state);
    Workers workers(1);
    return climb.elbo(workers);
  };
  const double one = bound([](Model&) { return Arg(0.5); });
  EXPECT_EQ(one, bound([](Model& m) {
              return Arg(m.constant(Array::of<double>(Shape{3}, std::vector<double>(3, 0.5))));
            }));
}

TEST(Topics, WhatDocumentsRefuse) {
  Model m(DType::f64);
  const Plate entry = m.plate("entry"), topic = m.plate("topic", 3);
  const Expr count = m.data("count", entry, {}, DType::f64);
  const Expr beta = m.latent("topics", dirichlet(0.1), topic, Shape{6});
  EXPECT_THROW(documents(beta, 0.5, 1.0, count), ConfigError);
  EXPECT_THROW(documents(0.5, 0.5, count, count), ConfigError);
  EXPECT_THROW(documents(beta, 0.5, count, count, {0, 10}), ConfigError);
}

}  // namespace
}  // namespace fathom
