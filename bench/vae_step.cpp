// One training step of an MLP VAE with Bernoulli pixels and Adam, f32: median time of a step.
//   vae_step --batch 128 --hidden 500,500 --latent 20 --threads 2 --steps 200
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>

#include "fathom/climb/gradient_climb.h"

using namespace fathom;

int main(int argc, char** argv) {
  std::int64_t batch = 128, latent = 20, steps = 200, threads = 2;
  std::vector<std::int64_t> hidden = {500, 500};
  bool show = false;
  std::string activation = "tanh";
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return !std::strcmp(argv[i], name) && i + 1 < argc; };
    if (is("--batch"))
      batch = std::atoll(argv[++i]);
    else if (is("--latent"))
      latent = std::atoll(argv[++i]);
    else if (is("--steps"))
      steps = std::atoll(argv[++i]);
    else if (is("--threads"))
      threads = std::atoll(argv[++i]);
    else if (is("--activation"))
      activation = argv[++i];
    else if (is("--hidden")) {
      hidden.clear();
      for (char* p = std::strtok(argv[++i], ","); p; p = std::strtok(nullptr, ","))
        hidden.push_back(std::atoll(p));
    } else if (!std::strcmp(argv[i], "--plan"))
      show = true;
  }
  constexpr std::int64_t pixels = 784, rows = 4096;
  Model m;
  const Plate image = m.plate("image");
  const Expr x = m.data("x", image, Shape{pixels});
  std::vector<std::int64_t> enc = {pixels}, dec = {latent};
  enc.insert(enc.end(), hidden.begin(), hidden.end());
  enc.push_back(2 * latent);
  dec.insert(dec.end(), hidden.rbegin(), hidden.rend());
  dec.push_back(pixels);
  const Network encoder = m.network("encoder", nn::mlp(enc, nn::activation(activation)));
  const Network decoder = m.network("decoder", nn::mlp(dec, nn::activation(activation)));
  const Expr z = m.latent("z", normal(0.0, 1.0), image, Shape{latent});
  m.observe("x", bernoulli(decoder(z)), x);
  const Expr q = encoder(x);
  m.guide(z, normal_log_sd(slice(q, 0, latent), slice(q, latent, latent)));

  DataSet data;
  data.rows = rows;
  Array pixels_of(DType::f32, Shape{rows, pixels});
  for (std::int64_t i = 0; i < pixels_of.size(); ++i)
    pixels_of.data<float>()[i] = float(philox(Key{1, 2}, std::uint64_t(i), 0).word[0] % 5 == 0);
  data.columns["x"] = pixels_of;

  State state;
  GradientClimb::init(m, Key{1, 1}, state);
  ClimbOptions options;
  options.batch = batch;
  GradientClimb climb(m, options, state);
  climb.bind(data);
  if (show) std::printf("%s", climb.program().plan().text().c_str());
  Workers workers(static_cast<int>(threads));
  std::vector<std::int64_t> index(static_cast<std::size_t>(batch));
  std::vector<double> ms;
  double elbo = 0;
  for (std::int64_t t = 1; t <= steps + 20; ++t) {
    for (std::size_t i = 0; i < index.size(); ++i) index[i] = (t * batch + std::int64_t(i)) % rows;
    const auto start = std::chrono::steady_clock::now();
    const StepInfo info = climb.step(index, Key{7, std::uint64_t(t)}, 1e-3, t, workers);
    const auto end = std::chrono::steady_clock::now();
    if (t > 20) ms.push_back(std::chrono::duration<double, std::milli>(end - start).count());
    elbo = info.elbo / double(batch);
  }
  std::sort(ms.begin(), ms.end());
  std::printf(
      "{\"work\": \"vae_step\", \"batch\": %lld, \"threads\": %lld, \"median_ms\": %.4f, "
      "\"p10_ms\": %.4f, \"loss\": %.4f}\n",
      static_cast<long long>(batch), static_cast<long long>(threads), ms[ms.size() / 2],
      ms[ms.size() / 10], -elbo);
}
