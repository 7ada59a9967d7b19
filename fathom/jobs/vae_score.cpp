#include "fathom/jobs/vae_score.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fathom {

namespace {

constexpr std::int64_t kSlice = 4096;

VaeConfig with_bits(VaeConfig c, bool draws_bits) {
  if (draws_bits) c.binarize = "fixed:0";
  return c;
}

double error_of_sum(const std::vector<double>& x) {
  const auto n = double(x.size());
  if (x.size() < 2) return 0;
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double s = 0;
  for (double v : x) s += (v - mean) * (v - mean);
  return std::sqrt(s / (n - 1) * n);
}

}  // namespace

VaeScorer::VaeScorer(const VaeConfig& config, const PixelFormat& format, double initial_variance,
                     State& state, std::uint64_t seed, Workers& workers)
    : config_(config),
      format_(format),
      state_(state),
      seed_(seed),
      workers_(workers),
      draws_bits_(config.likelihood == "bernoulli" && config.binarize == "dynamic" &&
                  !format.bits) {
  PixelFormat scored = format;
  scored.drawn = scored.drawn || draws_bits_;
  vae_ = make_vae(with_bits(config, draws_bits_), scored, initial_variance);
}

VaeRows VaeScorer::seen(const VaeRows& rows) const {
  if (!draws_bits_) return rows;
  VaeRows out = rows;
  Array& x = out.set.columns["x"];
  x = draw_bits(x, rows.place, format_.eight_bit, seed_, workers_);
  return out;
}

void VaeScorer::sliced(const VaeRows& rows, std::int64_t size, const Progress& progress,
                       const std::function<void(const VaeRows&, std::int64_t)>& each) {
  for (std::int64_t first = 0; first < rows.set.rows; first += size) {
    const VaeRows part = seen(slice_rows(rows, first, size));
    each(part, first);
    if (progress && !progress(first + part.set.rows, rows.set.rows)) throw Interrupted();
  }
}

Evaluation VaeScorer::elbo(const VaeRows& rows, int samples, const Progress& progress) {
  Evaluator evaluator(vae_->model, {samples, 1024}, state_);
  Evaluation total;
  sliced(rows, kSlice, progress, [&](const VaeRows& part, std::int64_t first) {
    const Key key = fold(key_for(seed_, Draws::evaluation), std::uint64_t(first));
    const Evaluation e = evaluator.elbo(part.set, key, workers_);
    if (total.terms.empty())
      for (const TermValue& t : e.terms) total.terms.push_back({t.name, 0, t.how});
    for (std::size_t i = 0; i < e.terms.size(); ++i) total.terms[i].value += e.terms[i].value;
    total.per_row.insert(total.per_row.end(), e.per_row.begin(), e.per_row.end());
  });
  total.rows = rows.set.rows;
  for (const TermValue& t : total.terms) total.elbo += t.value;
  total.elbo_per_row = total.elbo / double(total.rows);
  total.elbo_se = error_of_sum(total.per_row);
  return total;
}

LogEvidence VaeScorer::evidence(const VaeRows& rows, std::int64_t draws, const Progress& progress) {
  Evaluator evaluator(vae_->model, {}, state_);
  LogEvidence total;
  double effective = 0;
  // About a second of work at a time, and no smaller than what the evaluator takes at once.
  const std::int64_t size =
      std::clamp<std::int64_t>(200000 / std::max<std::int64_t>(draws, 1), 64, kSlice) / 64 * 64;
  sliced(rows, size, progress, [&](const VaeRows& part, std::int64_t first) {
    const Key key = fold(key_for(seed_, Draws::evidence), std::uint64_t(first));
    const LogEvidence e = evaluator.log_evidence(part.set, draws, key, workers_, [&] {
      if (progress && !progress(first, rows.set.rows)) throw Interrupted();
    });
    total.per_row.insert(total.per_row.end(), e.per_row.begin(), e.per_row.end());
    effective += e.effective_samples * double(part.set.rows);
  });
  total.rows = rows.set.rows;
  total.log_px = std::accumulate(total.per_row.begin(), total.per_row.end(), 0.0);
  total.log_px_se = error_of_sum(total.per_row);
  total.effective_samples = effective / double(total.rows);
  return total;
}

VaeScorer::Codes VaeScorer::encode(const VaeRows& rows, const Progress& progress) {
  Evaluator evaluator(vae_->model, {}, state_);
  const Shape shape{rows.set.rows, config_.latent};
  Codes out{Array(DType::f64, shape), Array(DType::f64, shape)};
  sliced(rows, kSlice, progress, [&](const VaeRows& part, std::int64_t first) {
    const auto q = evaluator.posterior(part.set, "z", key_for(seed_, Draws::evaluation), workers_);
    const std::span<const double> mean = q[0].second.values<double>(),
                                  log_sd = q[1].second.values<double>();
    std::copy(mean.begin(), mean.end(), out.mean.data<double>() + first * config_.latent);
    std::transform(log_sd.begin(), log_sd.end(), out.sd.data<double>() + first * config_.latent,
                   [](double v) { return std::exp(v); });
  });
  return out;
}

UnitFigures VaeScorer::units(const VaeRows& rows, const Progress& progress) {
  const Codes q = encode(rows, progress);
  const auto k = std::size_t(config_.latent);
  UnitFigures u;
  u.rows = rows.set.rows;
  u.activity.assign(k, 0);
  u.kl.assign(k, 0);
  u.mean.assign(k, 0);
  const auto n = double(u.rows);
  const double *m = q.mean.data<double>(), *s = q.sd.data<double>();
  for (std::size_t i = 0; i < std::size_t(q.mean.size()); ++i) {
    u.mean[i % k] += m[i] / n;
    u.kl[i % k] += (0.5 * (m[i] * m[i] + s[i] * s[i] - 1) - std::log(s[i])) / n;
  }
  for (std::size_t i = 0; i < std::size_t(q.mean.size()); ++i)
    u.activity[i % k] += (m[i] - u.mean[i % k]) * (m[i] - u.mean[i % k]) / n;
  return u;
}

Array VaeScorer::decode(const Array& codes, const Progress& progress) {
  const std::int64_t rows = codes.shape().extent(0), latent = codes.shape().extent(1);
  if (latent != config_.latent)
    raise<DataError>("codes have {} numbers per row, the latent of the model has {}", latent,
                     config_.latent);
  Array out(DType::f64, Shape{rows, format_.width});
  const Array z = codes.cast(vae_->model.dtype());
  Evaluator evaluator(vae_->model, {}, state_);
  for (std::int64_t first = 0; first < rows; first += kSlice) {
    DataSet part;
    part.rows = std::min(kSlice, rows - first);
    part.columns["z"] = Array::of<float>(
        Shape{part.rows, latent},
        z.values<float>().subspan(std::size_t(first * latent), std::size_t(part.rows * latent)));
    const Array x = evaluator.decode(part, vae_->mean, workers_);
    std::copy_n(x.data<double>(), x.size(), out.data<double>() + first * format_.width);
    if (progress && !progress(first + part.rows, rows)) throw Interrupted();
  }
  return out;
}

Array VaeScorer::prior_codes(std::int64_t rows, std::int64_t latent, std::uint64_t seed) {
  Array z(DType::f64, Shape{rows, latent});
  const Key key = key_for(seed, Draws::samples);
  for (std::int64_t i = 0; i < z.size(); ++i) {  // Box & Muller 1958
    const Random4 r = philox(key, std::uint64_t(i), 0);
    const double u = (double(r.word[0]) + 0.5) * 0x1p-32, v = (double(r.word[1]) + 0.5) * 0x1p-32;
    z.data<double>()[i] = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }
  return z;
}

}  // namespace fathom
