#include "fathom/zoo/vae.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace fathom {

std::vector<std::int64_t> parse_widths(const std::string& text) {
  std::vector<std::int64_t> widths;
  if (text == "none") return widths;
  if (text.empty() || text.back() == ',')
    raise<ConfigError>(
        "--hidden \"{}\": widths are positive whole numbers with commas, as 500,500, or none",
        text);
  const char *p = text.data(), *end = p + text.size();
  while (p < end) {
    std::int64_t w = 0;
    const auto [next, error] = std::from_chars(p, end, w);
    if (error != std::errc() || w < 1 || (next < end && *next != ','))
      raise<ConfigError>(
          "--hidden \"{}\": widths are positive whole numbers with commas, as 500,500, or none",
          text);
    widths.push_back(w);
    p = next < end ? next + 1 : end;
  }
  return widths;
}

namespace {

nn::Network network(const VaeConfig& c, std::int64_t in, std::int64_t out, bool reversed) {
  std::vector<std::int64_t> hidden = parse_widths(c.hidden), widths = {in};
  if (reversed) std::reverse(hidden.begin(), hidden.end());
  widths.insert(widths.end(), hidden.begin(), hidden.end());
  widths.push_back(out);
  return nn::mlp(widths, nn::activation(c.activation));
}

double fixed_variance(const std::string& text) {
  char* end = nullptr;
  const double v = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end || !(v > 0) || !std::isfinite(v))
    raise<ConfigError>("--sigma2 \"{}\": learned, or a positive number", text);
  return v;
}

}  // namespace

Vae::Vae(const VaeConfig& c, std::int64_t width, DType stored, double initial_variance) {
  if (c.latent < 1) raise<ConfigError>("latent must be at least 1, got {}", c.latent);
  const Plate image = model.plate("image");
  const Expr pixels = model.data("x", image, Shape{width}, stored);
  x = stored == DType::u8 && c.binarize.rfind("fixed", 0) != 0 ? pixels * (1.0 / 255) : pixels;
  if (c.likelihood == "bernoulli" && c.binarize == "dynamic") x = model.binarised("bits", x);
  if (c.likelihood == "bernoulli" && c.binarize == "threshold")
    x = model.function("threshold", {x}, x.event(),
                       [](std::span<const Value> v) { return less(like(v[0], 0.5), v[0]); });

  const Network encoder = model.network("encoder", network(c, width, 2 * c.latent, false));
  z = model.latent("z", normal(0.0, 1.0), image, Shape{c.latent});
  q = encoder(x);
  model.guide(z, normal_log_sd(slice(q, 0, c.latent), slice(q, c.latent, c.latent)));

  const bool linear = parse_widths(c.hidden).empty();
  Expr f;
  if (linear) {  // an affine decoder, which takes the moments of z
    const Expr w = model.parameter("decoder.0.weight", Shape{c.latent, width}, nn::Init::glorot);
    f = dot(z, w) + model.parameter("decoder.0.bias", Shape{width});
  } else {
    f = model.network("decoder", network(c, c.latent, width, true))(z);
  }
  if (c.likelihood == "bernoulli") {
    model.observe("x", bernoulli(f), x);
    mean = sigmoid(f);
  } else if (c.likelihood == "gaussian") {
    mean = f;
    if (c.sigma2 == "learned") {
      log_sd =
          model.parameter("log_sd", Shape{}, nn::Init::constant, 0.5 * std::log(initial_variance));
      model.observe("x", normal_log_sd(f, log_sd), x);
    } else {
      model.observe("x", normal(f, std::sqrt(fixed_variance(c.sigma2))), x);
    }
  } else {
    raise<ConfigError>("likelihood \"{}\" is not known: bernoulli or gaussian", c.likelihood);
  }
}

}  // namespace fathom
