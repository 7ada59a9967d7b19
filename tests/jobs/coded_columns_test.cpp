// Regressions on columns of text: each level but the first is a column of 0 and 1, in the fit and
// in all files that its run is used on.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::table_fit;
using testing::TempFolder;

struct Penguin {
  double mass;
  const char *species, *sex;
  int island;
};
constexpr Penguin kPenguins[] = {
    {3.7, "Adelie", "m", 1}, {3.4, "Adelie", "f", 2}, {5.1, "Gentoo", "f", 2},
    {5.7, "Gentoo", "m", 2}, {3.8, "Chin", "m", 3},   {3.5, "Chin", "f", 3},
    {4.0, "Adelie", "m", 3}, {4.9, "Gentoo", "f", 1}, {3.9, "Chin", "m", 2},
    {3.3, "Adelie", "f", 1}, {5.5, "Gentoo", "m", 3}, {3.6, "Chin", "f", 1}};

class CodedColumns : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  template <class F>
  nlohmann::json fit(const std::string& data, const std::string& run, F&& change) const {
    FitTableConfig c = table_fit<RegressionTable>(data, path(run), [&](auto& r, auto& f) {
      r.target = "flipper";
      change(r, f);
    });
    c.force = true;
    return fit_table(c, {}).summary;
  }
  // Flippers follow mass, species and sex.
  static double flipper(const Penguin& p) {
    return 170 + 6 * p.mass + (*p.species == 'G' ? 15 : 0) + (*p.sex == 'm' ? 3 : 0) +
           0.3 * p.island * p.mass;
  }
  std::string text() const {
    std::string out = "species,mass,sex,island,flipper\n";
    for (const Penguin& p : kPenguins)
      out += fmt::format("{},{},{},{},{}\n", p.species, p.mass, p.sex, p.island, flipper(p));
    return write("text.csv", out);
  }
  // The same by hand: Adelie, f and 1 are what the others are compared with.
  std::string numbers() const {
    std::string out = "Chin,Gentoo,mass,m,two,three,flipper\n";
    for (const Penguin& p : kPenguins)
      out += fmt::format("{},{},{},{},{},{},{}\n", int(*p.species == 'C'), int(*p.species == 'G'),
                         p.mass, int(*p.sex == 'm'), int(p.island == 2), int(p.island == 3),
                         flipper(p));
    return write("numbers.csv", out);
  }
  std::string refusal(const std::string& data) const {
    try {
      predict_table({path("run"), data, {}, 1});
    } catch (const Error& e) {
      return e.what();
    }
    return {};
  }
  TempFolder folder_;
};

TEST_F(CodedColumns, AreThoseWrittenByHand) {
  const auto category = [](auto& r, auto&) { r.kind = "category=island"; };
  const nlohmann::json s = fit(text(), "run", category),
                       hand = fit(numbers(), "hand", [](auto&, auto&) {});
  EXPECT_EQ(s["elbo"], hand["elbo"]);  // bit for bit
  const char* names[] = {"species=Chin", "species=Gentoo", "mass", "sex=m", "island=2", "island=3"};
  for (std::size_t j = 0; j < 6; ++j) {
    EXPECT_EQ(s["coefficients"][j]["column"], names[j]);
    EXPECT_EQ(s["coefficients"][j]["mean"], hand["coefficients"][j]["mean"]);
  }
  const TablePrediction a = predict_table({path("run"), text(), {}, 1}),
                        b = predict_table({path("hand"), numbers(), {}, 1});
  for (std::int64_t i = 0; i < a.table.values.size(); ++i)
    EXPECT_EQ(a.table.values.data<double>()[i], b.table.values.data<double>()[i]);
}

// A file with other columns in another order, without what they explain and with fewer levels.
TEST_F(CodedColumns, OfOtherFilesAreCodedAlike) {
  fit(text(), "run", [](auto& r, auto&) { r.kind = "category=island"; });
  const TablePrediction all = predict_table({path("run"), text(), {}, 1});
  const std::string other =
      write("other.csv", "sex,island,note,mass,species\nf,2,x,5.1,Gentoo\nm,2,y,5.7,Gentoo\n");
  const TablePrediction some = predict_table({path("run"), other, {}, 1});
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 4; ++j)
      EXPECT_EQ(some.table.values.data<double>()[i * std::int64_t(some.table.names.size()) + j],
                all.table.values.data<double>()[(i + 2) * 5 + j]);
  EXPECT_EQ(refusal(write("king.csv", "species,mass,sex,island\nChin,4,m,1\nKing,9,f,2\n")),
            path("king.csv") +
                ": row 2, column \"species\" is \"King\", which the fit has not seen; it knows "
                "Adelie, Chin, Gentoo");
  EXPECT_NE(refusal(write("gap.csv", "species,mass,sex,island\nChin,4,m,1\nChin,9,,2\n"))
                .find("row 2, column \"sex\": a category that is missing has no code"),
            std::string::npos);
}

// A run on numbers alone takes no text for them.
TEST_F(CodedColumns, ARunOnNumbersRefusesText) {
  fit(numbers(), "run", [](auto&, auto&) {});
  EXPECT_NE(refusal(write("words.csv", "Chin,Gentoo,mass,m,two,three\n0,1,heavy,1,0,0\n")), "");
}

TEST_F(CodedColumns, ThatMeanNothingAreRefused) {
  const auto says = [&](const std::string& what, const std::string& data, auto&& change) {
    try {
      fit(data, "run", change);
      ADD_FAILURE() << "not refused: " << what;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
    EXPECT_FALSE(std::filesystem::exists(path("run")));
  };
  const auto nothing = [](auto&, auto&) {};
  says("column \"s\" is constant, all its cells are \"a\"",
       write("one.csv", "x,s,flipper\n1,a,2\n2,a,3\n3,a,5\n"), nothing);
  says("the target \"flipper\" holds categories, such as \"long\"",
       write("target.csv", "x,flipper\n1,long\n2,short\n3,long\n"), nothing);
  says("columns of a regression are real or category", text(),
       [](auto& r, auto&) { r.kind = "count=island"; });
}

}  // namespace
}  // namespace fathom
