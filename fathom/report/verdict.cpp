#include "fathom/report/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fathom {

namespace {

std::string plural(std::int64_t n, const std::string& one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

std::string elbo_sentence(const VaeFigures& f) {
  const std::string rows =
      f.n < f.train_rows ? fmt::format("{} of the {} training {}s", f.n, f.train_rows, f.unit)
                         : fmt::format("the {} training {}", f.n, f.n == 1 ? f.unit : f.unit + "s");
  if (!f.validation)
    return fmt::format("The ELBO is {:.2f} nats per {} on {}; none were kept for validation.",
                       f.elbo, f.unit, rows);
  return fmt::format("The ELBO is {:.2f} nats per {} on validation, {:.2f} on {}.", *f.validation,
                     f.unit, f.elbo, rows);
}

// An epoch's line and the closing figures are of the same rows under other draws.
void draws_sentence(const VaeFigures& f, std::vector<std::string>& out) {
  const auto at = std::size_t(f.best_epoch);
  if (!f.validation || at < 1 || at > f.validation_curve.size()) return;
  const double line = f.validation_curve[at - 1];
  if (std::abs(line - *f.validation) < 0.01) return;
  out.push_back(
      fmt::format("Both are of epoch {}, the best on validation, with draws of their own; under "
                  "those of its line validation was {:.2f}.",
                  at, line));
}

std::string gap_sentence(const VaeFigures& f) {
  const double gap = f.gap->log_px - f.gap->elbo;
  return fmt::format(
      "On {} it lies {} {:.2f} nats (se {:.2f}) below log p(x), which importance weights with {} "
      "draws put at {:.2f} there; more draws can only raise that.",
      plural(f.gap->rows, f.unit), gap < 0.5 ? "at least" : "about", std::max(gap, 0.0),
      f.gap->gap_se, f.gap->draws, f.gap->log_px);
}

std::string collapse_advice(const VaeFigures& f, std::int64_t active) {
  if (f.sigma2 && f.lambda1 && *f.sigma2 >= *f.lambda1)
    return fmt::format(
        "The decoder's variance {:.3g} is not below the data's largest eigenvalue {:.3g}: for a "
        "linear "
        "decoder collapse is then optimal; {}.",
        *f.sigma2, *f.lambda1,
        f.sigma2_learned ? "let it train longer, so that the variance comes down"
                         : "lower --sigma2, or let it be learned");
  if (active == 0)
    return "No information reaches the decoder: lower --lr, train longer or check the scale of the "
           "data.";
  return fmt::format("The bound gains nothing from the others; --latent {} would do as well.",
                     active);
}

void unit_sentences(const VaeFigures& f, std::vector<std::string>& out) {
  const auto active = std::int64_t(
      std::count_if(f.activity.begin(), f.activity.end(), [](double a) { return a > kActive; }));
  const auto all = std::int64_t(f.activity.size());
  if (all == 0) return;
  if (active == all) {
    out.push_back(all == 1 ? "The latent unit is active."
                  : all == 2
                      ? "Both latent units are active."
                      : fmt::format("All {} latent units are active{}.", all,
                                    all >= 5 ? "; a larger --latent may raise the bound" : ""));
    return;
  }
  out.push_back(fmt::format("{} of {} latent units are active; {} collapsed onto the prior. {}",
                            active, all, all - active, collapse_advice(f, active)));
}

void climb_sentences(const VaeFigures& f, std::vector<std::string>& out) {
  if (f.stopped == "interrupted") {
    out.push_back(fmt::format("The fit was interrupted after {} of {}; --resume goes on.",
                              plural(f.epochs, "epoch"), f.asked));
    return;
  }
  const bool validated = !f.validation_curve.empty();
  if (f.stopped == "patience") {
    out.push_back(fmt::format("It stopped early: validation has not improved since epoch {} of {}.",
                              f.best_epoch, f.epochs));
    return;
  }
  if (validated && f.epochs >= 5 && double(f.best_epoch) < 0.8 * double(f.epochs)) {
    out.push_back(fmt::format(
        "Validation was best at epoch {} of {} and fell since, the sign of overfitting; that "
        "state is kept. A smaller network, more data or --patience would stop sooner.",
        f.best_epoch, f.epochs));
    return;
  }
  const double slope = late_slope(validated ? f.validation_curve : f.train_curve);
  const double level = std::abs(f.validation.value_or(f.elbo));
  if (slope > std::max(1e-4 * level, 0.005)) {
    out.push_back(
        fmt::format("It still climbs, by {:.2g} nats per epoch at the end: --resume --epochs {} "
                    "would raise it.",
                    slope, 2 * f.asked));
  } else if (f.epochs >= 4) {
    out.push_back("It no longer climbs.");
  }
}

}  // namespace

double late_slope(const std::vector<double>& curve) {
  if (curve.size() < 4) return 0;
  const std::size_t n = std::max<std::size_t>(3, curve.size() / 5);
  const double* y = curve.data() + (curve.size() - n);
  const double middle = double(n - 1) / 2;
  double top = 0, bottom = 0;
  for (std::size_t i = 0; i < n; ++i) {
    top += (double(i) - middle) * y[i];
    bottom += (double(i) - middle) * (double(i) - middle);
  }
  return top / bottom;
}

std::vector<std::string> vae_verdict(const VaeFigures& f) {
  std::vector<std::string> out{elbo_sentence(f)};
  draws_sentence(f, out);
  if (f.gap) out.push_back(gap_sentence(f));
  if (f.gap_lost)
    out.push_back(
        "log p(x) has no finite estimate, so how far it lies below is not known: the values are "
        "large for steps of this size; --scale max divides them.");
  unit_sentences(f, out);
  climb_sentences(f, out);
  if (f.validation && f.elbo - *f.validation > std::max(0.05 * std::abs(*f.validation), 1.0) &&
      f.stopped != "interrupted")
    out.push_back(
        fmt::format("Training {0}s are {1:.1f} nats better than unseen ones: the model has begun "
                    "to learn them by heart.",
                    f.unit, f.elbo - *f.validation));
  if (f.likelihood == "gaussian" && f.sigma2)
    out.push_back(fmt::format(
        "The decoder's standard deviation is {:.3g}{}. These are densities, which may exceed one: "
        "a positive ELBO is no error.",
        std::sqrt(*f.sigma2), f.sigma2_learned ? ", learned" : ""));
  return out;
}

}  // namespace fathom
