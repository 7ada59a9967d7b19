// The linear-Gaussian model whose likelihood is known: probabilistic PCA (Tipping & Bishop 1999).
#pragma once

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "fathom/climb/fit.h"
#include "fathom/io/csv.h"
#include "fathom/io/npy.h"
#include "tests/oracles/gaussian.h"

namespace fathom::testing {

// Digits, pixels over 16, centred: [1797, 64].
inline DataSet centred_digits() {
  CsvOptions options;
  for (int i = 0; i < 64; ++i) options.columns.push_back(fmt::format("p{}", i));
  const Table t = read_csv(FATHOM_SOURCE_DIR "/data/digits.csv", options);
  Array x = t.values.copy();
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
  for (std::int64_t j = 0; j < d; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += x.data<double>()[i * d + j] / 16.0 / double(n);
    for (std::int64_t i = 0; i < n; ++i)
      x.data<double>()[i * d + j] = x.data<double>()[i * d + j] / 16.0 - mean;
  }
  DataSet data;
  data.rows = n;
  data.columns["x"] = x;
  return data;
}

// Frey faces, grey values over 255, centred: [1965, 560]; no rows where the file is absent. The
// folder of larger data sets is named by FATHOM_DATA in the environment.
inline DataSet centred_faces() {
  DataSet data;
  const char* folder = std::getenv("FATHOM_DATA");
  const std::string path = std::string(folder ? folder : "") + "/frey_faces.npy";
  if (!folder || !std::filesystem::exists(path)) return data;
  const Array grey = read_npy(path);
  const std::int64_t n = grey.shape().extent(0), d = grey.size() / n;
  Array x(DType::f64, Shape{n, d});
  const std::uint8_t* from = grey.data<std::uint8_t>();
  double* to = x.data<double>();
  for (std::int64_t j = 0; j < d; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += from[i * d + j] / 255.0 / double(n);
    for (std::int64_t i = 0; i < n; ++i) to[i * d + j] = from[i * d + j] / 255.0 - mean;
  }
  data.rows = n;
  data.columns["x"] = x;
  return data;
}

// The optimum for a fixed noise variance: Tipping & Bishop 1999, eq. 7, with R = I.
struct Ppca {
  std::vector<double> eigenvalues;           // of the covariance with divisor N, falling
  std::vector<std::vector<double>> loading;  // k columns of d
  double log_likelihood;                     // per row

  Ppca(const DataSet& data, int k, double variance) {
    const Array& x = data.columns.at("x");
    const auto d = std::size_t(x.size() / data.rows);
    const oracle::Spectrum of_data = oracle::spectrum(x.values<double>(), d);
    eigenvalues = of_data.values;
    double s = double(d) * std::log(2 * M_PI);
    for (std::size_t j = 0; j < d; ++j) {
      const bool kept = j < std::size_t(k) && eigenvalues[j] > variance;
      s += kept ? std::log(eigenvalues[j]) + 1 : std::log(variance) + eigenvalues[j] / variance;
      if (j >= std::size_t(k)) continue;
      loading.emplace_back(d, 0.0);
      for (std::size_t i = 0; kept && i < d; ++i)
        loading[j][i] = of_data.vectors[j][i] * std::sqrt(eigenvalues[j] - variance);
    }
    log_likelihood = -0.5 * s;
  }
};

// z ~ N(0, I_k), x | z ~ N(z W + b, variance), q(z | x) = N(x V + c, exp(2 log_sd)).
struct LinearVae {
  Model model{DType::f64};
  Expr x, z;

  LinearVae(int k, std::int64_t width, double variance) {
    const Plate row = model.plate("row");
    x = model.data("x", row, Shape{width}, DType::f64);
    z = model.latent("z", normal(0.0, 1.0), row, Shape{k});
    const Network encoder = model.network("encoder", nn::linear(width, k));
    const Expr log_sd = model.parameter("log_sd", Shape{k});
    const Expr w = model.parameter("w", Shape{k, width}, nn::Init::glorot),
               b = model.parameter("b", Shape{width});
    model.observe("x", normal(dot(z, w) + b, std::sqrt(variance)), x);
    model.guide(z, normal_log_sd(encoder(x), log_sd));
  }

  // Parameters at the optimum of `p`: the exact posterior of each row.
  void set_optimum(const Ppca& p, double variance, State& state) const {
    const auto k = std::int64_t(p.loading.size()), d = std::int64_t(p.loading[0].size());
    Array& w = state.slot("w", DType::f64, Shape{k, d});
    Array& v = state.slot("encoder.0.weight", DType::f64, Shape{d, k});
    Array& sd = state.slot("log_sd", DType::f64, Shape{k});
    for (std::int64_t j = 0; j < k; ++j) {
      const double eigenvalue = p.eigenvalues[std::size_t(j)];
      for (std::int64_t i = 0; i < d; ++i) {
        const double l = p.loading[std::size_t(j)][std::size_t(i)];
        w.data<double>()[j * d + i] = l;
        v.data<double>()[i * k + j] = l / eigenvalue;
      }
      sd.data<double>()[j] = 0.5 * std::log(variance / eigenvalue);
    }
    state.slot("b", DType::f64, Shape{d});
    state.slot("encoder.0.bias", DType::f64, Shape{k});
  }
};

}  // namespace fathom::testing
