// Data for a VAE: any supported file becomes rows of pixels in [0, 1], bits or real numbers, with a
// record of how, so that later verbs treat other files alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fathom/climb/gradient_climb.h"
#include "fathom/io/dataset.h"
#include "fathom/zoo/vae.h"

namespace fathom {

struct VaeDataConfig {
  std::string scale = "auto";
  std::string validation = "0.1";
  std::string label = "auto";
  std::string columns;
  std::string array;

  static void fields(auto& self, auto&& f) {
    f("validation", self.validation, "part of the rows kept for validation, or a file; 0: none");
    f("scale", self.scale,
      "what values are divided by: auto (8-bit pixels by 255, others by 1), none, max or a number");
    f("label", self.label, "column that is a label and no pixel: auto, none or its name");
    f("columns", self.columns, "columns of a table to read, with commas; empty: all");
    f("array", self.array, "array of an NPZ file");
  }
};

// How values became pixels. Part of config.json.
struct PixelFormat {
  std::int64_t width = 0;            // numbers per row
  std::vector<std::int64_t> item;    // {height, width} or {height, width, 3}; empty: no pictures
  bool eight_bit = false;            // bytes 0..255, divided by 255 in the graph
  bool bits = false;                 // they were bytes 0 and 1
  bool drawn = false;                // bits drawn once from the grey values (--binarize fixed:SEED)
  double divisor = 1;                // of values stored as f32
  std::vector<std::string> columns;  // of the table that was read, without the label
  std::string label;                 // column that is the label

  static void fields(auto& self, auto&& f) {
    f("width", self.width, "");
    f("item", self.item, "");
    f("eight_bit", self.eight_bit, "");
    f("bits", self.bits, "");
    f("drawn", self.drawn, "");
    f("divisor", self.divisor, "");
    f("columns", self.columns, "");
    f("label", self.label, "");
  }
  DType stored() const { return eight_bit || bits || drawn ? DType::u8 : DType::f32; }
};

struct VaeRows {
  DataSet set;                      // "x": [n, width], u8 or f32
  std::vector<std::int64_t> place;  // of each row in the file
  std::vector<double> labels;       // of each row; empty without labels
};

struct VaeData {
  PixelFormat format;
  VaeRows train, validation;
  std::string source, kind;
};

using Note = std::function<void(const std::string&)>;

// Reads, checks and splits the data of a fit. Throws DataError or ConfigError with a remedy: not
// finite, outside [0, 1] or grey under a Bernoulli. What a user should know goes to `note`. For a
// run that exists, `fitted` is its format: rows of another width are refused before all else.
VaeData load_vae_data(const std::string& path, const VaeDataConfig& config, const VaeConfig& model,
                      std::uint64_t seed, Workers& workers, const Note& note,
                      const PixelFormat* fitted = nullptr);

// Rows of another file for a model that was fitted to `format`. Bytes 0 and 1 are bits, whether it
// was fitted to bits or to pixels of 0 to 255. Throws DataError when they do not fit.
VaeRows load_vae_rows(const std::string& path, const VaeDataConfig& config,
                      const PixelFormat& format, const VaeConfig& model, Workers& workers);

// Bits drawn once: pixel j of row i is 1 with its grey value as probability, a function of the seed
// and the row's place. The result is u8.
Array draw_bits(const Array& pixels, const std::vector<std::int64_t>& place, bool eight_bit,
                std::uint64_t seed, Workers& workers);

// The rows as f32 in the units of the model's x, [n, width].
Array as_pixels(const Array& stored, const PixelFormat& format);

// Rows first, first + 1, ..., at most `count` of them, sharing memory.
VaeRows slice_rows(const VaeRows& rows, std::int64_t first, std::int64_t count);
// At most `most` rows, evenly taken: rows of a file may be sorted. A copy where it leaves rows out.
VaeRows even_rows(const VaeRows& rows, std::int64_t most);

// A number that tells data sets apart: of the number of rows and the contents of 64 of them.
std::uint32_t fingerprint(const VaeRows& rows);

// "seed" of "fixed:SEED". Throws ConfigError unless `binarize` is none, dynamic, threshold or that.
std::uint64_t check_binarize(const std::string& binarize);

}  // namespace fathom
