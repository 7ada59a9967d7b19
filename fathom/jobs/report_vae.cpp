#include "fathom/jobs/report_vae.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "fathom/io/images.h"
#include "fathom/jobs/fields_json.h"
#include "fathom/jobs/use_vae.h"
#include "fathom/report/pictures.h"
#include "fathom/report/vae_page.h"

namespace fathom {

namespace {

constexpr std::int64_t kColumns = 16, kManifold = 20, kCodes = 4000;

// Pictures for the page and, under `name`, beside it.
void add_picture(VaePage& page, RunFolder& folder, const std::string& name, const Array& image,
                 const std::string& heading, const std::string& note = {}) {
  page.pictures.push_back({heading, note, encode_png(image)});
  folder.write_text(name, page.pictures.back().png);
}

void add_pictures(VaePage& page, VaeRun& run, VaeScorer& scorer, const VaeRows* rows) {
  const auto& item = run.format.item;
  if (item.empty()) return;
  const std::int64_t latent = run.settings.model.latent, zoom = zoom_for(item, kColumns);
  if (latent == 2)
    add_picture(
        page, run.folder, "manifold.png",
        sheet(scorer.decode(manifold_codes(kManifold)), item,
              {.columns = kManifold, .zoom = zoom_for(item, kManifold, 640)}),
        "The latent plane, decoded",
        "A grid through the inverse normal CDF: each picture is as likely as its neighbour.");
  if (rows) {
    const VaeRows some = slice_rows(*rows, 0, 3 * kColumns);
    const Array originals = as_pixels(some.set.columns.at("x"), run.format).cast(DType::f64);
    const Array made = scorer.decode(scorer.encode(some).mean);
    add_picture(page, run.folder, "reconstructions.png",
                sheet(interleave(originals, made, kColumns), item,
                      {.columns = kColumns, .zoom = zoom, .group = 2}),
                "Reconstructions",
                "Above the original, below the decoder's mean at the posterior mean.");
  }
  const Array samples =
      scorer.decode(VaeScorer::prior_codes(5 * kColumns, latent, run.settings.fit.seed));
  add_picture(page, run.folder, "samples.png",
              sheet(samples, item, {.columns = kColumns, .zoom = zoom}), "Samples",
              "Means of x for z drawn from the prior.");
}

// Groups of equal labels, where they are few.
void add_codes(VaePage& page, const VaeRun& run, VaeScorer& scorer, const VaeRows& rows) {
  if (run.settings.model.latent != 2) return;
  const VaeRows some = slice_rows(rows, 0, kCodes);
  const Array mean = scorer.encode(some).mean;
  std::map<double, int> groups;
  for (double label : some.labels) groups.emplace(label, 0);
  const bool grouped = groups.size() > 1 && groups.size() <= 12;
  int next = 0;
  for (auto& [label, group] : groups) {
    group = next++;
    if (grouped) page.groups.push_back(fmt::format("{:g}", label));
  }
  for (std::int64_t i = 0; i < some.set.rows; ++i)
    page.codes.push_back({mean.data<double>()[2 * i], mean.data<double>()[2 * i + 1],
                          grouped ? groups[some.labels[std::size_t(i)]] : -1});
}

void add_settings(VaePage& page, const VaeRun& run) {
  const auto text = [](const nlohmann::json& v) {
    if (v.is_number_float()) return fmt::format("{:g}", v.get<double>());
    return v.is_string() ? v.get<std::string>() : v.dump();
  };
  page.asked.emplace_back("data", run.data);
  for (const char* key : {"rows", "validation_rows"})
    if (run.config.contains("data") && run.config["data"].contains(key))
      page.asked.emplace_back(key, text(run.config["data"][key]));
  VaeSettings::fields(run.settings,
                      [&](std::string_view name, const auto& value, std::string_view) {
                        const std::string shown = text(nlohmann::json(value));
                        if (!shown.empty()) page.asked.emplace_back(std::string(name), shown);
                      });
  for (const char* key : {"threads", "isa", "version"})
    if (run.config.contains(key)) page.asked.emplace_back(key, text(run.config[key]));
}

}  // namespace

std::string write_vae_report(VaeRun& run, VaeScorer& scorer, const VaeData* data,
                             const nlohmann::json& summary) {
  VaePage page;
  page.source = std::filesystem::path(run.data).filename().string();
  page.model = describe_vae(run.settings.model, run.format);
  page.summary = summary;
  page.metrics = run.folder.read_metrics();
  add_settings(page, run);
  const VaeRows* shown = !data                                   ? nullptr
                         : data->validation.set.rows >= kColumns ? &data->validation
                                                                 : &data->train;
  add_pictures(page, run, scorer, shown);
  if (data) add_codes(page, run, scorer, data->train);
  run.folder.write_text("report.html", vae_page(page));
  return run.folder.file("report.html");
}

std::string report_vae(const ReportVaeConfig& config, const Note& note) {
  Workers workers(config.threads);
  VaeRun run = open_vae_run(config.run);
  if (!run.folder.has("summary.json"))
    raise<DataError>("{}: the fit has not ended, there is nothing to report: go on with --resume",
                     config.run);
  const nlohmann::json summary = run.folder.read_json("summary.json");
  VaeScorer scorer(run.settings.model, run.format, run.initial_variance, run.state,
                   run.settings.fit.seed, workers);
  const std::string source = config.data.empty() ? run.data : config.data;
  std::error_code ignored;
  if (config.data.empty() && !std::filesystem::exists(source, ignored)) {
    if (note)
      note(
          fmt::format("{} is no longer there: the report has no reconstructions; fathom report RUN "
                      "DATA says where it is",
                      source));
    return write_vae_report(run, scorer, nullptr, summary);
  }
  const VaeData data = load_vae_data(
      source, run.settings.data, run.settings.model, run.settings.fit.seed, workers,
      [](const std::string&) {}, &run.format);
  return write_vae_report(run, scorer, &data, summary);
}

}  // namespace fathom
