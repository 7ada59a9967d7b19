#include "fathom/report/vae_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/report/verdict.h"

namespace fathom {

namespace {

void add_verdict(const VaePage& p, Page& page) {
  const auto& s = p.summary;
  page.verdict(s.value("verdict", std::vector<std::string>()));
  const bool validated = s.contains("validation");
  const auto& e = validated ? s["validation"] : s;
  const std::string unit = s.value("unit", "row");
  if (e.contains("elbo_per_row"))
    page.figure(fmt::format("{:.2f} &plusmn; {:.2f}", e.value("elbo_per_row", 0.0),
                            e.value("elbo_se", 0.0) / std::max(1.0, e.value("n", 1.0))),
                fmt::format("ELBO, nats per {}{}", unit, validated ? ", validation" : ""));
  if (s.contains("gap"))
    page.figure(fmt::format("{:.2f}", s["gap"].value("log_px_per_row", 0.0)),
                fmt::format("log p(x) on {} {}s", s["gap"].value("rows", 0), unit));
  if (s.contains("bits_per_dim"))
    page.figure(fmt::format("{:.4f}", s.value("bits_per_dim", 0.0)), "bits per dimension");
  if (s.contains("units")) {
    const auto a = s["units"].value("activity", std::vector<double>());
    page.figure(fmt::format("{} of {}",
                            std::count_if(a.begin(), a.end(), [](double v) { return v > kActive; }),
                            a.size()),
                "active units");
  }
  page.figure(fmt::format("{}", s.value("epochs", 0)), "epochs");
  page.figure(fmt::format("{:.0f}", s.value("rows_per_second", 0.0)),
              fmt::format("{}s per second", unit));
}

void add_curves(const VaePage& p, Page& page) {
  std::vector<Curve> bound{{"training", "var(--a)", series(p.metrics, "elbo")}};
  if (auto v = series(p.metrics, "validation"); !v.empty())
    bound.push_back({"validation", "var(--b)", std::move(v)});
  page.section("ELBO over epochs, nats per " + p.summary.value("unit", "row"),
               svg_curves(bound, "epoch"));
  std::vector<double> kl = series(p.metrics, "z.prior", true);
  const std::vector<double> entropy = series(p.metrics, "z.entropy", true);
  for (std::size_t i = 0; i < std::min(kl.size(), entropy.size()); ++i)
    kl[i] = -(kl[i] + entropy[i]);
  page.begin_row();
  page.section(
      "Reconstruction, E log p(x | z)",
      svg_curves({{"training", "var(--a)", series(p.metrics, "x", true)}}, "epoch", kHalf));
  page.section("KL(q(z | x) || p(z))", svg_curves({{"training", "var(--a)", kl}}, "epoch", kHalf));
  page.end_row();
}

void add_units(const VaePage& p, Page& page) {
  if (!p.summary.contains("units")) return;
  const auto kl = p.summary["units"].value("kl", std::vector<double>());
  const auto activity = p.summary["units"].value("activity", std::vector<double>());
  std::vector<std::size_t> order(kl.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return kl[a] > kl[b]; });
  std::vector<Bar> bars;
  for (std::size_t j : order)
    bars.push_back(
        {fmt::format("{}", j + 1), kl[j], j < activity.size() && activity[j] <= kActive});
  page.section("KL of each latent unit, nats", svg_bars(bars, "unit, the most used first"),
               "Pale: collapsed onto the prior, its posterior mean varies by no more than 0.01 "
               "over the data.");
}

void add_terms(const VaePage& p, Page& page) {
  const auto& s = p.summary;
  const bool validated = s.contains("validation");
  const double n = s.value("n", 1.0), m = validated ? s["validation"].value("n", 1.0) : 1.0;
  PageTable table{{"term", "how", "training"}, {}, 2};
  if (validated) table.head.push_back("validation");
  const auto row = [&](const std::string& name, double train, double other,
                       const std::string& how) {
    table.rows.push_back({name, how, fmt::format("{:.4f}", train)});
    if (validated) table.rows.back().push_back(fmt::format("{:.4f}", other));
  };
  const auto per = s.value("terms", nlohmann::json::object());
  const auto how = s.value("estimators", nlohmann::json::object());
  for (const auto& [name, value] : per.items())
    row(name, value.get<double>() / n,
        validated ? s["validation"]["terms"].value(name, 0.0) / m : 0, how.value(name, ""));
  row("ELBO", s.value("elbo_per_row", 0.0),
      validated ? s["validation"].value("elbo_per_row", 0.0) : 0,
      "sum of the terms, all constants kept");
  page.table("Terms of the bound, nats per " + s.value("unit", "row"), table);
}

// The codes stand beside the first picture.
void add_pictures(const VaePage& p, Page& page) {
  const auto plane = [&] {
    if (!p.codes.empty())
      page.section("Posterior means in the latent plane", svg_points(p.codes, p.groups),
                   p.groups.empty() ? "" : "Coloured by label; the model has not seen the labels.");
  };
  for (std::size_t i = 0; i < p.pictures.size(); ++i) {
    const bool beside = i == 0 && !p.codes.empty();
    if (beside) page.begin_row();
    page.picture(p.pictures[i]);
    if (!beside) continue;
    plane();
    page.end_row();
  }
  if (p.pictures.empty()) plane();
}

}  // namespace

std::string vae_page(const VaePage& p) {
  Page page(p.source + ": variational auto-encoder", "Variational auto-encoder of " + p.source,
            p.model);
  add_verdict(p, page);
  add_pictures(p, page);
  add_curves(p, page);
  add_units(p, page);
  add_terms(p, page);
  page.settings(p.asked);
  return page.html();
}

}  // namespace fathom
