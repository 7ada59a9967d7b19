// What a fitted regression says: figures, verdict, and its page.
#include <algorithm>
#include <cmath>

#include "fathom/jobs/regression.h"
#include "fathom/report/coefficients.h"
#include "fathom/report/scatter.h"

namespace fathom {

namespace {

bool leaves_out_zero(const Estimate95& e) { return e.low > 0 || e.high < 0; }

nlohmann::json to_json(const Estimate95& e) {
  return {{"mean", e.mean}, {"sd", e.sd}, {"low", e.low}, {"high", e.high}};
}

std::string apart_sentence(const std::vector<Estimate95>& each,
                           const std::vector<std::string>& names) {
  std::vector<std::string> apart;
  for (std::size_t j = 0; j < each.size(); ++j)
    if (leaves_out_zero(each[j])) apart.push_back(names[j]);
  if (apart.empty())
    return "No coefficient's interval of 95 % leaves out zero: nothing shows that any column "
           "matters.";
  const std::size_t shown = std::min<std::size_t>(apart.size(), 8);
  return fmt::format("{} of {} coefficients have intervals of 95 % that leave out zero: {}{}.",
                     apart.size(), each.size(),
                     fmt::join(apart.begin(), apart.begin() + std::ptrdiff_t(shown), ", "),
                     shown < apart.size() ? ", ..." : "");
}

}  // namespace

RegressionSums RegressionTable::sums() const {
  const std::int64_t p = columns_;
  RegressionSums s;
  s.n = double(moments_.rows);
  s.xx = Array(DType::f64, Shape{p + 1, p + 1});
  s.xy = Array(DType::f64, Shape{p + 1});
  s.xx.data<double>()[0] = s.n;
  const double worth = s.n - 1;
  for (std::int64_t i = 0; i < p; ++i) {
    for (std::int64_t j = 0; j < p; ++j)
      s.xx.data<double>()[(i + 1) * (p + 1) + j + 1] =
          worth * moments_.at(i, j) / (moments_.sd(i) * moments_.sd(j));
    s.xy.data<double>()[i + 1] = worth * moments_.at(i, p) / moments_.sd(i);
  }
  s.yy = worth * moments_.at(p, p);
  return s;
}

std::optional<double> RegressionTable::evidence(const State& state, std::string* how) const {
  if (link_ != Link::linear || format_.missing || !format_.weights.empty()) return {};
  const Coefficients c = coefficients(state);
  const Array *a0 = state.find("relevance.natural.0"), *a1 = state.find("relevance.natural.1");
  const bool points = settings_.method == "em";
  const auto alpha = [&](std::int64_t j) {
    const std::int64_t at = a0->size() == 1 ? 0 : j;
    return (a0->data<double>()[at] + (points ? 0 : 1)) / -a1->data<double>()[at];
  };
  if (points) {
    std::vector<double> precisions{config_.intercept};
    for (std::int64_t j = 0; j < columns_; ++j) precisions.push_back(alpha(j));
    *how = "at these precisions";
    return linear_evidence(sums(), precisions, c.noise);
  }
  if (config_.relevance) return {};
  const GammaPrior prior{config_.shape, config_.rate};
  *how = "by integrating over both precisions";
  return ridge_evidence(sums(), config_.intercept, prior, prior, alpha(0), c.noise);
}

double RegressionTable::explained(const Coefficients& c) const {
  const RegressionSums s = sums();
  const std::int64_t p = columns_ + 1;
  double left = s.yy;
  for (std::int64_t i = 1; i < p; ++i) {
    const double w = c.mean.data<double>()[i];
    left -= 2 * w * s.xy.data<double>()[i];
    for (std::int64_t j = 1; j < p; ++j)
      left += w * c.mean.data<double>()[j] * s.xx.data<double>()[i * p + j];
  }
  return 1 - left / s.yy;
}

void RegressionTable::summarise(const State& state, const TableFormat&, nlohmann::json& s,
                                std::vector<std::string>& verdict) const {
  const Coefficients c = coefficients(state);
  const std::vector<Estimate95> each = c.in_units(), standard = c.standardized();
  s["target"] = target_;
  s["intercept"] = to_json(each[0]);
  for (std::size_t j = 0; j < names_.size(); ++j) {
    nlohmann::json one = to_json(each[j + 1]);
    one["column"] = names_[j];
    one["standardized"] = to_json(standard[j]);
    s["coefficients"].push_back(std::move(one));
  }
  if (link_ == Link::linear) {
    s["noise_sd"] = 1 / std::sqrt(c.noise);
    s["r2"] = explained(c);
    verdict.push_back(fmt::format(
        "The mean explains {:.1f} % of the variance of {}; its noise has a standard deviation of "
        "{:.4g}.",
        100 * explained(c), target_, 1 / std::sqrt(c.noise)));
  }
  verdict.push_back(apart_sentence(standard, names_));
  std::string how;
  if (const std::optional<double> e = evidence(state, &how)) {
    const double bound = s.value(s.contains("elbo") ? "elbo" : "objective", 0.0);
    s["log_evidence"] = *e;
    verdict.push_back(
        fmt::format("The evidence is known {}: {:.4f} nats; the {} lies {:.2g} below it.", how, *e,
                    s.contains("elbo") ? "ELBO" : "bound", std::max(0.0, *e - bound)));
  }
}

namespace {

// log p(y) at log odds or the logarithm of a rate, less that of the model which meets every y: half
// the deviance with the other sign (McCullagh & Nelder 1989, section 2.3).
double half_deviance(Link link, double f, double y) {
  if (link == Link::logistic)
    return -(f > 0 ? std::log1p(std::exp(-f)) + (1 - y) * f : std::log1p(std::exp(f)) - y * f);
  return y * f - std::exp(f) - (y > 0 ? y * std::log(y) - y : 0);
}

}  // namespace

void RegressionTable::judge(const State& state, const TableRows& rows, nlohmann::json& s,
                            std::vector<std::string>& verdict) const {
  if (link_ == Link::linear) return;
  constexpr std::int64_t kBlock = 4096;
  const Coefficients c = coefficients(state);
  const double mean = moments_.at(columns_);
  const double constant = link_ == Link::logistic ? std::log(mean / (1 - mean)) : std::log(mean);
  double explained = 0, whole = 0, right = 0, total = 0;
  for (std::int64_t first = 0; first < rows.count(); first += kBlock) {
    const Array block = rows.x.part(first, std::min(kBlock, rows.count() - first)).made();
    for (std::int64_t i = 0; i < block.shape().extent(0); ++i) {
      const double *row = block.data<double>() + i * (columns_ + 1), y = row[columns_];
      const double w = rows.weights.size() > 0 ? rows.weights.data<double>()[first + i] : 1;
      if (std::isnan(y) || w == 0) continue;
      double f = 0, variance = 0;
      c.linear(row, &f, &variance);
      explained += w * half_deviance(link_, f, y);
      whole += w * half_deviance(link_, constant, y);
      right += (f > 0) == (y > 0) ? w : 0;
      total += w;
    }
  }
  const double part = 1 - explained / whole;
  s["deviance_explained"] = part;
  std::string text =
      fmt::format("The mean explains {:.1f} % of the deviance of {}", 100 * part, target_);
  if (link_ == Link::logistic) {
    s["accuracy"] = right / total;
    text += fmt::format(
        " (McFadden's R2) and classifies {:.1f} % of the rows correctly; {:.1f} % are of the "
        "larger class",
        100 * right / total, 100 * std::max(mean, 1 - mean));
  }
  verdict.push_back(text + ".");
}

namespace {

void add_table(const nlohmann::json& s, Page& page) {
  PageTable table{{"column", "coefficient", "sd", "2.5 %", "97.5 %", "standardized"}, {}, 1};
  const auto add = [&](const std::string& name, const nlohmann::json& e, const std::string& last) {
    table.rows.push_back({name});
    for (const char* key : {"mean", "sd", "low", "high"})
      table.rows.back().push_back(fmt::format("{:.5g}", e.value(key, 0.0)));
    table.rows.back().push_back(last);
  };
  add("intercept", s.at("intercept"), "");
  for (const auto& c : s.at("coefficients"))
    add(c.value("column", ""), c, fmt::format("{:.4g}", c.at("standardized").value("mean", 0.0)));
  page.table(
      "Coefficients", table,
      "In the units of the columns; the last column is of standardized ones, and tells which "
      "matter more.");
}

// Shares of ones among rows by what was predicted of them, in ten parts of [0, 1].
std::vector<Point> calibration(const std::vector<std::pair<double, double>>& predicted) {
  double sum[10] = {}, ones[10] = {}, rows[10] = {};
  for (const auto& [p, y] : predicted) {
    const int bin = std::min(9, int(p * 10));
    sum[bin] += p;
    ones[bin] += y;
    ++rows[bin];
  }
  std::vector<Point> out;
  for (int b = 0; b < 10; ++b)
    if (rows[b] > 0) out.push_back({sum[b] / rows[b], ones[b] / rows[b], 0});
  return out;
}

}  // namespace

void RegressionTable::report(const State& state, const TableFormat&, const TableRows* rows,
                             const nlohmann::json& s, Page& page, Workers&) const {
  const Coefficients c = coefficients(state);
  if (s.contains("r2"))
    page.figure(fmt::format("{:.1f} %", 100 * s.value("r2", 0.0)), "of the variance explained");
  if (s.contains("deviance_explained"))
    page.figure(fmt::format("{:.1f} %", 100 * s.value("deviance_explained", 0.0)),
                "of the deviance explained");
  if (s.contains("accuracy"))
    page.figure(fmt::format("{:.1f} %", 100 * s.value("accuracy", 0.0)),
                "of the rows classified correctly");
  const std::vector<Estimate95> standard = c.standardized();
  std::vector<NamedInterval> intervals;
  for (std::size_t j = 0; j < standard.size() && j < 60; ++j)
    intervals.push_back({names_[j], standard[j].low, standard[j].mean, standard[j].high,
                         !leaves_out_zero(standard[j])});
  page.svg(
      "Coefficients of standardized columns", svg_intervals(intervals, "coefficient"),
      "coefficients.svg",
      "Means and intervals of 95 %; pale ones do not leave out zero. A coefficient is what one "
      "standard deviation of its column adds" +
          std::string(link_ == Link::linear     ? " to " + target_
                      : link_ == Link::logistic ? " to the log odds"
                                                : " to the logarithm of the rate") +
          ".");
  if (rows) {
    const TableRows some = even_rows(*rows, link_ == Link::logistic ? 100000 : kShownRows);
    std::vector<std::pair<double, double>> predicted;
    for (std::int64_t i = 0; i < some.count(); ++i) {
      const double* row = some.x.data<double>() + i * (columns_ + 1);
      if (!std::isnan(row[columns_])) predicted.emplace_back(c.predict(row).mean, row[columns_]);
    }
    Scatter scatter;
    scatter.groups = 1;
    scatter.diagonal = true;
    scatter.x_label = "predicted";
    if (link_ == Link::logistic) {
      scatter.points = calibration(predicted);
      scatter.y_label = "share of ones";
    } else {
      for (const auto& [p, y] : predicted) scatter.points.push_back({p, y, 0});
      scatter.y_label = target_;
    }
    page.svg(link_ == Link::logistic ? "Calibration" : "Predicted and seen",
             svg_scatter(scatter, {940, 420}), "predictions.svg",
             link_ == Link::logistic
                 ? "Rows by the probability that the model gives them, in ten parts: a calibrated "
                   "model has points on the line."
                 : "A row each; on the line the prediction is right. Of the rows of the fit, "
                   "which it has seen.");
  }
  add_table(s, page);
}

}  // namespace fathom
