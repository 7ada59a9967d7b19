// What a fitted linear state space says: figures, verdict, and its page.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "fathom/jobs/lds.h"
#include "fathom/jobs/sequences.h"
#include "fathom/report/series.h"

namespace fathom {

namespace {

constexpr std::int64_t kBandSteps = 1000;  // rows that are drawn
constexpr double kStill = 1e-3;            // of the noise: a step of less is none

// The last rows of the table that are drawn, with all that the model knows of them.
std::int64_t first_shown(const TableRows& rows) {
  return std::max<std::int64_t>(0, rows.count() - kBandSteps);
}

double cell(const Array& a, std::int64_t row, std::int64_t column) {
  return a.data<double>()[row * a.shape().extent(1) + column];
}

}  // namespace

void Lds::summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                    std::vector<std::string>& verdict) const {
  const LinearStates s = states(state);
  for (std::int64_t j = 0; j < width_; ++j) {
    const double scale = format.scale[std::size_t(j)];
    summary["noise_sd"][format.columns[std::size_t(j)]] = std::sqrt(s.noise_variance(j)) * scale;
  }
  if (structural()) {
    const std::vector<std::string> names = state_names();
    const double noise = std::sqrt(s.noise_variance(0)) * format.scale[0];
    std::vector<std::string> moving, still;
    for (std::size_t k = 0; k < names.size(); ++k) {
      const double sd = std::sqrt(s.drive_variance(std::int64_t(k))) * format.scale[0];
      summary["step_sd"][names[k]] = sd;
      if (sd > kStill * noise) {
        moving.push_back(fmt::format("the {} moves by {:.4g}", names[k], sd));
      } else {
        still.push_back(names[k]);
      }
    }
    const std::string about = fmt::format("rows lie {:.4g} about {}", noise,
                                          names.size() == 1 ? "it" : "what these add up to");
    if (!moving.empty())
      verdict.push_back(fmt::format("Standard deviations, from row to row: {}; {}.",
                                    fmt::join(moving, ", "), about));
    for (const std::string& name : still)
      verdict.push_back(fmt::format("The {} is as good as constant.", name));
    return;
  }
  double outermost = 0;
  for (const auto& [size, angle] : s.modes()) {
    nlohmann::json one = {{"size", size}};
    if (angle > 0 && angle < std::numbers::pi) one["period"] = 2 * std::numbers::pi / angle;
    summary["modes"].push_back(one);
    outermost = std::max(outermost, size);
  }
  std::vector<std::string> turning;
  for (const nlohmann::json& m : summary["modes"])
    if (m.contains("period")) turning.push_back(fmt::format("{:.3g}", m["period"].get<double>()));
  if (outermost > 1 + 1e-9) {
    verdict.push_back(fmt::format(
        "The motion grows by {:.4g} a row: forecasts run away, and far ahead mean nothing.",
        outermost));
  } else {
    verdict.push_back(
        fmt::format("What lasts longest of a state keeps {:.1f} % from row to row: half of it is "
                    "gone after {:.3g} rows.",
                    100 * outermost, std::log(0.5) / std::log(std::min(outermost, 1 - 1e-12))));
  }
  if (!turning.empty())
    verdict.push_back(fmt::format("It turns with periods of {} rows.", fmt::join(turning, ", ")));
}

void Lds::report(const State& state, const TableFormat& format, const TableRows* rows,
                 const nlohmann::json& summary, Page& page, Workers& workers) const {
  const LinearStates s = states(state);
  const std::vector<std::string> names = state_names();
  if (rows) {
    const TableRows all = held_rows(*rows);
    const std::int64_t n = all.count(), from = first_shown(all), shown = n - from;
    const std::int64_t ahead =
        std::clamp<std::int64_t>(settings_.period > 0 ? settings_.period : shown / 10, 1, 60);
    const RowPredictions p = predict(state, all, workers);
    const Array values = in_file_units(all.x, format);
    const std::vector<SeriesForecast> next =
        forecast(state, all, ahead, fold(Key{1, 0}, 23), workers);
    BandSeries series;
    series.rows = std::size_t(shown + ahead);
    series.ahead = std::size_t(ahead);
    series.before = std::size_t(from);
    for (const RowRange& sequence : sequences_of(all))
      if (sequence.first > from) series.begins.push_back(std::size_t(sequence.first - from));
    const auto states_of = std::int64_t(names.size());
    const auto add = [&](BandPanel& panel, double mid, double sd, double seen) {
      const PosteriorRow band = normal_row({}, {}, mid, sd);
      panel.mid.push_back(mid);
      panel.low.push_back(band.low);
      panel.high.push_back(band.high);
      panel.seen.push_back(seen);
    };
    for (std::int64_t j = 0; j < std::min<std::int64_t>(width_, 4); ++j) {
      const double scale = format.scale[std::size_t(j)], shift = format.shift[std::size_t(j)];
      BandPanel panel{format.columns[std::size_t(j)], {}, {}, {}, {}};
      for (std::int64_t i = from; i < n; ++i)
        add(panel, cell(p.values, i, 2 * (states_of + j)),
            cell(p.values, i, 2 * (states_of + j) + 1), cell(values, i, j));
      for (std::int64_t h = 0; h < ahead; ++h)
        add(panel, cell(next.back().mean, h, j) * scale + shift, cell(next.back().sd, h, j) * scale,
            NAN);
      series.panels.push_back(std::move(panel));
    }
    page.svg("Smoothed, and what is to come", svg_bands(series), "series.svg",
             fmt::format(
                 "Rows{}; the line is what the states add up to given all of the rows, with the "
                 "band in which it lies with probability 0.95. Behind the dashed line the next {} "
                 "rows, with the band in which they will lie, noise included{}.",
                 from > 0 ? fmt::format(", the last {} of {}", shown, n) : "", ahead,
                 width_ > 4 ? fmt::format("; the first 4 of {} columns", width_) : ""));
    if (states_of > 1) {
      BandSeries parts;
      parts.rows = std::size_t(shown);
      parts.begins = series.begins;
      parts.before = series.before;
      for (std::int64_t k = 0; k < std::min<std::int64_t>(states_of, 6); ++k) {
        BandPanel panel{names[std::size_t(k)], {}, {}, {}, {}};
        for (std::int64_t i = from; i < n; ++i)
          add(panel, cell(p.values, i, 2 * k), cell(p.values, i, 2 * k + 1), NAN);
        parts.panels.push_back(std::move(panel));
      }
      page.svg(structural() ? "Its parts" : "States", svg_bands(parts), "parts.svg",
               structural() ? "Each part given all of the rows, with its band of 95 %."
                            : "Each element of the state given all of the rows, with its band of "
                              "95 %; any turn of them says the same of the rows.");
    }
  }
  PageTable table{{"what", "standard deviation"}, {}, 1};
  if (structural())
    for (const std::string& name : names)
      table.rows.push_back(
          {"step of the " + name, fmt::format("{:.5g}", summary["step_sd"][name].get<double>())});
  for (const std::string& name : format.columns)
    table.rows.push_back(
        {"noise of " + name, fmt::format("{:.5g}", summary["noise_sd"][name].get<double>())});
  page.table("How much moves, and how much is noise", table,
             "From one row to the next, in the units of the file.");
  if (structural()) return;
  PageTable modes{{"mode", "keeps", "period"}, {}, 1};
  for (std::size_t k = 0; k < summary["modes"].size(); ++k) {
    const nlohmann::json& m = summary["modes"][k];
    modes.rows.push_back(
        {fmt::format("{}", k + 1), fmt::format("{:.4f}", m["size"].get<double>()),
         m.contains("period") ? fmt::format("{:.4g}", m["period"].get<double>()) : "-"});
  }
  page.table("The motion", modes,
             "Eigenvalues of the expected motion: what is left of each mode from one row to the "
             "next, and the rows of a turn.");
}

}  // namespace fathom
