// Progress for people: one line that is written over on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "fathom/climb/fit.h"
#include "fathom/jobs/fit_table.h"

namespace fathom::cli {

class Live {
 public:
  // With `json`, progress goes to stderr, so that stdout holds the object alone.
  explicit Live(bool json);
  ~Live();

  bool on_terminal() const { return live_; }
  void note(const std::string& text);            // a line that stays
  void first_step(double seconds);               // said where there is no live line
  void expect(int epochs) { epochs_ = epochs; }  // where it is known before the first has ended
  void step(const StepRecord& step);
  void epoch(const EpochRecord& epoch, int epochs);
  void sweep(const TableSweep& sweep);
  void doing(const std::string& what);  // a line that is written over; nothing elsewhere
  void rows(const std::string& what, std::int64_t done, std::int64_t rows);
  void clear();

 private:
  double seconds() const;
  void over(const std::string& text);

  std::FILE* out_;
  bool live_, shown_ = false;
  int epochs_ = 0;
  std::string last_;  // figures of the last epoch
  double next_ = 0, start_ = -1, from_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// "0:07", "12:30", "2:03:00".
std::string clock_text(double seconds);

}  // namespace fathom::cli
