#include "fathom/jobs/use_vae.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fathom/io/images.h"
#include "fathom/jobs/closing.h"
#include "fathom/jobs/version.h"
#include "fathom/report/pictures.h"

namespace fathom {

namespace {

VaeScorer scorer_of(VaeRun& run, std::uint64_t seed, Workers& workers) {
  return {run.settings.model, run.format, run.initial_variance, run.state, seed, workers};
}

VaeRows rows_of(const VaeRun& run, const MapVaeConfig& c, Workers& workers) {
  const VaeRows rows =
      load_vae_rows(c.data, run.settings.data, run.format, run.settings.model, workers);
  if (c.rows < 0) raise<ConfigError>("--rows must not be negative, got {}", c.rows);
  return c.rows > 0 ? slice_rows(rows, 0, c.rows) : rows;
}

// x ~ p(x | z) given its mean.
void add_noise(Array& x, const VaeRun& run, std::uint64_t seed) {
  const Key key = fold(key_for(seed, Draws::samples), 1);
  const std::optional<double> variance = sigma2_of(run.settings.model, run.state);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    double& v = x.data<double>()[i];
    const Random4 r = philox(key, std::uint64_t(i), 0);
    const double u = (double(r.word[0]) + 0.5) * 0x1p-32, w = (double(r.word[1]) + 0.5) * 0x1p-32;
    if (variance) {
      v += std::sqrt(*variance) * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * w);
    } else {
      v = u < v ? 1 : 0;
    }
  }
}

// Figures that are not finite are left out.
void add_evidence(const LogEvidence& p, std::int64_t samples, const VaeRun& run,
                  nlohmann::json& out) {
  out["samples"] = samples;
  if (!std::isfinite(p.log_px)) return;
  out["log_px"] = p.log_px;
  out["log_px_per_row"] = p.log_px / double(p.rows);
  if (p.rows > 1 && std::isfinite(p.log_px_se)) out["log_px_se"] = p.log_px_se;
  out["effective_samples"] = p.effective_samples;
  if (const auto bits = bits_per_dim(p.log_px / double(p.rows), run.settings.model, run.format))
    out["log_px_bits_per_dim"] = *bits;
}

std::vector<std::string> pixel_names(const PixelFormat& f) {
  return f.columns.empty() ? numbered("x", f.width) : f.columns;
}

}  // namespace

nlohmann::json evaluate_vae(const EvaluateVaeConfig& c, const Progress& progress) {
  if (c.samples < 0) raise<ConfigError>("--samples must not be negative, got {}", c.samples);
  if (c.samples > 100'000'000)
    raise<ConfigError>("--samples {}: at most 100,000,000 for each row", c.samples);
  if (c.draws < 1) raise<ConfigError>("--draws must be at least 1, got {}", c.draws);
  Workers workers(c.threads);
  VaeRun run = open_vae_run(c.run);
  const VaeRows rows =
      load_vae_rows(c.data, run.settings.data, run.format, run.settings.model, workers);
  VaeScorer scorer = scorer_of(run, c.seed, workers);
  const Evaluation e = scorer.elbo(rows, c.draws, c.samples > 0 ? Progress() : progress);
  nlohmann::json out = elbo_summary(e, run.format, run.unit());
  if (const auto bits = bits_per_dim(e.elbo_per_row, run.settings.model, run.format))
    out["bits_per_dim"] = *bits;
  if (c.samples > 0) {
    add_evidence(scorer.evidence(rows, c.samples, progress), c.samples, run, out);
  }
  if (run.format.divisor != 1) out["divisor"] = run.format.divisor;
  out["seed"] = c.seed;
  out["threads"] = workers.size();
  out["version"] = kVersion;
  return out;
}

RowsFile sample_vae(const SampleVaeConfig& c) {
  if (c.count < 1) raise<ConfigError>("--count must be at least 1, got {}", c.count);
  Workers workers(c.threads);
  VaeRun run = open_vae_run(c.run);
  check_rows_file(c.out, run.format.item);
  VaeScorer scorer = scorer_of(run, c.seed, workers);
  Array x = scorer.decode(VaeScorer::prior_codes(c.count, run.settings.model.latent, c.seed));
  if (c.noise) add_noise(x, run, c.seed);
  return write_rows(c.out, x, pixel_names(run.format), run.format.item);
}

RowsFile encode_vae(const MapVaeConfig& c, const Progress& progress) {
  Workers workers(c.threads);
  VaeRun run = open_vae_run(c.run);
  check_rows_file(c.out, {});
  const VaeRows rows = rows_of(run, c, workers);
  const VaeScorer::Codes q = scorer_of(run, run.settings.fit.seed, workers).encode(rows, progress);
  const std::int64_t k = run.settings.model.latent, n = rows.set.rows;
  Array both(DType::f64, Shape{n, 2 * k});
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(q.mean.data<double>() + i * k, k, both.data<double>() + 2 * i * k);
    std::copy_n(q.sd.data<double>() + i * k, k, both.data<double>() + (2 * i + 1) * k);
  }
  std::vector<std::string> names;
  for (const char* what : {"mean", "sd"})
    for (const std::string& z : numbered("z", k)) names.push_back(z + "_" + what);
  return write_rows(c.out, both, names, {});
}

RowsFile decode_vae(const MapVaeConfig& c, const Progress& progress) {
  Workers workers(c.threads);
  VaeRun run = open_vae_run(c.run);
  check_rows_file(c.out, run.format.item);
  if (c.rows < 0) raise<ConfigError>("--rows must not be negative, got {}", c.rows);
  const Dataset codes = load_dataset(c.data, {}, &workers);
  check_finite(codes);
  const std::int64_t k = run.settings.model.latent, width = codes.values.size() / codes.rows();
  const std::int64_t n = c.rows > 0 ? std::min(c.rows, codes.rows()) : codes.rows();
  if (width != k && width != 2 * k)
    raise<DataError>("{}: rows have {} numbers, the latent of the model has {}", c.data, width, k);
  const Array wide = codes.values.cast(DType::f64);
  Array z(DType::f64, Shape{n, k});
  for (std::int64_t i = 0; i < n; ++i)
    std::copy_n(wide.data<double>() + i * width, k, z.data<double>() + i * k);
  const Array x = scorer_of(run, run.settings.fit.seed, workers).decode(z, progress);
  return write_rows(c.out, x, pixel_names(run.format), run.format.item);
}

Array interleave(const Array& originals, const Array& reconstructions, std::int64_t columns) {
  const std::int64_t n = originals.shape().extent(0), width = originals.size() / n;
  Array both(DType::f64, Shape{2 * ((n + columns - 1) / columns) * columns, width});
  std::fill_n(both.data<double>(), both.size(), 96.0 / 255);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t at = i / columns * 2 * columns + i % columns;
    std::copy_n(originals.data<double>() + i * width, width, both.data<double>() + at * width);
    std::copy_n(reconstructions.data<double>() + i * width, width,
                both.data<double>() + (at + columns) * width);
  }
  return both;
}

RowsFile reconstruct_vae(const MapVaeConfig& c, const Progress& progress) {
  Workers workers(c.threads);
  VaeRun run = open_vae_run(c.run);
  check_rows_file(c.out, run.format.item);
  MapVaeConfig limited = c;
  if (c.out.ends_with(".png") && c.rows == 0) limited.rows = 80;
  const VaeRows rows = rows_of(run, limited, workers);
  VaeScorer scorer = scorer_of(run, run.settings.fit.seed, workers);
  const Array x = scorer.decode(scorer.encode(rows).mean, progress);
  if (!c.out.ends_with(".png")) return write_rows(c.out, x, pixel_names(run.format), {});
  const Array pixels = as_pixels(rows.set.columns.at("x"), run.format).cast(DType::f64);
  const std::int64_t columns = std::min<std::int64_t>(16, rows.set.rows);
  const Array both = interleave(pixels, x, columns);
  write_png(c.out, sheet(both, run.format.item,
                         {.columns = columns, .zoom = zoom_for(run.format.item, 16), .group = 2}));
  return {c.out, rows.set.rows, run.format.width};
}

}  // namespace fathom
