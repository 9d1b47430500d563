#include "quality/uncertainty.h"

#include <gtest/gtest.h>

namespace weir::quality {
namespace {

TEST(UncertaintyTest, FindsThePhrasesInAnyCaseAndApostrophe) {
  const auto phrases = uncertainty_phrases();
  EXPECT_EQ(phrases.size(), 8U);
  EXPECT_TRUE(says_uncertain("Hm. I'M NOT SURE what you mean.", phrases));
  EXPECT_TRUE(says_uncertain("I don\xE2\x80\x99t know.", phrases));
  EXPECT_TRUE(says_uncertain("There is insufficient information here", phrases));
  EXPECT_FALSE(says_uncertain("I am sure that it is 42.", phrases));
  EXPECT_FALSE(says_uncertain("", phrases));
  EXPECT_FALSE(says_uncertain("\xE2\x80", phrases));
}

}  // namespace
}  // namespace weir::quality
