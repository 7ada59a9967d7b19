// What the figures of a coordinate climb mean, in plain words: pure text from numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fathom {

struct ClimbFigures {
  std::string objective = "ELBO";  // or "log-likelihood", "penalised log-likelihood"
  std::string unit = "row";        // what is counted
  std::int64_t rows = 0;
  double total = 0;  // of weights of rows; 0: each counts once
  double bound = 0;  // total, nats
  bool standardized = false;
  double log_scale = 0;  // per row: the bound less this is that of the table's own units
  int sweeps = 0;        // of the climb that is kept, over all rows
  double tolerance = 0, last_rise = 0;  // nats per row
  bool converged = false, interrupted = false;
  // Bounds per row where restarts ended, on `start_rows` of the rows; those that were set aside are
  // not among them.
  std::vector<double> restarts;
  std::int64_t start_rows = 0;
  std::vector<std::string> set_aside;  // why
  bool starts_differ = true;           // a start without chance is made once
};

inline constexpr double kAgree = 1e-3;  // nats per row within which restarts agree

// How many restarts ended within kAgree of the best.
int agreeing(const std::vector<double>& restarts);

// Sentences, the most important first.
std::vector<std::string> climb_verdict(const ClimbFigures& figures);

}  // namespace fathom
