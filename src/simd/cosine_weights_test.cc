#include "simd/cosine_weights.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace weir::simd {
namespace {

TEST(CosineWeights, EqualsTheFormulaOnEveryLevelOfTheCpu) {
  const int64_t supported = hwy::SupportedTargets();
  for (int64_t levels = supported; levels != 0; levels &= levels - 1) {
    hwy::SetSupportedTargetsForTest(levels & -levels);
    for (size_t size = 1; size < 70; ++size) {
      std::vector<float> similarities;
      for (size_t i = 0; i < size; ++i)
        similarities.push_back(static_cast<float>(std::sin(static_cast<double>(i * 7 + 1))));
      std::vector<float> weights = similarities;
      cosine_weights(weights);
      const double most = double{std::ranges::max(similarities)};
      for (size_t i = 0; i < size; ++i) {
        const double expected = 10 * std::pow(10, double{similarities[i]} / most);
        ASSERT_NEAR(double{weights[i]} / expected, 1, 1e-6) << size << ", " << i;
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(CosineWeights, WithoutAnythingSimilarAllAreEqual) {
  for (const float most : {0.0F, -0.25F}) {
    std::vector<float> weights{most, -0.5F, -1.0F};
    cosine_weights(weights);
    EXPECT_EQ(weights, std::vector<float>(3, 100.0F));
  }
  std::vector<float> none;
  cosine_weights(none);
}

}  // namespace
}  // namespace weir::simd
