#include "fathom/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
svg text.mark{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);
stroke-width:4px}
.grid{stroke:var(--line)}.ring{fill:none;stroke:var(--line);stroke-width:1.5}
.curve{fill:none;stroke-width:2;stroke-linejoin:round}.bar{fill:var(--a)}.bar.pale{fill:var(--pale)}
.dots{fill:none;stroke-linecap:round;stroke-width:4.5;opacity:.6}
.ellipse{fill-opacity:.07;stroke-width:2}
.box{fill:var(--card);stroke:var(--pale);stroke-width:1.5}
.arrow{fill:none;stroke:var(--soft);stroke-width:1.5}.tip{fill:var(--soft)}
.empty{stroke-dasharray:4 4;opacity:.5}
img{display:block;max-width:100%;margin:0 auto;image-rendering:pixelated;border-radius:6px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}.wide+.wide{margin-top:26px}.wide .n{white-space:pre}
td:first-child{overflow-wrap:anywhere;min-width:9em}
td,th{padding:6px 14px 6px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:500;font-size:13px}.n{text-align:right}
.note{color:var(--soft);font-size:14px;margin:12px 0 0}.asked{columns:2 320px;column-gap:36px}
.asked div{display:flex;justify-content:space-between;gap:16px;padding:3px 0;break-inside:avoid;
border-bottom:1px solid var(--line);font-size:14px}.asked span{color:var(--soft)}
.asked b{font-weight:500;overflow-wrap:anywhere;text-align:right}
)";

}  // namespace

PageTable transposed(const PageTable& t) {
  PageTable out{{t.head.at(0)}, {}, 1};
  for (std::size_t j = 1; j < t.head.size(); ++j) out.rows.push_back({t.head[j]});
  for (const auto& row : t.rows) {
    out.head.push_back(row.at(0));
    for (std::size_t j = 1; j < row.size(); ++j) out.rows.at(j - 1).push_back(row[j]);
  }
  return out;
}

Page::Page(const std::string& title, const std::string& heading, const std::string& subtitle)
    : title_(escape_html(title)),
      heading_(escape_html(heading)),
      subtitle_(escape_html(subtitle)) {}

void Page::verdict(const std::vector<std::string>& sentences) {
  for (const std::string& s : sentences) verdict_ += "<p>" + escape_html(s) + "</p>\n";
}

void Page::figure(const std::string& value_html, const std::string& name) {
  figures_ += fmt::format("<div><b>{}</b><span>{}</span></div>\n", value_html, escape_html(name));
}

void Page::section(const std::string& heading, const std::string& body, const std::string& note) {
  body_ +=
      fmt::format("<section><h2>{}</h2>\n{}{}</section>\n", escape_html(heading), body,
                  note.empty() ? "" : fmt::format("<p class=\"note\">{}</p>", escape_html(note)));
}

void Page::begin_row() { body_ += "<div class=\"two\">"; }
void Page::end_row() { body_ += "</div>\n"; }

void Page::picture(const PagePicture& p) {
  section(p.heading,
          fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">\n", escape_html(p.heading),
                      base64(p.png)),
          p.note);
}

void Page::svg(const std::string& heading, const std::string& picture, const std::string& file,
               const std::string& note) {
  section(heading, picture, note);
  files_.emplace_back(file, svg_file(picture));
}

void Page::table(const std::string& heading, const PageTable& table, const std::string& note) {
  const std::size_t text = table.text_columns,
                    numbers = table.head.size() - std::min(text, table.head.size()),
                    most = table.most > 0 ? table.most : numbers,
                    parts = most > 0 && numbers > 0 ? (numbers + most - 1) / most : 1;
  std::string s;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t first = text + part * numbers / parts,
                      past = text + (part + 1) * numbers / parts;
    const auto line = [&](const std::vector<std::string>& cells, const char* tag) {
      std::string row = "<tr>";
      for (std::size_t j = 0; j < cells.size(); ++j)
        if (j < text || (j >= first && j < past))
          row += fmt::format("<{0}{1}>{2}</{0}>", tag, j < text ? "" : " class=\"n\"",
                             escape_html(cells[j]));
      return row + "</tr>\n";
    };
    s += "<div class=\"wide\"><table>" + line(table.head, "th");
    for (const auto& row : table.rows) s += line(row, "td");
    s += "</table></div>\n";
  }
  section(heading, s, note);
}

void Page::settings(const std::vector<std::pair<std::string, std::string>>& asked) {
  std::string s = "<div class=\"asked\">\n";
  for (const auto& [name, value] : asked)
    s +=
        fmt::format("<div><span>{}</span><b>{}</b></div>\n", escape_html(name), escape_html(value));
  section("Settings", s + "</div>\n");
}

std::string Page::html() const {
  std::string s =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
  s += fmt::format("<title>{}</title>\n<style>{}</style></head>\n<body><main>\n", title_, kStyle);
  s += fmt::format("<h1>{}</h1>\n<p class=\"sub\">{}</p>\n", heading_, subtitle_);
  s += "<section class=\"verdict\">\n" + verdict_ + "<div class=\"figures\">\n" + figures_ +
       "</div></section>\n";
  return s + body_ + "</main></body></html>\n";
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

std::string setting_text(const nlohmann::json& v) {
  if (v.is_number_float()) return fmt::format("{:g}", v.get<double>());
  return v.is_string() ? v.get<std::string>() : v.dump();
}

}  // namespace fathom
