#include "fathom/climb/ascend.h"

#include <chrono>
#include <cmath>

namespace fathom {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The terms of the bound, for a message: what fell most, or what is not a number.
std::string worst_term(CoordinateClimb& climb, Workers& workers, double* size) {
  std::string worst;
  double least = INFINITY;
  *size = 0;
  for (const auto& [name, value] : climb.terms(workers)) {
    *size += std::abs(value);
    if (!std::isfinite(value)) return name;
    if (value < least) {
      least = value;
      worst = name;
    }
  }
  return worst;
}

}  // namespace

Ascent ascend(CoordinateClimb& climb, std::int64_t rows, const AscentConfig& config,
              Workers& workers, const std::function<bool(const SweepRecord&)>& each) {
  return ascend_by(
      [&](Workers& w) {
        return AscentStep{climb.sweep(w), 1};
      },
      true, climb, rows, config, workers, each);
}

Ascent ascend_by(const Stepper& step, bool monotone, CoordinateClimb& climb, std::int64_t rows,
                 const AscentConfig& config, Workers& workers,
                 const std::function<bool(const SweepRecord&)>& each) {
  if (config.sweeps < 1) raise<ConfigError>("sweeps {}: at least 1", config.sweeps);
  if (!(config.tolerance >= 0)) raise<ConfigError>("tolerance {}: not below 0", config.tolerance);
  Ascent out;
  while (out.sweeps < config.sweeps) {
    const double begin = now();
    const AscentStep taken = step(workers);
    const double bound = taken.elbo;
    const int sweep = out.sweeps += taken.sweeps;
    double size = 0;
    if (!std::isfinite(bound))
      raise<NumericError>("[ascend] sweep {}: the bound is {}; term \"{}\" is the first to look at",
                          sweep, bound, worst_term(climb, workers, &size));
    if (monotone && !out.bounds.empty() && bound < out.bounds.back() - 1e-10 * std::abs(bound)) {
      const std::string term = worst_term(climb, workers, &size);
      if (bound < out.bounds.back() - 1e-10 * size)
        raise<NumericError>(
            "[ascend] sweep {} lowered the bound from {:.10g} to {:.10g}, which no exact update "
            "does; its lowest term is \"{}\"",
            sweep, out.bounds.back(), bound, term);
    }
    const double rise = out.bounds.empty() ? INFINITY : bound - out.bounds.back();
    out.bounds.push_back(bound);
    if (each && !each({sweep, bound, (now() - begin) / taken.sweeps})) {
      out.interrupted = true;
      return out;
    }
    if ((monotone ? rise : std::abs(rise)) <= config.tolerance * double(rows)) {
      out.converged = true;
      return out;
    }
  }
  return out;
}

}  // namespace fathom
