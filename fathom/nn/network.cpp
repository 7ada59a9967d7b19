#include "fathom/nn/network.h"

#include <array>
#include <cmath>

#include "fathom/kernels/rng.h"

namespace fathom::nn {

namespace {

template <class T>
void fill(const Parameter& p, Key key, T* out) {
  const std::int64_t n = p.shape.size();
  const int r = p.shape.rank();
  const double in = r > 1 ? double(p.shape.extent(r - 2)) : 1,
               wide = r > 0 ? double(p.shape.extent(r - 1)) : 1;
  switch (p.init) {
    case Init::zeros: return void(std::fill_n(out, n, T(0)));
    case Init::constant: return void(std::fill_n(out, n, T(p.value)));
    case Init::glorot: {
      kernels::fill_uniform(key, nullptr, 0, 1, n, out);
      const double bound = std::sqrt(6.0 / (in + wide));
      for (std::int64_t i = 0; i < n; ++i) out[i] = T(bound * (2 * double(out[i]) - 1));
      return;
    }
    case Init::he: {
      kernels::fill_normal(key, nullptr, 0, 1, n, out);
      const double sd = std::sqrt(2.0 / in);
      for (std::int64_t i = 0; i < n; ++i) out[i] = T(sd * double(out[i]));
      return;
    }
  }
}

Value same(Value x) { return x; }

constexpr Activation kActivations[] = {
    {"tanh", [](Value x) { return tanh(x); }, Init::glorot},
    {"relu", [](Value x) { return relu(x); }, Init::he},
    {"gelu", [](Value x) { return gelu(x); }, Init::he},
    {"softplus", [](Value x) { return softplus(x); }, Init::glorot},
    {"sigmoid", [](Value x) { return sigmoid(x); }, Init::glorot},
    {"none", same, Init::glorot},
};

}  // namespace

void initialise(const Parameter& p, Key key, Array& array) {
  if (array.dtype() == DType::f32) {
    fill(p, key, array.data<float>());
  } else {
    fill(p, key, array.data<double>());
  }
}

std::span<const Activation> activations() { return kActivations; }

const Activation& activation(std::string_view name) {
  std::string names;
  for (const Activation& a : kActivations) {
    if (a.name == name) return a;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", a.name);
  }
  raise<ConfigError>("there is no activation \"{}\": choose one of {}", name, names);
}

Network linear(std::int64_t in, std::int64_t out) {
  const std::int64_t widths[] = {in, out};
  return mlp(widths, activation("none"));
}

Network mlp(std::span<const std::int64_t> widths, const Activation& between) {
  if (widths.size() < 2) raise<ConfigError>("a network needs an input and an output width");
  Network net;
  const std::size_t layers = widths.size() - 1;
  for (std::size_t i = 0; i < layers; ++i) {
    const Init init = i + 1 < layers ? between.init : Init::glorot;
    net.parameters.push_back({fmt::format("{}.weight", i), Shape{widths[i], widths[i + 1]}, init});
    net.parameters.push_back({fmt::format("{}.bias", i), Shape{widths[i + 1]}, Init::zeros});
  }
  net.apply = [layers, apply = between.apply](std::span<const Value> p, Value x) {
    for (std::size_t i = 0; i < layers; ++i) {
      x = matmul(x, p[2 * i]) + p[2 * i + 1];
      if (i + 1 < layers) x = apply(x);
    }
    return x;
  };
  return net;
}

}  // namespace fathom::nn
