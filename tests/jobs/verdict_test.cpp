// The verdict on made-up figures: each situation is named, and no other.
#include "fathom/report/verdict.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

std::string said(const VaeFigures& f) {
  std::string out;
  for (const std::string& s : vae_verdict(f)) out += s + "\n";
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

VaeFigures settled() {
  VaeFigures f;
  f.unit = "image";
  f.n = 1000;
  f.dims = 64;
  f.elbo = -100;
  f.validation = -101;
  f.epochs = f.asked = 20;
  f.best_epoch = 19;
  for (int i = 0; i < 20; ++i) {
    f.train_curve.push_back(i < 8 ? -120 + 2.5 * i : -100);
    f.validation_curve.push_back(i < 8 ? -121 + 2.5 * i : -101);
  }
  f.activity = {0.9, 0.8, 0.5};
  return f;
}

TEST(Verdict, ASettledFit) {
  VaeFigures f = settled();
  f.gap = GapFigures{100, 100, -101.5, -98.5, 0.1};
  const std::string s = said(f);
  EXPECT_TRUE(has(s, "-101.00 nats per image on validation")) << s;
  EXPECT_TRUE(has(s, "about 3.00 nats (se 0.10) below log p(x)")) << s;
  EXPECT_TRUE(has(s, "All 3 latent units are active")) << s;
  EXPECT_TRUE(has(s, "no longer climbs")) << s;
  EXPECT_FALSE(has(s, "densities")) << s;
}

TEST(Verdict, SaysWhichTrainingRowsItsFigureIsOf) {
  VaeFigures f = settled();
  f.train_rows = f.n;
  EXPECT_TRUE(has(said(f), "-100.00 on the 1000 training images."));
  f.train_rows = 54000;
  EXPECT_TRUE(has(said(f), "-100.00 on 1000 of the 54000 training images."));
}

// Each evaluation draws anew: two figures of one state differ, and the verdict says why.
TEST(Verdict, TellsItsDrawsFromThoseOfTheEpochsLine) {
  VaeFigures f = settled();
  EXPECT_FALSE(has(said(f), "draws of their own"));
  f.validation = -100.64;
  const std::string s = said(f);
  EXPECT_TRUE(has(s, "of epoch 19")) << s;
  EXPECT_TRUE(has(s, "draws of their own")) << s;
  EXPECT_TRUE(has(s, "validation was -101.00")) << s;
  f.validation_curve.clear();  // none were kept
  f.validation.reset();
  EXPECT_FALSE(has(said(f), "draws of their own"));
}

TEST(Verdict, StillClimbing) {
  VaeFigures f = settled();
  f.best_epoch = 20;
  for (int i = 0; i < 20; ++i) f.validation_curve[std::size_t(i)] = -140 + 2 * i;
  EXPECT_TRUE(has(said(f), "still climbs, by 2 nats per epoch"));
  EXPECT_TRUE(has(said(f), "--epochs 40"));
}

TEST(Verdict, OverfittingAndEarlyStops) {
  VaeFigures f = settled();
  f.best_epoch = 9;
  EXPECT_TRUE(has(said(f), "best at epoch 9 of 20"));
  f.stopped = "patience";
  EXPECT_TRUE(has(said(f), "stopped early"));
  f.stopped = "interrupted";
  EXPECT_TRUE(has(said(f), "--resume"));
  f = settled();
  f.elbo = -80;
  EXPECT_TRUE(has(said(f), "by heart"));
}

TEST(Verdict, CollapseIsExplained) {
  VaeFigures f = settled();
  f.activity = {0.9, 0.001, 0.002, 0.7};
  EXPECT_TRUE(has(said(f), "2 of 4 latent units are active; 2 collapsed"));
  EXPECT_TRUE(has(said(f), "--latent 2"));
  f.activity = {0.001};
  EXPECT_TRUE(has(said(f), "No information reaches the decoder"));
  // sigma^2 >= lambda_1: a linear decoder then does best without its latents.
  f.likelihood = "gaussian";
  f.sigma2 = 1.0;
  f.lambda1 = 0.6;
  EXPECT_TRUE(has(said(f), "collapse is then optimal"));
  EXPECT_TRUE(has(said(f), "lower --sigma2"));
  EXPECT_TRUE(has(said(f), "densities, which may exceed one"));
}

TEST(Verdict, SlopeOfALineIsItsSlope) {
  std::vector<double> line;
  for (int i = 0; i < 30; ++i) line.push_back(3 + 0.25 * i);
  EXPECT_NEAR(late_slope(line), 0.25, 1e-12);
  EXPECT_EQ(late_slope({1, 2}), 0);
}

}  // namespace
}  // namespace fathom
