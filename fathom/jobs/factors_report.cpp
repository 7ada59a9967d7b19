// What a fitted model of linear latent variables says: figures, verdict, and its page.
#include <algorithm>
#include <cmath>

#include "fathom/jobs/factors.h"
#include "fathom/report/coefficients.h"
#include "fathom/report/scatter.h"

namespace fathom {

namespace {

constexpr double kNoNoise = 1e-4;   // of a column's variance: less is none
constexpr double kMostOfOne = 0.9;  // of the variance of all columns: told if one has more

std::string use_sentence(std::int64_t used, std::int64_t latent) {
  if (used == latent)
    return latent == 1 ? "The latent element is in use."
                       : fmt::format(
                             "All {} latent elements are in use: more --latent may find "
                             "others that rows ask for.",
                             latent);
  return fmt::format("{} of {} latent elements {} in use; relevance switched the other{} off.",
                     used, latent, used == 1 ? "is" : "are", latent - used == 1 ? "" : "s");
}

std::string share_sentence(const std::vector<double>& shares, bool standardized) {
  std::vector<std::string> parts;
  double all = 0;
  for (const double s : shares) {
    all += s;
    if (parts.size() < 6) parts.push_back(fmt::format("{:.1f}", 100 * s));
  }
  const std::string of =
      standardized ? "the variance of the columns, each taken alike" : "the columns' variance";
  if (shares.size() == 1) return fmt::format("It explains {:.1f} % of {}.", 100 * all, of);
  return fmt::format("Together they explain {:.1f} % of {}: {}{} %.", 100 * all, of,
                     fmt::join(parts, ", "), parts.size() < shares.size() ? ", ..." : "");
}

// Where the noise is the same in all columns, one whose numbers are large is all that is seen.
std::string scale_sentence(const TableMoments& m, const TableFormat& format) {
  double all = 0;
  std::int64_t widest = 0;
  for (std::int64_t j = 0; j < m.width(); ++j) {
    all += m.at(j, j);
    if (m.at(j, j) > m.at(widest, widest)) widest = j;
  }
  const double share = m.at(widest, widest) / all;
  if (m.width() < 2 || format.standardized || !(share > kMostOfOne)) return {};
  return fmt::format(
      "{:.1f} % of that variance is the column \"{}\" alone: --standardize gives each the same "
      "say.",
      100 * share, format.columns[std::size_t(widest)]);
}

}  // namespace

void FactorTable::summarise(const State& state, const TableFormat& format, nlohmann::json& s,
                            std::vector<std::string>& verdict) const {
  const LinearFactors f = factors(state);
  std::vector<double> shares;
  for (std::int64_t k = 0; k < f.latent; ++k) {
    shares.push_back(f.explained(k, units()) / f.variance(units()));
    nlohmann::json one = {{"share", shares.back()}, {"told", f.told(k)}};
    if (!f.relevance.empty()) one["relevance"] = f.relevance.data<double>()[k];
    for (std::int64_t j = 0; j < f.width; ++j)
      one["loadings"].push_back(f.loadings.data<double>()[j * f.latent + k] *
                                format.scale[std::size_t(j)]);
    s["latent"].push_back(std::move(one));
  }
  std::vector<std::string> bare;
  for (std::int64_t j = 0; j < f.width; ++j) {
    const double scale = format.scale[std::size_t(j)];
    s["noise_sd"].push_back(std::sqrt(f.noise_variance(j)) * scale);
    if (f.noise_variance(j) < kNoNoise * moments_.at(j, j))
      bare.push_back(format.columns[std::size_t(j)]);
  }
  s["active"] = f.active();
  if (relevance()) verdict.push_back(use_sentence(f.active(), f.latent));
  verdict.push_back(share_sentence(shares, noise_per_column()));
  if (const std::string of_one = scale_sentence(moments_, format);
      !noise_per_column() && !of_one.empty())
    verdict.push_back(of_one);
  if (noise_per_column() && !bare.empty())
    verdict.push_back(fmt::format(
        "Column{} {} {} left without noise of {} own (a Heywood case): a latent element follows "
        "it alone; fewer --latent, or --method vb.",
        bare.size() == 1 ? "" : "s", fmt::join(bare, ", "), bare.size() == 1 ? "is" : "are",
        bare.size() == 1 ? "its" : "their"));
  if (settings_.method == "em" && !noise_per_column() && !format.missing &&
      format.weights.empty()) {
    const double highest = highest_likelihood(spectrum_, settings_.latent, moments_.rows);
    s["highest_likelihood"] = highest;
    const double below = highest - s.value("objective", 0.0);
    verdict.push_back(fmt::format(
        "The maximum is known in closed form (Tipping & Bishop 1999): {:.4f} nats; the fit lies "
        "{:.2g} below it.",
        highest, std::max(0.0, below)));
  }
}

namespace {

void add_spectrum(const Spectrum& spectrum, const LinearFactors& f, Page& page) {
  std::vector<Bar> bars;
  const std::size_t shown = std::min<std::size_t>(spectrum.values.size(), 30);
  for (std::size_t k = 0; k < shown; ++k)
    bars.push_back(
        {std::to_string(k + 1), std::max(spectrum.values[k], 0.0), std::int64_t(k) >= f.latent});
  page.svg("Spectrum of the columns", svg_bars(bars, "direction", kHalf), "spectrum.svg",
           "Variances of the rows along their principal directions; pale ones are left to the "
           "noise.");
}

void add_use(const LinearFactors& f, Page& page) {
  std::vector<Bar> bars;
  for (std::int64_t k = 0; k < f.latent; ++k)
    bars.push_back({fmt::format("z{}", k + 1), f.told(k), f.told(k) < LinearFactors::kTold});
  page.svg("What a row tells of each score", svg_bars(bars, "latent element", kHalf),
           "relevance.svg",
           "The part of a score's prior variance that seeing a row takes away; pale ones are "
           "switched off.");
}

void add_loadings(const LinearFactors& f, const TableFormat& format, const TableMoments& m,
                  Page& page) {
  HeatMap map;
  const std::int64_t rows = std::min<std::int64_t>(f.width, 100),
                     columns = std::min<std::int64_t>(f.latent, 24);
  for (std::int64_t k = 0; k < columns; ++k) map.columns.push_back(fmt::format("z{}", k + 1));
  map.columns.emplace_back("noise");
  for (std::int64_t j = 0; j < rows; ++j) {
    map.rows.push_back(format.columns[std::size_t(j)]);
    for (std::int64_t k = 0; k < columns; ++k)
      map.values.push_back(f.loadings.data<double>()[j * f.latent + k] / m.sd(j));
    map.values.push_back(std::sqrt(f.noise_variance(j)) / m.sd(j));
  }
  std::string note =
      "By how many of its standard deviations each column moves with each score, which is about "
      "their correlation, and its noise in the same unit. Axes are the principal ones, the largest "
      "loading of each positive; summary.json has them in the columns' own units.";
  if (rows < f.width || columns < f.latent) note += " Not all are shown.";
  page.svg("Loadings", svg_heat(map), "loadings.svg", note);
}

void add_scores(const LinearFactors& f, const TableRows& rows, const std::string& label, Page& page,
                Workers& workers) {
  const TableRows some = even_rows(rows, kShownRows);
  const FactorScores z = f.scores(some.x, workers);
  Scatter s;
  s.x_label = "z1";
  s.y_label = "z2";
  std::vector<int> of;
  const bool labelled = group_labels(some.labels.all(), s.legend, of);
  s.groups = labelled ? s.legend.size() : 1;
  if (!labelled) s.legend.clear();
  for (std::int64_t i = 0; i < some.count(); ++i) {
    const double* at = z.mean.data<double>() + i * f.latent;
    s.points.push_back({at[0], at[1], labelled ? of[std::size_t(i)] : 0});
  }
  page.svg("Rows by their first two scores", svg_scatter(s, {940, 480}), "scores.svg",
           "Posterior means of the scores." +
               (labelled ? " Colours are \"" + label + "\", which the model has not seen."
                         : std::string()));
}

}  // namespace

void FactorTable::report(const State& state, const TableFormat& format, const TableRows* rows,
                         const nlohmann::json& s, Page& page, Workers& workers) const {
  const LinearFactors f = factors(state);
  if (relevance())
    page.figure(fmt::format("{} of {}", s.value("active", 0), f.latent), "latent elements in use");
  page.begin_row();
  add_spectrum(spectrum_, f, page);
  add_use(f, page);
  page.end_row();
  add_loadings(f, format, moments_, page);
  if (rows && f.latent > 1) add_scores(f, *rows, format.label, page, workers);
}

}  // namespace fathom
