#include "fathom/jobs/posterior_table.h"

#include <cmath>

#include "fathom/io/bytes.h"
#include "fathom/jobs/text_table.h"

namespace fathom {

namespace {

std::string cell(double v) { return std::isnan(v) ? std::string() : fmt::format("{}", v); }

}  // namespace

PosteriorTable posterior_table(const std::string& path) {
  const TableRun run = open_table_run(path);
  return {std::string(run.model->task()), run.model->posterior(run.state, run.format)};
}

std::string csv_of(const PosteriorTable& table) {
  std::string text = "factor,element,mean,sd,low,high\n";
  for (const PosteriorRow& r : table.rows)
    text += fmt::format("{},{},{},{},{},{}\n", quoted(r.factor), quoted(r.element), cell(r.mean),
                        cell(r.sd), cell(r.low), cell(r.high));
  return text;
}

nlohmann::json json_of(const PosteriorTable& table) {
  nlohmann::json out = {{"task", table.task}, {"interval", 0.95}};
  for (const PosteriorRow& r : table.rows) {
    nlohmann::json one = {{"factor", r.factor}, {"element", r.element}};
    const std::pair<const char*, double> numbers[] = {
        {"mean", r.mean}, {"sd", r.sd}, {"low", r.low}, {"high", r.high}};
    for (const auto& [key, value] : numbers)
      if (std::isfinite(value)) one[key] = value;
    out["posterior"].push_back(std::move(one));
  }
  return out;
}

void check_posterior_file(const std::string& path) {
  if (!path.ends_with(".csv") && !path.ends_with(".json"))
    raise<ConfigError>("{}: the name must end in .csv or .json", path);
}

void write_posterior(const std::string& path, const PosteriorTable& table) {
  check_posterior_file(path);
  write_atomically(path, path.ends_with(".csv") ? csv_of(table) : json_of(table).dump(2) + "\n");
}

}  // namespace fathom
