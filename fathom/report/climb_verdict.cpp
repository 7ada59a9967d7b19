#include "fathom/report/climb_verdict.h"

#include <fmt/format.h>

#include <algorithm>

namespace fathom {

namespace {

std::string bound_sentence(const ClimbFigures& f) {
  const double per_row = f.bound / (f.total > 0 ? f.total : double(f.rows));
  std::string s = fmt::format("The {} is {:.4f} nats per {}, {:.2f} over {} {}s{}{}", f.objective,
                              per_row, f.unit, f.bound, f.rows, f.unit,
                              f.total > 0 && f.total != double(f.rows)
                                  ? fmt::format(" that count {:g} times", f.total)
                                  : "",
                              f.standardized ? ", of standardized values" : "");
  if (f.standardized)
    s += fmt::format("; of the table's own units it is {:.4f} per row", per_row - f.log_scale);
  return s + ".";
}

std::string end_sentence(const ClimbFigures& f) {
  const std::string sweeps = fmt::format("{} sweep{}", f.sweeps, f.sweeps == 1 ? "" : "s");
  if (f.interrupted) return fmt::format("The fit was interrupted after {}.", sweeps);
  if (f.converged)
    return fmt::format("It converged: the last of {} raised it by no more than {:g} nats per {}.",
                       sweeps, f.tolerance, f.unit);
  return fmt::format(
      "It has not converged: the last of {} still raised it by {:.2g} nats per {}; --sweeps {} "
      "goes further.",
      sweeps, f.last_rise, f.unit, 2 * f.sweeps);
}

std::string restart_sentence(const ClimbFigures& f) {
  const auto n = int(f.restarts.size()), near = agreeing(f.restarts);
  const std::string where =
      f.start_rows < f.rows ? fmt::format(", on {} of the {}s,", f.start_rows, f.unit) : "";
  if (n < 2)
    return f.starts_differ && f.set_aside.empty()
               ? "It was climbed from one start only: --restarts 5 would tell whether others end "
                 "higher."
               : "";
  if (near == n)
    return fmt::format("All {} restarts{} ended within {:g} nats per {} of the best.", n, where,
                       kAgree, f.unit);
  const double least = *std::min_element(f.restarts.begin(), f.restarts.end()),
               most = *std::max_element(f.restarts.begin(), f.restarts.end());
  return fmt::format(
      "Restarts disagree: {} of {}{} ended within {:g} nats per {} of the best, the lowest {:.2g} "
      "below it{}.",
      near, n, where, kAgree, f.unit, most - least,
      near == 1 ? "; nothing says that this is the highest: more --restarts may find a better"
                : "");
}

}  // namespace

int agreeing(const std::vector<double>& restarts) {
  if (restarts.empty()) return 0;
  const double best = *std::max_element(restarts.begin(), restarts.end());
  return int(std::count_if(restarts.begin(), restarts.end(),
                           [&](double b) { return b >= best - kAgree; }));
}

std::vector<std::string> climb_verdict(const ClimbFigures& f) {
  std::vector<std::string> out{bound_sentence(f), end_sentence(f)};
  if (std::string s = restart_sentence(f); !s.empty()) out.push_back(std::move(s));
  if (!f.set_aside.empty())
    out.push_back(fmt::format("{} restart{} set aside: {}.", f.set_aside.size(),
                              f.set_aside.size() == 1 ? " was" : "s were", f.set_aside.front()));
  if (f.objective != "ELBO")
    out.push_back(fmt::format(
        "A {} is no bound on the evidence: it rises with every parameter that is added, and is not "
        "to be compared with an ELBO.",
        f.objective));
  return out;
}

}  // namespace fathom
