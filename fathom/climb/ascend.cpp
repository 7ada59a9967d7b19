#include "fathom/climb/ascend.h"

#include <cmath>
#include <cstring>

#include "fathom/base/clock.h"

namespace fathom {

namespace {

// Of a bound summed over rows in f32: a rise below this part of it is not told from rounding.
constexpr double kNarrowNoise = 4e-7;

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
              Workers& workers, const std::function<bool(const SweepRecord&)>& each,
              Ascent before) {
  return ascend_by(
      [&](Workers& w) {
        return AscentStep{climb.sweep(w), 1};
      },
      true, climb, rows, config, workers, each, std::move(before));
}

Ascent ascend_by(const Stepper& step, bool monotone, CoordinateClimb& climb, std::int64_t rows,
                 const AscentConfig& config, Workers& workers,
                 const std::function<bool(const SweepRecord&)>& each, Ascent before) {
  if (config.sweeps < 1) raise<ConfigError>("sweeps {}: at least 1", config.sweeps);
  if (!(config.tolerance >= 0)) raise<ConfigError>("tolerance {}: not below 0", config.tolerance);
  if (const std::string alike = climb.alike(); !alike.empty())
    raise<ConfigError>(
        "[ascend] all components of \"{}\" are alike, and no sweep would tell them apart: start "
        "from probabilities of the choices (climb/start.h)",
        alike);
  Ascent out = std::move(before);
  out.interrupted = false;
  if (out.converged) return out;
  if (out.bounds.empty()) climb.set_digits(CoordinateClimb::Digits::f32);
  const auto ended = [&](double rise) {
    return (monotone ? rise : std::abs(rise)) <= config.tolerance * double(rows);
  };
  std::vector<Array> from;
  for (const Array* n : climb.naturals()) from.push_back(n->copy());
  while (out.sweeps < config.sweeps) {
    const double begin = now();
    const auto digits = climb.digits();
    const AscentStep taken = step(workers);
    const double bound = taken.elbo;
    const int sweep = out.sweeps += taken.sweeps;
    double size = 0;
    if (!std::isfinite(bound))
      raise<NumericError>("[ascend] sweep {}: the bound is {}; term \"{}\" is the first to look at",
                          sweep, bound, worst_term(climb, workers, &size));
    const bool comparable = !out.bounds.empty() && digits != CoordinateClimb::Digits::first_f64;
    const double rise = comparable ? bound - out.bounds.back() : INFINITY;
    if (digits == CoordinateClimb::Digits::f32) {
      out.narrow_sweeps = sweep;
      if (rise < kNarrowNoise * std::abs(bound))
        climb.set_digits(CoordinateClimb::Digits::first_f64);
    } else if (monotone && rise < -1e-10 * std::abs(bound) - climb.error()) {
      worst_term(climb, workers, &size);
      if (rise < -1e-10 * size - climb.error())
        raise<NumericError>(
            "[ascend] sweep {} lowered the bound from {:.10g} to {:.10g}, which no exact update "
            "does: {}",
            sweep, out.bounds.back(), bound, climb.lowest_block(from, workers));
    }
    for (std::size_t k = 0; k < from.size(); ++k)
      std::memcpy(from[k].raw(), climb.naturals()[k]->raw(), from[k].bytes());
    out.bounds.push_back(bound);
    out.converged = digits != CoordinateClimb::Digits::f32 && ended(rise);
    if (each && !each({sweep, bound, (now() - begin) / taken.sweeps, taken.sweeps})) {
      out.interrupted = true;
      return out;
    }
    if (out.converged) return out;
  }
  return out;
}

namespace {

// naturals = (1 - share) naturals + share from
void move_towards(const std::vector<Array>& from, double share, CoordinateClimb& climb) {
  const auto move = [share](const auto* start, auto* at, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i)
      at[i] = decltype(*start + *start)(at[i] + share * (start[i] - at[i]));
  };
  for (std::size_t k = 0; k < from.size(); ++k) {
    Array& to = *climb.naturals()[k];
    if (to.dtype() == DType::f32) {
      move(from[k].data<float>(), to.data<float>(), to.size());
    } else {
      move(from[k].data<double>(), to.data<double>(), to.size());
    }
  }
}

}  // namespace

int anneal(CoordinateClimb& climb, const AnnealConfig& config, Workers& workers,
           const std::function<void(double, double)>& each) {
  if (!(config.start > 1)) raise<ConfigError>("start {}: above 1", config.start);
  if (!(config.cooling > 0 && config.cooling < 1))
    raise<ConfigError>("cooling {}: above 0 and below 1", config.cooling);
  if (config.sweeps < 1) raise<ConfigError>("sweeps {}: at least 1", config.sweeps);
  if (!(config.nudge >= 0 && config.nudge < 1))
    raise<ConfigError>("nudge {}: not below 0, and below 1", config.nudge);
  int sweeps = 0;
  std::vector<Array> from;
  for (const Array* n : climb.naturals()) from.push_back(n->copy());
  for (double t = config.start; t > 1; t *= config.cooling) {
    climb.temperature(t);
    for (int k = 0; k < config.sweeps; ++k, ++sweeps) {
      const double objective = climb.sweep(workers);
      if (each) each(t, objective);
    }
    move_towards(from, config.nudge, climb);
  }
  climb.temperature(1);
  return sweeps;
}

}  // namespace fathom
