#include "simd/transformer.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace weir::simd {
namespace {

constexpr size_t kMaxSize = 70;

std::vector<float> floats(size_t size, double spread = 3) {
  std::mt19937_64 random(size);
  std::normal_distribution<double> normal(0.5, spread);
  std::vector<float> values(size);
  for (float& value : values)
    value = static_cast<float>(normal(random));
  return values;
}

// Every test below runs once for each CPU level that this machine can execute.
class TransformerKernels : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

std::vector<int64_t> executable_targets() {
  std::vector<int64_t> targets;
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1)
    targets.push_back(rest & -rest);
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, TransformerKernels, testing::ValuesIn(executable_targets()),
                         [](const auto& target) { return hwy::TargetName(target.param); });

double exact_gelu(double x) {
  return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
}

TEST_P(TransformerKernels, LayerNormIsThePlainLoopForEverySize) {
  for (size_t size = 1; size <= kMaxSize; ++size) {
    for (const bool with_residual : {false, true}) {
      auto values = floats(size);
      const auto residual = with_residual ? floats(size, 1) : std::vector<float>();
      const auto gain = floats(size, 0.5);
      const auto bias = floats(size, 0.25);
      std::vector<double> expected(values.begin(), values.end());
      for (size_t i = 0; i < residual.size(); ++i)
        expected[i] += residual[i];
      double mean = 0, variance = 0;
      for (const double x : expected)
        mean += x / static_cast<double>(size);
      for (const double x : expected)
        variance += (x - mean) * (x - mean) / static_cast<double>(size);
      layer_norm(values, residual, gain, bias, 1e-5F);
      for (size_t i = 0; i < size; ++i)
        EXPECT_NEAR(values[i],
                    (expected[i] - mean) / std::sqrt(variance + 1e-5) * gain[i] + bias[i], 2e-5)
            << size;
    }
  }
}

TEST_P(TransformerKernels, GeluIsTheErfFormToOneMillionth) {
  std::vector<float> xs;
  for (double x = -12; x <= 12; x += 0.001)
    xs.push_back(static_cast<float>(x));
  for (const float x : {0.0F, -0.0F, 1e30F, 1e-30F})
    xs.push_back(x);
  auto values = xs;
  gelu(values);
  for (size_t i = 0; i < xs.size(); ++i)
    EXPECT_NEAR(values[i], exact_gelu(double{xs[i]}),
                1e-6 * std::max(1.0, std::abs(double{xs[i]})));
  std::vector<float> pin{1.0F, -1.0F};
  gelu(pin);
  EXPECT_NEAR(pin[0], 0.841344746, 1e-6);
  EXPECT_NEAR(pin[1], -0.158655254, 1e-6);
}

TEST_P(TransformerKernels, SoftmaxIsThePlainLoopAndSurvivesLargeValues) {
  for (size_t size = 0; size <= kMaxSize; ++size) {
    auto values = floats(size, 40);
    std::vector<double> expected;
    double sum = 0;
    for (const float x : values)
      expected.push_back(std::exp(0.25 * double{x}));
    for (const double x : expected)
      sum += x;
    softmax(values, 0.25F);
    for (size_t i = 0; i < size; ++i)
      EXPECT_NEAR(values[i], expected[i] / sum, 2e-6);
  }
  std::vector<float> large{3e4F, 3e4F, -3e4F};
  softmax(large, 1);
  EXPECT_NEAR(large[0], 0.5, 1e-6);
  EXPECT_EQ(large[2], 0.0F);
}

TEST_P(TransformerKernels, MultiplyIsThePlainLoopForEveryShape) {
  for (const size_t rows : {1U, 3U, 4U, 9U}) {
    for (const size_t inner : {1U, 8U, 33U}) {
      for (size_t columns = 1; columns <= kMaxSize; ++columns) {
        const size_t left_stride = inner + 3, right_stride = columns + 1, out_stride = columns + 5;
        const auto left = floats(rows * left_stride);
        const auto right = floats(inner * right_stride);
        std::vector<float> out(rows * out_stride, 77.0F);
        multiply({left.data(), left_stride}, {right.data(), right_stride}, {out.data(), out_stride},
                 rows, inner, columns);
        for (size_t r = 0; r < rows; ++r) {
          for (size_t c = 0; c < columns; ++c) {
            double sum = 0;
            for (size_t k = 0; k < inner; ++k)
              sum += double{left[r * left_stride + k]} * right[k * right_stride + c];
            ASSERT_NEAR(out[r * out_stride + c], sum, 1e-3);
          }
          EXPECT_EQ(out[r * out_stride + columns], 77.0F);
        }
      }
    }
  }
}

TEST_P(TransformerKernels, BytesOfARowAreWithinHalfAStepAndZeroIsExact) {
  for (const int32_t highest : {127, 255}) {
    for (size_t size = 1; size <= kMaxSize; ++size) {
      auto values = floats(size);
      values[0] = 0;
      std::vector<uint8_t> bytes(size);
      const RowScale row = quantize_row(values, highest, bytes);
      EXPECT_LE(*std::ranges::max_element(bytes), highest);
      for (size_t i = 0; i < size; ++i) {
        const double back = (bytes[i] - row.zero) * double{row.scale};
        // A whole step at the ends, where the rounded zero point shifts the range.
        EXPECT_NEAR(back, values[i], 1.01 * double{row.scale});
      }
      EXPECT_EQ(bytes[0], row.zero);
    }
  }
}

TEST_P(TransformerKernels, RowsWithoutRangeAndWithoutEndAreNoFault) {
  std::vector<uint8_t> bytes(40);
  std::vector<float> values(40, 0.0F);
  EXPECT_EQ(quantize_row(values, 255, bytes).scale, 1.0F);
  EXPECT_EQ(bytes, std::vector<uint8_t>(40, 0));
  values[7] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(quantize_row(values, 255, bytes).scale));
  values[7] = std::numeric_limits<float>::quiet_NaN();
  (void)quantize_row(values, 255, bytes);
}

TEST_P(TransformerKernels, DequantizeIsThePlainLoop) {
  for (size_t size = 1; size <= kMaxSize; ++size) {
    std::vector<int32_t> sums(size), column_sums(size);
    for (size_t i = 0; i < size; ++i) {
      sums[i] = static_cast<int32_t>(i * 7919) - 40'000;
      column_sums[i] = static_cast<int32_t>(i) * 31 - 300;
    }
    const auto scales = floats(size, 0.1);
    const auto bias = floats(size);
    std::vector<float> out(size);
    dequantize_row(sums, {0.003F, 117}, column_sums, scales, bias, out);
    for (size_t i = 0; i < size; ++i) {
      const double expected =
          double(sums[i] - 117 * column_sums[i]) * 0.003 * double{scales[i]} + double{bias[i]};
      EXPECT_NEAR(out[i], expected, 1e-4 * std::max(1.0, std::abs(expected)));
    }
  }
}

}  // namespace
}  // namespace weir::simd
