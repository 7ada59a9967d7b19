#include "fathom/kernels/isa.h"

#include <gtest/gtest.h>

#include <string>

namespace fathom::kernels {
namespace {

TEST(Isa, ALimitLowersAndIsLifted) {
  const Isa best = isa();
  limit_isa(Isa::base);
  EXPECT_EQ(isa(), Isa::base);
  limit_isa(Isa::avx2);
  EXPECT_LE(isa(), Isa::avx2);
  EXPECT_LE(isa(), best);
  limit_isa(Isa::avx512);
  EXPECT_EQ(isa(), best);
}

TEST(Isa, Names) {
  EXPECT_STREQ(name_of(Isa::base), "base");
  EXPECT_STREQ(name_of(Isa::avx2), "avx2");
  EXPECT_STREQ(name_of(Isa::avx512), "avx512");
}

}  // namespace
}  // namespace fathom::kernels
