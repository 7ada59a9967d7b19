// A folder that goes when the test ends, and small data made from a key.
#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "fathom/io/npy.h"
#include "fathom/jobs/fit_vae.h"

namespace fathom::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fathom-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Rows of 16 pixels with two kinds of stripes, 8-bit, [n, 4, 4].
inline Array stripes(std::int64_t n) {
  Array x(DType::u8, Shape{n, 4, 4});
  for (std::int64_t i = 0; i < n; ++i) {
    const Random4 kind = philox(Key{5, 5}, std::uint64_t(i), 0);
    for (std::int64_t j = 0; j < 16; ++j) {
      const bool on = (kind.word[0] % 2 ? j / 4 : j % 4) == std::int64_t(kind.word[1] % 4);
      const auto noise = philox(Key{5, 6}, std::uint64_t(i), std::uint64_t(j)).word[0] % 40;
      x.data<std::uint8_t>()[i * 16 + j] = std::uint8_t(on ? 255 - noise : noise);
    }
  }
  return x;
}

inline FitVaeConfig small_fit(const std::string& data, const std::string& run) {
  FitVaeConfig c;
  c.data = data;
  c.run = run;
  c.threads = 1;
  c.settings.model.latent = 2;
  c.settings.model.hidden = "12";
  c.settings.model.binarize = "dynamic";
  c.settings.fit.epochs = 6;
  c.settings.fit.batch = 32;
  c.settings.fit.rate = 0.01;
  return c;
}

}  // namespace fathom::testing
