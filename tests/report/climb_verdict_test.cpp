// The verdict of a coordinate climb on made-up figures: each situation is named, and no other.
#include "fathom/report/climb_verdict.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

std::string said(const ClimbFigures& f) {
  std::string out;
  for (const std::string& s : climb_verdict(f)) out += s + "\n";
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

ClimbFigures settled() {
  ClimbFigures f;
  f.rows = f.start_rows = 200;
  f.bound = -500;
  f.sweeps = 12;
  f.tolerance = 1e-8;
  f.converged = true;
  f.restarts = {-2.5, -2.5004, -2.5};
  return f;
}

TEST(ClimbVerdict, ASettledClimb) {
  const std::string s = said(settled());
  EXPECT_TRUE(has(s, "The ELBO is -2.5000 nats per row, -500.00 over 200 rows.")) << s;
  EXPECT_TRUE(has(s, "the last of 12 sweeps")) << s;
  EXPECT_TRUE(has(s, "All 3 restarts ended within 0.001")) << s;
  EXPECT_FALSE(has(s, "disagree")) << s;
  EXPECT_FALSE(has(s, "evidence")) << s;
}

TEST(ClimbVerdict, RestartsThatDisagree) {
  ClimbFigures f = settled();
  f.restarts = {-2.5, -2.8, -2.5, -2.6};
  EXPECT_EQ(agreeing(f.restarts), 2);
  EXPECT_TRUE(has(said(f), "2 of 4 ended within 0.001 nats per row of the best, the lowest 0.3"));
  EXPECT_FALSE(has(said(f), "nothing says"));
  f.restarts = {-2.5, -2.8};
  EXPECT_TRUE(has(said(f), "1 of 2"));
  EXPECT_TRUE(has(said(f), "more --restarts"));
  f.restarts = {-2.5};
  EXPECT_TRUE(has(said(f), "one start only"));
  f.starts_differ = false;
  EXPECT_FALSE(has(said(f), "one start only"));
  f.set_aside = {"it sat on one row"};
  EXPECT_TRUE(has(said(f), "1 restart was set aside: it sat on one row."));
}

TEST(ClimbVerdict, HowItEnded) {
  ClimbFigures f = settled();
  f.converged = false;
  f.last_rise = 0.0123;
  EXPECT_TRUE(has(said(f), "has not converged"));
  EXPECT_TRUE(has(said(f), "--sweeps 24"));
  f.interrupted = true;
  EXPECT_TRUE(has(said(f), "interrupted after 12 sweeps"));
  f = settled();
  f.start_rows = 50;
  EXPECT_TRUE(has(said(f), "on 50 of the rows"));
}

TEST(ClimbVerdict, UnitsAndKinds) {
  ClimbFigures f = settled();
  f.standardized = true;
  f.log_scale = 2;
  EXPECT_TRUE(
      has(said(f), "of standardized values; of the table's own units it is -4.5000 per row"));
  f.objective = "log-likelihood";
  EXPECT_TRUE(has(said(f), "no bound on the evidence"));
}

}  // namespace
}  // namespace fathom
