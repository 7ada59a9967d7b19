#include "fathom/report/vae_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/report/verdict.h"

namespace fathom {

namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;
--ink:#1f2733;--soft:#657083;--line:#e3e7ec;--card:#fff;--page:#f6f7f9;
--a:#2f6db5;--b:#c9702a;--pale:#c3cedb}
@media(prefers-color-scheme:dark){:root{--ink:#e3e7ee;--soft:#98a3b3;--line:#2e3541;--card:#1a1f27;
--page:#11151a;--a:#6ea8ea;--b:#e69a62;--pale:#414c5c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.55 system-ui,"Segoe UI",Roboto,sans-serif}
main{max-width:1000px;margin:0 auto;padding:44px 20px 72px}
h1{font-size:26px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;font-weight:650}
h2{font-size:15px;margin:0 0 12px;font-weight:600}
.sub{color:var(--soft);margin:0 0 26px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;
margin:0 0 18px;min-width:0}
.verdict p{margin:0 0 8px}.verdict p:first-child{font-size:19px;line-height:1.45}
.figures{display:flex;flex-wrap:wrap;gap:14px 34px;margin:20px 0 2px;
font-variant-numeric:tabular-nums}
.figures b{display:block;font-size:21px;font-weight:600}
.figures span{color:var(--soft);font-size:13px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(400px,100%),1fr));gap:0 18px}
svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font-size:12px}
.grid{stroke:var(--line)}.ring{fill:none;stroke:var(--line);stroke-width:1.5}
.curve{fill:none;stroke-width:2;stroke-linejoin:round}.bar{fill:var(--a)}.bar.pale{fill:var(--pale)}
img{display:block;max-width:100%;margin:0 auto;image-rendering:pixelated;border-radius:6px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:6px 14px 6px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:500;font-size:13px}.n{text-align:right}
.note{color:var(--soft);font-size:14px;margin:12px 0 0}.asked{columns:2 320px;column-gap:36px}
.asked div{display:flex;justify-content:space-between;gap:16px;padding:3px 0;break-inside:avoid;
border-bottom:1px solid var(--line);font-size:14px}.asked span{color:var(--soft)}
.asked b{font-weight:500;overflow-wrap:anywhere;text-align:right}
)";

constexpr ChartSize kHalf{440, 240};

std::string section(const std::string& heading, const std::string& body,
                    const std::string& note = {}) {
  return fmt::format(
      "<section><h2>{}</h2>\n{}{}</section>\n", escape_html(heading), body,
      note.empty() ? "" : fmt::format("<p class=\"note\">{}</p>", escape_html(note)));
}

std::string figure(const std::string& value, const std::string& name) {
  return fmt::format("<div><b>{}</b><span>{}</span></div>\n", value, escape_html(name));
}

std::string verdict(const VaePage& p) {
  const auto& s = p.summary;
  std::string out = "<section class=\"verdict\">\n";
  for (const auto& sentence : s.value("verdict", std::vector<std::string>()))
    out += "<p>" + escape_html(sentence) + "</p>\n";
  const bool validated = s.contains("validation");
  const auto& e = validated ? s["validation"] : s;
  const std::string unit = s.value("unit", "row");
  out += "<div class=\"figures\">\n";
  if (e.contains("elbo_per_row"))
    out += figure(fmt::format("{:.2f} &plusmn; {:.2f}", e.value("elbo_per_row", 0.0),
                              e.value("elbo_se", 0.0) / std::max(1.0, e.value("n", 1.0))),
                  fmt::format("ELBO, nats per {}{}", unit, validated ? ", validation" : ""));
  if (s.contains("gap"))
    out += figure(fmt::format("{:.2f}", s["gap"].value("log_px_per_row", 0.0)),
                  fmt::format("log p(x) on {} {}s", s["gap"].value("rows", 0), unit));
  if (s.contains("bits_per_dim"))
    out += figure(fmt::format("{:.4f}", s.value("bits_per_dim", 0.0)), "bits per dimension");
  if (s.contains("units")) {
    const auto a = s["units"].value("activity", std::vector<double>());
    out +=
        figure(fmt::format("{} of {}",
                           std::count_if(a.begin(), a.end(), [](double v) { return v > kActive; }),
                           a.size()),
               "active units");
  }
  out += figure(fmt::format("{}", s.value("epochs", 0)), "epochs");
  out += figure(fmt::format("{:.0f}", s.value("rows_per_second", 0.0)),
                fmt::format("{}s per second", unit));
  return out + "</div></section>\n";
}

std::vector<double> series(const std::vector<nlohmann::json>& metrics, const std::string& key,
                           bool term) {
  std::vector<double> v;
  for (const auto& line : metrics) {
    const auto& m = term ? line.value("terms", nlohmann::json::object()) : line;
    v.push_back(m.contains(key) && m[key].is_number() ? m[key].get<double>() : NAN);
  }
  return std::all_of(v.begin(), v.end(), [](double x) { return std::isnan(x); })
             ? std::vector<double>()
             : v;
}

std::string curves(const VaePage& p) {
  std::vector<Curve> bound{{"training", "var(--a)", series(p.metrics, "elbo", false)}};
  if (auto v = series(p.metrics, "validation", false); !v.empty())
    bound.push_back({"validation", "var(--b)", std::move(v)});
  std::string s = section("ELBO over epochs, nats per " + p.summary.value("unit", "row"),
                          svg_curves(bound, "epoch"));
  std::vector<double> kl = series(p.metrics, "z.prior", true);
  const std::vector<double> entropy = series(p.metrics, "z.entropy", true);
  for (std::size_t i = 0; i < std::min(kl.size(), entropy.size()); ++i)
    kl[i] = -(kl[i] + entropy[i]);
  s += "<div class=\"two\">" +
       section(
           "Reconstruction, E log p(x | z)",
           svg_curves({{"training", "var(--a)", series(p.metrics, "x", true)}}, "epoch", kHalf)) +
       section("KL(q(z | x) || p(z))", svg_curves({{"training", "var(--a)", kl}}, "epoch", kHalf)) +
       "</div>\n";
  return s;
}

std::string picture(const PagePicture& p) {
  return section(p.heading,
                 fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">\n",
                             escape_html(p.heading), base64(p.png)),
                 p.note);
}

std::string units(const VaePage& p) {
  if (!p.summary.contains("units")) return {};
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
  return section("KL of each latent unit, nats", svg_bars(bars, "unit, the most used first"),
                 "Pale: collapsed onto the prior, its posterior mean varies by no more than 0.01 "
                 "over the data.");
}

std::string terms(const VaePage& p) {
  const auto& s = p.summary;
  const bool validated = s.contains("validation");
  const double n = s.value("n", 1.0), m = validated ? s["validation"].value("n", 1.0) : 1.0;
  std::string rows =
      fmt::format("<table><tr><th>term</th><th class=\"n\">training</th>{}<th>how</th></tr>\n",
                  validated ? "<th class=\"n\">validation</th>" : "");
  const auto row = [&](const std::string& name, double train, double other,
                       const std::string& how) {
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{:.4f}</td>{}<td>{}</td></tr>\n", escape_html(name), train,
        validated ? fmt::format("<td class=\"n\">{:.4f}</td>", other) : "", escape_html(how));
  };
  const auto per = s.value("terms", nlohmann::json::object());
  const auto how = s.value("estimators", nlohmann::json::object());
  for (const auto& [name, value] : per.items())
    row(name, value.get<double>() / n,
        validated ? s["validation"]["terms"].value(name, 0.0) / m : 0, how.value(name, ""));
  row("ELBO", s.value("elbo_per_row", 0.0),
      validated ? s["validation"].value("elbo_per_row", 0.0) : 0,
      "sum of the terms, all constants kept");
  return section("Terms of the bound, nats per " + s.value("unit", "row"), rows + "</table>\n");
}

std::string asked(const VaePage& p) {
  std::string s = "<div class=\"asked\">\n";
  for (const auto& [name, value] : p.asked)
    s +=
        fmt::format("<div><span>{}</span><b>{}</b></div>\n", escape_html(name), escape_html(value));
  return section("Settings", s + "</div>\n");
}

}  // namespace

std::string vae_page(const VaePage& p) {
  std::string s =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
  s += fmt::format(
      "<title>{}: variational auto-encoder</title>\n<style>{}</style></head>\n<body><main>\n",
      escape_html(p.source), kStyle);
  s += fmt::format("<h1>Variational auto-encoder of {}</h1>\n<p class=\"sub\">{}</p>\n",
                   escape_html(p.source), escape_html(p.model));
  s += verdict(p);
  const std::string plane =
      p.codes.empty()
          ? ""
          : section(
                "Posterior means in the latent plane", svg_points(p.codes, p.groups),
                p.groups.empty() ? "" : "Coloured by label; the model has not seen the labels.");
  for (std::size_t i = 0; i < p.pictures.size(); ++i) {
    const bool beside = i == 0 && !plane.empty();
    s += beside ? "<div class=\"two\">" + picture(p.pictures[i]) + plane + "</div>\n"
                : picture(p.pictures[i]);
  }
  if (p.pictures.empty()) s += plane;
  s += curves(p) + units(p) + terms(p) + asked(p);
  return s + "</main></body></html>\n";
}

}  // namespace fathom
