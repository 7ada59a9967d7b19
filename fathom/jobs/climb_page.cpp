#include "fathom/jobs/climb_page.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace fathom {

namespace {

// Lines of the climb that is kept: of its restart, and of all rows after it.
std::vector<nlohmann::json> kept_lines(const std::vector<nlohmann::json>& metrics, int best) {
  std::vector<nlohmann::json> of_restart, of_all;
  for (const auto& line : metrics) {
    const int restart = line.value("restart", 0);
    if (restart == best) of_restart.push_back(line);
    if (restart == 0) of_all.push_back(line);
  }
  return of_all.empty() ? of_restart : of_all;
}

}  // namespace

void add_curves(const std::vector<nlohmann::json>& metrics, const nlohmann::json& s,
                const std::string& kind, const std::string& unit, Page& page) {
  const auto lines = kept_lines(metrics, s.value("best_restart", 0));
  const char* key = s.contains("elbo_per_row") ? "elbo" : "objective";
  static constexpr const char* kColors[] = {
      "var(--a)",        "var(--b)",         "hsl(150 50% 45%)", "hsl(290 40% 60%)",
      "hsl(45 75% 45%)", "hsl(190 60% 45%)", "hsl(340 60% 58%)", "hsl(90 45% 45%)"};
  const std::vector<double> sweeps = series(lines, "sweep");
  std::vector<Curve> terms;
  const auto named = s.value("terms", nlohmann::json::object());
  for (const auto& [name, value] : named.items())
    terms.push_back(
        {name, kColors[terms.size() % std::size(kColors)], series(lines, name, true), sweeps});
  // Those that move most, as far as they can be told apart.
  const auto moves = [](const Curve& c) {
    double low = INFINITY, high = -INFINITY;
    for (const double v : c.y)
      if (std::isfinite(v)) {
        low = std::min(low, v);
        high = std::max(high, v);
      }
    return std::max(0.0, high - low);
  };
  constexpr std::size_t most = 16;
  const bool few = terms.size() > most;
  if (few) {
    std::stable_sort(terms.begin(), terms.end(),
                     [&](const Curve& a, const Curve& b) { return moves(a) > moves(b); });
    terms.resize(most);
  }
  page.begin_row();
  std::string title = kind + " per sweep, nats per " + unit;
  title[0] = char(std::toupper(static_cast<unsigned char>(title[0])));
  page.section(title, svg_curves({{kind, "var(--a)", series(lines, key), sweeps}}, "sweep", kHalf));
  page.section(few ? "The terms that move most" : "Its terms", svg_curves(terms, "sweep", kHalf));
  page.end_row();
}

void add_terms(const nlohmann::json& s, const std::string& kind, const std::string& unit,
               Page& page) {
  const double n = std::max(1.0, s.value("weight", s.value("n", 1.0)));
  PageTable table{{"term", "per " + unit, "total"}, {}, 1};
  double total = 0;
  const auto named = s.value("terms", nlohmann::json::object());
  for (const auto& [name, value] : named.items()) {
    const double v = value.get<double>();
    total += v;
    table.rows.push_back({name, fmt::format("{:.6f}", v / n), fmt::format("{:.4f}", v)});
  }
  table.rows.push_back({kind, fmt::format("{:.6f}", total / n), fmt::format("{:.4f}", total)});
  page.table("Terms, nats", table,
             "All constants are kept: the last line is the sum of the others.");
}

void add_settings(const nlohmann::json& config, Page& page) {
  std::vector<std::pair<std::string, std::string>> asked;
  const auto put = [&](const nlohmann::json& of, const char* key) {
    if (of.contains(key)) asked.emplace_back(key, setting_text(of[key]));
  };
  const auto data = config.value("data", nlohmann::json::object());
  for (const char* key : {"source", "rows", "fingerprint"}) put(data, key);
  const auto settings = config.value("settings", nlohmann::json::object());
  for (const auto& [name, value] : settings.items())
    if (const std::string shown = setting_text(value); !shown.empty())
      asked.emplace_back(name, shown);
  for (const char* key : {"threads", "isa", "version"}) put(config, key);
  page.settings(asked);
}

}  // namespace fathom
