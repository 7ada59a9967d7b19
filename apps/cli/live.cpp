#include "apps/cli/live.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace fathom::cli {

std::string clock_text(double seconds) {
  const auto s = std::int64_t(std::lround(std::max(seconds, 0.0)));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Live::Live(bool json) : out_(json ? stderr : stdout), live_(isatty(fileno(out_)) != 0) {}
Live::~Live() { clear(); }

double Live::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void Live::clear() {
  if (!shown_) return;
  fmt::print(out_, "\r\033[K");
  std::fflush(out_);
  shown_ = false;
}

void Live::over(const std::string& text) {
  winsize size{};
  const std::size_t columns =
      ioctl(fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
  fmt::print(out_, "\r\033[K{}", text.substr(0, columns));
  std::fflush(out_);
  shown_ = true;
}

void Live::note(const std::string& text) {
  clear();
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

void Live::first_step(double s) {
  if (!live_) note(fmt::format("first step after {:.2f} s", s));
}

void Live::doing(const std::string& what) {
  if (live_) over(what + " ...");
}

void Live::rows(const std::string& what, std::int64_t done, std::int64_t rows) {
  const double t = seconds();
  if (!live_ || t < next_) return;
  next_ = t + 0.1;
  if (done == 0) return over(fmt::format("{}: {} rows", what, rows));
  over(fmt::format("{}: {} of {} rows, {} left", what, done, rows,
                   clock_text(t / double(done) * double(rows - done))));
}

void Live::step(const StepRecord& s) {
  const double t = seconds();
  if (!live_ || t < next_) return;
  next_ = t + 0.1;
  const double done = double(s.epoch - 1) + double(s.row) / double(s.rows);
  if (start_ < 0) {
    start_ = t;
    from_ = done;
  }
  std::string left;
  if (epochs_ > 0 && done > from_)
    left = ", " + clock_text((t - start_) / (done - from_) * (epochs_ - done)) + " left";
  const double rate = done > from_ ? (done - from_) * double(s.rows) / (t - start_) : 0;
  over(fmt::format("epoch {}{} {:3.0f} %{}, {:.0f}/s{}", s.epoch,
                   epochs_ > 0 ? fmt::format("/{}", epochs_) : "",
                   100 * double(s.row) / double(s.rows), last_, rate, left));
}

void Live::epoch(const EpochRecord& e, int epochs) {
  epochs_ = epochs;
  double reconstruction = 0, kl = 0;
  for (const NamedValue& t : e.terms)
    (t.name.find('.') == std::string::npos ? reconstruction : kl) += t.value;
  std::string line = fmt::format("epoch {:>3}/{}  ELBO {:.3f}", e.epoch, epochs, e.elbo);
  if (e.has_validation)
    line += fmt::format("  validation {:.3f}{}", e.validation, e.best ? "*" : " ");
  line += fmt::format("  reconstruction {:.3f}  KL {:.3f}  {:.0f}/s", reconstruction, -kl,
                      e.rows_per_second);
  if (!live_ && e.epoch < epochs)
    line += fmt::format("  {} left", clock_text(e.seconds * double(epochs - e.epoch)));
  last_ = fmt::format(", ELBO {:.2f}", e.elbo) +
          (e.has_validation ? fmt::format(" validation {:.2f}", e.validation) : "") +
          fmt::format(" rec {:.2f} KL {:.2f}", reconstruction, -kl);
  // On a terminal a long fit shows every epoch and a short one about twenty of them.
  const int every = live_ ? std::max(1, epochs / 50) : 1;
  if (e.epoch % every == 0 || e.epoch == epochs || e.epoch == 1) note(line);
}

// Without a live line, one about every other second, so that a short fit says only how it ended.
void Live::sweep(const TableSweep& s) {
  const double t = seconds();
  if (t < next_) return;
  const bool first = next_ == 0;
  next_ = t + (live_ ? 0.1 : 2);
  if (first && !live_) return;
  const std::string climb =
      s.restart > 0 ? fmt::format("restart {}/{}", s.restart, s.restarts) : std::string("all rows");
  const std::string line =
      fmt::format("{}  sweep {:>3}  {} {:.6f} per {}{}  {:.3g} {}s/s", climb, s.sweep, s.objective,
                  s.per_row, s.unit, std::isnan(s.rise) ? "" : fmt::format("  rise {:.2g}", s.rise),
                  s.rows_per_second, s.unit);
  live_ ? over(line) : note(line);
}

}  // namespace fathom::cli
