// Pictures of rows: every point and ellipse is in its place, and no number is written that is none.
#include "fathom/report/scatter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "fathom/report/page.h"

namespace fathom {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Scatter, HasEveryPointAndEllipse) {
  Scatter s;
  s.groups = 2;
  s.points = {{0, 0, 0}, {1, 2, 1}, {3, 1, 1}, {NAN, 1, 0}};
  s.ellipses = {{0, 0, 1, 0, 1, 0, "1", false}, {2, 2, 1, 0.5, 1, 1, "<2>", false}};
  s.x_label = "a<b";
  const std::string svg = svg_scatter(s);
  EXPECT_EQ(count(svg, "h0"), 3u);
  EXPECT_EQ(count(svg, "<ellipse"), 2u);
  EXPECT_EQ(count(svg, "nan"), 0u);
  EXPECT_EQ(count(svg, "inf"), 0u);
  EXPECT_EQ(count(svg, "a<b"), 0u);
  EXPECT_NE(svg.find("&lt;2&gt;"), std::string::npos);
  EXPECT_EQ(count(svg, "<svg"), count(svg, "</svg>"));
}

// On axes of one scale an ellipse of a diagonal covariance lies along them, twice as long as sd 2
// to sd 1.
TEST(Scatter, EllipsesEndAtTwoDeviations) {
  Scatter s;
  s.groups = 1;
  s.points = {{-10, -10, 0}, {10, 10, 0}};
  s.ellipses = {{0, 0, 4, 0, 1, 0, "", false}};
  const std::string svg = svg_scatter(s, {470, 472});  // frames of 400 by 400
  const auto value = [&](const std::string& name) {
    const std::size_t at = svg.find(" " + name + "=\"", svg.find("<ellipse"));
    return std::stod(svg.substr(at + name.size() + 3));
  };
  // Sides are 20 values and their margins.
  EXPECT_NEAR(value("rx"), 400 / (20 * 1.06) * 4, 0.2);
  EXPECT_NEAR(value("ry"), 400 / (20 * 1.08) * 2, 0.2);
}

TEST(Scatter, OfNothingIsStillAPicture) {
  EXPECT_EQ(count(svg_scatter({}), "nan"), 0u);
  Scatter one;
  one.points = {{5, 5, 0}};
  EXPECT_EQ(count(svg_scatter(one), "h0"), 1u);
}

TEST(Histogram, HoldsAllValuesUnderItsDensities) {
  Histogram h;
  for (int i = 0; i < 100; ++i) h.values.push_back(i % 10);
  h.grid = histogram_grid(h.values, 50);
  EXPECT_LT(h.grid.front(), 0);
  EXPECT_GT(h.grid.back(), 9);
  h.densities = {{"all", "red", std::vector<double>(50, 0.1)}};
  const std::string svg = svg_histogram(h);
  EXPECT_EQ(count(svg, "<polyline"), 1u);
  EXPECT_EQ(count(svg, "nan"), 0u);
  EXPECT_EQ(svg_histogram({}), "");
}

TEST(Page, SectionsStandInTheirOrderAndEscape) {
  Page p("a<b", "Heading", "below");
  p.verdict({"1 < 2."});
  p.figure("7", "sweeps");
  p.table("Components", {{"name", "weight"}, {{"<x>", "0.5"}}, 1});
  p.svg("Picture", svg_scatter({}), "picture.svg");
  p.settings({{"seed", "1"}});
  const std::string html = p.html();
  EXPECT_EQ(html.find("a<b"), std::string::npos);
  EXPECT_EQ(html.find("<x>"), std::string::npos);
  EXPECT_NE(html.find("1 &lt; 2."), std::string::npos);
  EXPECT_LT(html.find("Components"), html.find("Picture"));
  EXPECT_LT(html.find("Picture"), html.find("Settings"));
  EXPECT_EQ(html.find("http"), std::string::npos);
  ASSERT_EQ(p.files().size(), 1u);
  EXPECT_NE(p.files()[0].second.find("xmlns="), std::string::npos);
}

TEST(Page, AWideTableIsCutIntoParts) {
  PageTable t{{"k", "a", "b", "c", "d", "e"}, {{"1", "v", "w", "x", "y", "z"}}, 1, 3};
  const auto parts = [&] {
    Page p("t", "h", "s");
    p.table("T", t);
    return p.html();
  };
  const std::string html = parts();
  EXPECT_EQ(count(html, "<table>"), 2u);
  EXPECT_EQ(count(html, "<th>k</th>"), 2u);
  EXPECT_EQ(count(html, "<td>1</td>"), 2u);
  for (const char* cell : {"v", "w", "x", "y", "z"})
    EXPECT_EQ(count(html, fmt::format("<td class=\"n\">{}</td>", cell)), 1u);
  t.most = 5;
  EXPECT_EQ(count(parts(), "<table>"), 1u);
}

TEST(Page, ATableTurnsAround) {
  const PageTable t = transposed({{"k", "a", "b"}, {{"1", "x", "y"}, {"2", "z", "w"}}, 1});
  EXPECT_EQ(t.head, (std::vector<std::string>{"k", "1", "2"}));
  ASSERT_EQ(t.rows.size(), 2u);
  EXPECT_EQ(t.rows[0], (std::vector<std::string>{"a", "x", "z"}));
  EXPECT_EQ(t.rows[1], (std::vector<std::string>{"b", "y", "w"}));
}

// Values at 3 and 9 of an axis from 1 to 9: a quarter along it, and its end.
TEST(Svg, CurvesLieWhereTheySay) {
  const std::string first = svg_curves({{"a", "red", {1, 2, 3, 4, 5, 6, 7, 8, 9}}}, "x"),
                    s = svg_curves({{"a", "red", {1, 2}, {3, 9}}}, "x");
  const auto places = [](const std::string& svg) {
    std::vector<double> x;
    const std::size_t from = svg.find("points=\"") + 8, to = svg.find('"', from);
    std::istringstream in(svg.substr(from, to - from));
    for (std::string pair; in >> pair;) x.push_back(std::stod(pair));
    return x;
  };
  const std::vector<double> all = places(first), two = places(s);
  ASSERT_EQ(all.size(), 9u);
  EXPECT_EQ(two, (std::vector<double>{all[2], all[8]}));
}

TEST(Svg, NamesOfManyCurvesStandBelowThem) {
  std::vector<Curve> curves;
  for (int i = 0; i < 8; ++i) curves.push_back({"a long name " + std::to_string(i), "red", {1, 2}});
  const std::string few = svg_curves({curves[0]}, "x", {440, 240}),
                    many = svg_curves(curves, "x", {440, 240});
  EXPECT_NE(few.find("viewBox=\"0 0 440 240\""), std::string::npos);
  EXPECT_EQ(many.find("viewBox=\"0 0 440 240\""), std::string::npos);
  EXPECT_EQ(count(many, "a long name"), 8u);
}

}  // namespace
}  // namespace fathom
