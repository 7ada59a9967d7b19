// Components of a mixture of gaussians in words and pictures.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/climb/start.h"
#include "fathom/jobs/gaussian_components.h"
#include "fathom/report/scatter.h"

namespace fathom {

namespace {

// "State" of "state".
std::string titled(std::string noun) {
  noun[0] = char(noun[0] - 'a' + 'A');
  return noun;
}

// A direction of the page: a weighted sum of the file's columns, with its name.
struct View2 {
  std::vector<double> axis[2];  // of rows as the model sees them
  double shift[2] = {0, 0};
  std::string label[2], note;
  double at(int a, const double* row) const {
    return shift[a] + std::inner_product(axis[a].begin(), axis[a].end(), row, 0.0);
  }
};

// The two columns of a plane; of more, the directions in which standardized rows spread most.
View2 view_of(const TableFormat& format, const TableMoments& m) {
  View2 v;
  const auto d = std::size_t(format.width());
  for (int a = 0; a < 2; ++a) {
    v.axis[a].assign(d, 0);
    if (d == 2) {
      v.axis[a][std::size_t(a)] = format.scale[std::size_t(a)];
      v.shift[a] = format.shift[std::size_t(a)];
      v.label[a] = format.columns[std::size_t(a)];
    }
  }
  if (d == 2) return v;
  const Directions p = principal_directions(m);
  for (int a = 0; a < 2; ++a) {
    for (std::size_t j = 0; j < d; ++j) {
      const double w = p.axes.data<double>()[std::size_t(a) * d + j] / m.sd(std::int64_t(j));
      v.axis[a][j] = w;
      v.shift[a] -= w * m.at(std::int64_t(j));
    }
    v.label[a] =
        fmt::format("principal direction {}, {:.0f} % of the variance", a + 1, 100 * p.part[a]);
  }
  v.note =
      fmt::format("Rows in the two directions in which the {} standardized columns vary most.", d);
  return v;
}

Ellipse ellipse_of(const GaussianComponents& c, std::int64_t k, const View2& v,
                   const std::string& name) {
  const std::int64_t d = c.width;
  const double *cov = c.covariance.data<double>() + k * d * d, *m = c.mean.data<double>() + k * d;
  const auto quadratic = [&](int a, int b) {
    double s = 0;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        s += v.axis[a][std::size_t(i)] * cov[i * d + j] * v.axis[b][std::size_t(j)];
    return s;
  };
  return {v.at(0, m),
          v.at(1, m),
          quadratic(0, 0),
          quadratic(0, 1),
          quadratic(1, 1),
          int(k),
          name,
          c.rows.data<double>()[k] < 1};
}

void add_plane(const GaussianComponents& c, const TableFormat& format, const TableMoments& m,
               const TableRows* rows, const std::vector<int>& component, Page& page) {
  const View2 v = view_of(format, m);
  Scatter s;
  s.groups = std::size_t(c.count);
  s.x_label = v.label[0];
  s.y_label = v.label[1];
  for (std::int64_t k = 0; k < c.count; ++k)
    s.ellipses.push_back(ellipse_of(c, k, v, component_name(std::size_t(k), format.classes)));
  const std::int64_t n = rows ? rows->count() : 0;
  const Array x = n > 0 && rows->missing ? filled_with_means(rows->x) : n > 0 ? rows->x : Array();
  for (std::int64_t i = 0; i < n; ++i) {
    const double* row = x.data<double>() + i * c.width;
    s.points.push_back({v.at(0, row), v.at(1, row), component[std::size_t(i)]});
  }
  std::vector<std::string> names;
  std::vector<int> of;
  const bool labelled = n > 0 && group_labels(rows->labels.all(), names, of);
  const ChartSize size = labelled ? ChartSize{460, 400} : ChartSize{940, 480};
  if (labelled) page.begin_row();
  page.svg(
      titled(c.noun) + "s over the rows", svg_scatter(s, size), c.noun + "s.svg",
      fmt::format("Ellipses end at two standard deviations; rows have the colour of their most "
                  "probable {}. ",
                  c.noun) +
          v.note);
  if (!labelled) return;
  s.ellipses.clear();
  s.groups = names.size();
  s.legend = names;
  for (std::size_t i = 0; i < of.size(); ++i) s.points[i].group = of[i];
  page.section("The same rows by \"" + format.label + "\"", svg_scatter(s, size),
               format.label == format.labels
                   ? "The model knows the component of the rows that have one."
                   : "The model has not seen this column.");
  page.end_row();
}

void add_line(const GaussianComponents& c, const TableFormat& format, const TableRows* rows,
              Page& page, Workers& workers) {
  const double scale = format.scale[0], shift = format.shift[0];
  Histogram h;
  h.x_label = format.columns[0];
  for (std::int64_t i = 0; rows && i < rows->count(); ++i)
    if (const double v = rows->x.data<double>()[i]; !std::isnan(v))
      h.values.push_back(v * scale + shift);
  if (h.values.empty())
    for (std::int64_t k = 0; k < c.count; ++k)
      for (const double side : {-3.0, 3.0})
        h.values.push_back(shift + scale * (c.mean.data<double>()[k] +
                                            side * std::sqrt(c.covariance.data<double>()[k])));
  h.grid = histogram_grid(h.values, 240);
  if (!rows) h.values.clear();
  Array at(DType::f64, Shape{std::int64_t(h.grid.size()), 1});
  for (std::size_t i = 0; i < h.grid.size(); ++i)
    at.data<double>()[i] = (h.grid[i] - shift) / scale;
  const Array joint = c.log_joint(at, workers);
  std::vector<double> total(h.grid.size(), 0);
  for (std::int64_t k = 0; k < c.count; ++k) {
    DensityCurve curve{c.noun + " " + component_name(std::size_t(k), format.classes),
                       color_of_group(int(k), std::size_t(c.count)),
                       {}};
    for (std::size_t i = 0; i < h.grid.size(); ++i) {
      curve.y.push_back(std::exp(joint.data<double>()[std::int64_t(i) * c.count + k]) / scale);
      total[i] += curve.y.back();
    }
    if (c.rows.data<double>()[k] >= 1) h.densities.push_back(std::move(curve));
  }
  h.densities.insert(h.densities.begin(), {"all", "var(--soft)", total});
  page.svg(titled(c.noun) + "s over the rows", svg_histogram(h), c.noun + "s.svg",
           fmt::format("Densities of a new row, by {} and together, over a histogram of the rows.",
                       c.noun));
}

// Components with rows, the heaviest first; where they are few, empty ones too.
std::vector<std::size_t> shown_components(const nlohmann::json& all) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < all.size(); ++k)
    if (all.size() <= 8 || all[k].value("rows", 0.0) >= 1) order.push_back(k);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return all[a].value("weight", 0.0) > all[b].value("weight", 0.0);
  });
  return order;
}

// "4.288 +- 0.419" of column j.
std::string mean_and_sd(const nlohmann::json& component, std::size_t j) {
  return fmt::format("{:.4g} \u00b1 {:.3g}", component.at("mean").at(j).get<double>(),
                     component.at("sd").at(j).get<double>());
}

// A line for each component, or, of many columns and few components, for each column.
void add_table(const std::string& noun, const nlohmann::json& summary, const TableFormat& format,
               Page& page) {
  const auto all = summary.value(noun + "s", nlohmann::json::array());
  const std::vector<std::size_t> order = shown_components(all);
  const std::size_t d = format.columns.size();
  const bool turned = d > 6 && order.size() <= 12;
  const std::size_t shown = std::min<std::size_t>(d, turned ? 30 : 6);
  PageTable table{{noun, "weight", "rows"}, {}, 1};
  for (std::size_t j = 0; j < shown; ++j) table.head.push_back(format.columns[j]);
  for (const std::size_t k : order) {
    table.rows.push_back({component_name(k, format.classes),
                          fmt::format("{:.4f}", all[k].value("weight", 0.0)),
                          fmt::format("{:.1f}", all[k].value("rows", 0.0))});
    for (std::size_t j = 0; j < shown; ++j) table.rows.back().push_back(mean_and_sd(all[k], j));
  }
  std::string note = "Mean \u00b1 standard deviation of each column";
  if (shown < d) note += fmt::format(", the first {} of {}; summary.json has all", shown, d);
  if (order.size() < all.size())
    note += fmt::format("; {} without rows left out", all.size() - order.size());
  if (turned) table = transposed(table);
  if (turned) table.most = 5;
  page.table(titled(noun) + "s", table, note + ".");
}

}  // namespace

void summarise_gaussians(const GaussianComponents& c, const TableFormat& format,
                         nlohmann::json& summary) {
  const std::int64_t d = c.width;
  const Array means = in_file_units(c.mean, format);
  for (std::int64_t k = 0; k < c.count; ++k)
    for (std::int64_t j = 0; j < d; ++j) {
      nlohmann::json& one = summary[c.noun + "s"][std::size_t(k)];
      one["mean"].push_back(means.data<double>()[k * d + j]);
      one["sd"].push_back(std::sqrt(c.covariance.data<double>()[(k * d + j) * d + j]) *
                          format.scale[std::size_t(j)]);
    }
}

void report_gaussians(const GaussianComponents& c, const TableFormat& format,
                      const TableMoments& moments, const TableRows* rows,
                      const nlohmann::json& summary, Page& page, Workers& workers) {
  page.figure(fmt::format("{} of {}", summary.value("effective_" + c.noun + "s", 0), c.count),
              c.noun + "s hold rows");
  TableRows some;
  std::vector<int> component;
  if (rows) {
    some = even_rows(*rows, c.width == 1 ? 50 * kShownRows : kShownRows);
    const RowPredictions p = predictions_of(c.log_joint(some.x, workers), format.classes);
    for (std::int64_t i = 0; i < some.count(); ++i)
      component.push_back(int(p.values.data<double>()[i * (c.count + 1)]) - 1);
  }
  if (c.width == 1) {
    add_line(c, format, rows ? &some : nullptr, page, workers);
  } else {
    add_plane(c, format, moments, rows ? &some : nullptr, component, page);
  }
  add_table(c.noun, summary, format, page);
}

}  // namespace fathom
