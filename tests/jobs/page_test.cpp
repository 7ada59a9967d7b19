// The page's parts: encodings with known values, and a page that needs nothing from outside.
#include <gtest/gtest.h>

#include "fathom/report/pictures.h"
#include "fathom/report/vae_page.h"

namespace fathom {
namespace {

TEST(Page, Base64OfRfc4648) {  // section 10, test vectors
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Page, IsSelfContainedAndEscapes) {
  VaePage p;
  p.source = "<a&b>.csv";
  p.summary = {{"unit", "row"},
               {"n", 10},
               {"elbo_per_row", -1.5},
               {"terms", {{"x", -15.0}}},
               {"estimators", {{"x", "sampled"}}}};
  p.metrics = {{{"epoch", 1}, {"elbo", -2.0}}};
  p.asked = {{"data", "<x>"}};
  p.pictures = {{"Samples", "", "png"}};
  const std::string html = vae_page(p);
  EXPECT_EQ(html.find("<a&b>"), std::string::npos);
  EXPECT_NE(html.find("&lt;a&amp;b&gt;.csv"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("data:image/png;base64," + base64("png")), std::string::npos);
}

TEST(Page, CurvesOfAnyLength) {
  for (std::size_t n : {0u, 1u, 2u, 50u}) {
    const std::string s = svg_curves({{"a", "red", std::vector<double>(n, -3.0)}}, "epoch");
    EXPECT_EQ(s.empty(), n == 0);
    EXPECT_EQ(s.find("nan"), std::string::npos);
    EXPECT_EQ(s.find("inf"), std::string::npos);
  }
}

TEST(Pictures, SheetPutsEveryPixelInItsPlace) {
  const Array rows = Array::of<double>(Shape{2, 4}, std::vector<double>{0, 1, 0, 1, 1, 1, 0, 2});
  const Array s = sheet(rows, {2, 2}, {.columns = 2, .gap = 1, .zoom = 1});
  ASSERT_EQ(s.shape(), (Shape{4, 7}));
  const std::vector<int> expected = {96, 96, 96,  96, 96,  96,  96,  //
                                     96, 0,  255, 96, 255, 255, 96,  //
                                     96, 0,  255, 96, 0,   255, 96,  //
                                     96, 96, 96,  96, 96,  96,  96};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(s.data<std::uint8_t>()[i], expected[i]) << i;
  EXPECT_THROW(sheet(rows, {3, 3}, {}), ShapeError);
}

TEST(Pictures, ManifoldIsSymmetric) {
  const Array z = manifold_codes(3);
  ASSERT_EQ(z.shape(), (Shape{9, 2}));
  EXPECT_EQ(z.data<double>()[8], 0);                            // the middle
  EXPECT_NEAR(z.data<double>()[0], -0.967421566101701, 1e-12);  // Phi^-1(1/6)
  EXPECT_NEAR(z.data<double>()[1], 0.967421566101701, 1e-12);   // the top line first
}

}  // namespace
}  // namespace fathom
