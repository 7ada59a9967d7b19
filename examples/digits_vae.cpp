// A variational auto-encoder written with public calls: 8x8 digits as bits, drawn anew each epoch.
//   build/release/examples/digits_vae [data/digits.csv]
#include <fmt/format.h>

#include "fathom/climb/fit.h"
#include "fathom/io/csv.h"

using namespace fathom;

int main(int argc, char** argv) {
  CsvOptions columns;
  for (int i = 0; i < 64; ++i) columns.columns.push_back(fmt::format("p{}", i));
  Array pixels = read_csv(argc > 1 ? argv[1] : "data/digits.csv", columns).values.cast(DType::f32);
  for (std::int64_t i = 0; i < pixels.size(); ++i) pixels.data<float>()[i] /= 16;

  Model m;
  const Plate image = m.plate("image");
  const Expr x = m.binarised("bits", m.data("x", image, Shape{64}));
  const std::int64_t in[] = {64, 128, 2 * 8}, out[] = {8, 128, 64};
  const Network encoder = m.network("encoder", nn::mlp(in, nn::activation("tanh")));
  const Network decoder = m.network("decoder", nn::mlp(out, nn::activation("tanh")));
  const Expr z = m.latent("z", normal(0.0, 1.0), image, Shape{8});
  m.observe("x", bernoulli(decoder(z)), x);
  const Expr q = encoder(x);
  m.guide(z, normal_log_sd(slice(q, 0, 8), slice(q, 8, 8)));

  DataSet data;
  data.rows = pixels.shape().extent(0);
  data.columns["x"] = pixels;
  FitConfig config;
  config.epochs = 10;
  config.rate = 3e-3;
  State state;
  init_fit(m, config, state);
  Workers workers;
  FitCallbacks callbacks;
  callbacks.epoch = [](const EpochRecord& e) {
    fmt::print("epoch {:>2}  ELBO {:.2f}\n", e.epoch, e.elbo);
  };
  fit(m, data, {}, config, state, {}, workers, callbacks);
  const Evaluation e = Evaluator(m, {}, state).elbo(data, Key{1, 1}, workers);
  fmt::print("ELBO {:.2f} nats an image (standard error {:.2f})\n", e.elbo_per_row,
             e.elbo_se / double(e.rows));
  for (const TermValue& t : e.terms)
    fmt::print("  {:<10} {:>8.2f}  {}\n", t.name, t.value / double(e.rows), name_of(t.how));
}
