// No code compiled for a wide instruction set can take the place of common code: the library's
// objects as the build left them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fathom::tests {
namespace {

const std::filesystem::path kArchive =
    std::filesystem::path(FATHOM_PROGRAM).parent_path() / "libfathom.a";

int check(const std::string& options) {
  const std::string command = "python3 \"" FATHOM_SOURCE_DIR "/tools/check_wide_objects.py\" " +
                              options + " \"" + kArchive.string() + "\"";
  return std::system(command.c_str());
}

TEST(WideObjects, ShareNothingWithCommonCode) {
  ASSERT_TRUE(std::filesystem::exists(kArchive)) << kArchive;
  EXPECT_EQ(check(""), 0);
}

// Common code does share inline functions: the check sees them.
TEST(WideObjects, CheckFindsSharedCode) {
  ASSERT_TRUE(std::filesystem::exists(kArchive)) << kArchive;
  EXPECT_NE(check("--isa avx2 >/dev/null"), 0);
}

}  // namespace
}  // namespace fathom::tests
