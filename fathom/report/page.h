// A run as one self-contained page: style, curves and pictures are in the file. A page is built
// from the top: verdict, figures, sections.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fathom/report/svg.h"

namespace fathom {

struct PagePicture {
  std::string heading, note, png;  // the bytes of a PNG
};

struct PageTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::size_t text_columns = 1;  // from the left; the others are numbers, set to the right
  // Most columns of numbers beside each other; more are cut into parts of one width, one below
  // another, each with the columns of text. 0: any.
  std::size_t most = 0;
};

// With lines for columns; the first column becomes the head.
PageTable transposed(const PageTable& table);

inline constexpr ChartSize kHalf{440, 240};  // of a chart in half the page's width

class Page {
 public:
  // `title` for the window; texts are plain, bodies of sections are HTML.
  Page(const std::string& title, const std::string& heading, const std::string& subtitle);

  void verdict(const std::vector<std::string>& sentences);
  void figure(const std::string& value_html,
              const std::string& name);  // a number beside the others
  void section(const std::string& heading, const std::string& body, const std::string& note = {});
  // Sections that stand side by side where the page is wide.
  void begin_row();
  void end_row();
  void picture(const PagePicture& picture);
  void table(const std::string& heading, const PageTable& table, const std::string& note = {});
  void settings(const std::vector<std::pair<std::string, std::string>>& asked);

  // A picture that also lies beside the page, as a file of its own.
  void svg(const std::string& heading, const std::string& picture, const std::string& file,
           const std::string& note = {});

  std::string html() const;
  // Names and contents of files beside the page.
  const std::vector<std::pair<std::string, std::string>>& files() const { return files_; }

 private:
  std::string title_, heading_, subtitle_, verdict_, figures_, body_;
  std::vector<std::pair<std::string, std::string>> files_;
};

// Values of `key` in lines of metrics.jsonl, or of that term; empty where no line has it.
std::vector<double> series(const std::vector<nlohmann::json>& metrics, const std::string& key,
                           bool term = false);

// A field of config.json for the settings of a page.
std::string setting_text(const nlohmann::json& value);

}  // namespace fathom
