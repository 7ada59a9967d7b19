// The variational auto-encoder of Kingma & Welling 2013:
//
//   z ~ N(0, I),   x | z ~ Bernoulli(logits = f(z))  or  N(f(z), sigma^2 I),
//   q(z | x) = N(m(x), diag s(x)^2),   f and (m, log s) networks, sigma^2 shared, learned or fixed.
#pragma once

#include <string>

#include "fathom/model/model.h"

namespace fathom {

struct VaeConfig {
  std::int64_t latent = 20;
  std::string hidden = "500,500";  // widths, or none: linear
  std::string activation = "tanh";
  std::string likelihood = "bernoulli";
  std::string sigma2 = "learned";  // gaussian: learned, or a number
  std::string binarize = "none";   // bernoulli: dynamic | threshold | fixed:SEED | none

  static void fields(auto& self, auto&& f) {
    f("latent", self.latent, "dimensions of the latent");
    f("hidden", self.hidden, "widths of the hidden layers, as 500,500; none for linear maps");
    f("activation", self.activation, "tanh, relu, gelu, softplus, sigmoid or none");
    f("likelihood", self.likelihood, "bernoulli or gaussian");
    f("sigma2", self.sigma2, "variance of a gaussian likelihood: learned, or a number");
    f("binarize", self.binarize, "grey pixels as bits: dynamic, threshold, fixed:SEED or none");
  }
};

// The model and the quantities that reports need.
struct Vae {
  Model model;
  Expr x;  // what is modelled: pixels in [0, 1] or bits
  Expr z;
  Expr q;       // mean and log sd of q(z | x), 2 latent
  Expr mean;    // E[x | z]
  Expr log_sd;  // of the gaussian likelihood, where it is learned

  // `width`: numbers per row; `stored` is u8 (0..255, scaled to [0, 1]; 0/1 with binarize fixed) or
  // f32. `initial_variance` starts a learned sigma^2. Throws ConfigError naming the field.
  Vae(const VaeConfig& config, std::int64_t width, DType stored, double initial_variance = 0.1);
};

// "500,200" -> {500, 200}; "none" -> {}. Throws ConfigError.
std::vector<std::int64_t> parse_widths(const std::string& text);

}  // namespace fathom
