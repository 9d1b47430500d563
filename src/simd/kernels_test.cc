#include "simd/kernels.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "simd/reference.h"

namespace weir::simd {
namespace {

constexpr size_t kMaxSize = 67;
constexpr size_t kMaxOffset = 3;  // elements by which a span starts behind an aligned address

// Every test below runs once for each CPU level that this machine can execute.
class Kernels : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }

  std::vector<float> floats(size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values)
      value = normal(random_);
    return values;
  }
  std::vector<int8_t> bytes(size_t count) {
    std::uniform_int_distribution<int> uniform(-128, 127);
    std::vector<int8_t> values(count);
    for (int8_t& value : values)
      value = static_cast<int8_t>(uniform(random_));
    return values;
  }

  std::mt19937 random_{20261123};
};

std::vector<int64_t> executable_targets() {
  std::vector<int64_t> targets;
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    targets.push_back(rest & -rest);
  }
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, Kernels, testing::ValuesIn(executable_targets()),
                         [](const auto& target) { return hwy::TargetName(target.param); });

TEST_P(Kernels, DotOfFloatsEqualsReference) {
  const auto left = floats(kMaxSize + kMaxOffset);
  const auto right = floats(kMaxSize + kMaxOffset);
  for (size_t offset = 0; offset <= kMaxOffset; ++offset) {
    for (size_t size = 0; size <= kMaxSize; ++size) {
      const std::span<const float> a(left.data() + offset, size);
      const std::span<const float> b(right.data() + kMaxOffset - offset, size);
      const double bound = 1e-6 * (1 + reference::dot(a, a) + reference::dot(b, b));
      EXPECT_NEAR(dot(a, b), reference::dot(a, b), bound) << size << " at " << offset;
    }
  }
}

TEST_P(Kernels, DotOfInt8IsExact) {
  const auto left = bytes(kMaxSize + kMaxOffset);
  const auto right = bytes(kMaxSize + kMaxOffset);
  for (size_t offset = 0; offset <= kMaxOffset; ++offset) {
    for (size_t size = 0; size <= kMaxSize; ++size) {
      const std::span<const int8_t> a(left.data() + offset, size);
      const std::span<const int8_t> b(right.data() + kMaxOffset - offset, size);
      EXPECT_EQ(dot(a, b), reference::dot(a, b)) << size << " at " << offset;
    }
  }
}

TEST_P(Kernels, DotOfInt8DoesNotOverflowAtItsLargestSize) {
  const std::vector<int8_t> lowest(size_t{1} << 16, int8_t{-128});
  EXPECT_EQ(dot(lowest, lowest), 1 << 30);
}

TEST_P(Kernels, AddRowsEqualsReferenceForEveryWidth) {
  constexpr size_t kRows = 9;
  const auto scales = floats(kRows);
  const std::vector<std::vector<uint32_t>> choices = {
      {}, {4}, {0, 8}, {3, 3, 3}, {8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 2}};
  for (size_t offset = 0; offset <= kMaxOffset; ++offset) {
    for (size_t columns = 0; columns <= kMaxSize; ++columns) {
      const auto values = bytes(kRows * columns + offset);
      const Int8Rows table{std::span(values).subspan(offset), scales, columns};
      for (const auto& rows : choices) {
        std::vector<float> found(columns + offset + 1, 7.0F);
        std::vector<float> expected(columns, 7.0F);
        add_rows(table, rows, std::span(found).subspan(offset, columns));
        reference::add_rows(table, rows, expected);
        for (size_t i = 0; i < columns; ++i) {
          ASSERT_NEAR(found[offset + i], expected[i], 2e-3) << columns << " columns, column " << i;
        }
        ASSERT_EQ(found.back(), 7.0F) << "wrote behind the end at " << columns << " columns";
      }
    }
  }
}

TEST_P(Kernels, AddRowsAtTheEmbeddersWidth) {
  constexpr size_t kRows = 500;
  constexpr size_t kColumns = 256;
  const auto values = bytes(kRows * kColumns);
  const auto scales = floats(kRows);
  std::vector<uint32_t> rows(kRows);
  for (size_t i = 0; i < kRows; ++i)
    rows[i] = static_cast<uint32_t>((i * 7919) % kRows);
  std::vector<float> found(kColumns, 0.5F);
  std::vector<float> expected(kColumns, 0.5F);
  add_rows({values, scales, kColumns}, rows, found);
  reference::add_rows({values, scales, kColumns}, rows, expected);
  for (size_t i = 0; i < kColumns; ++i)
    ASSERT_NEAR(found[i], expected[i], 0.02) << i;
}

TEST_P(Kernels, NormalizeGivesUnitVectorsAndKeepsZero) {
  for (size_t offset = 0; offset <= kMaxOffset; ++offset) {
    for (size_t size = 1; size <= kMaxSize; ++size) {
      auto found = floats(size + offset);
      auto expected = found;
      const float norm = normalize(std::span(found).subspan(offset));
      const double expected_norm = reference::normalize(std::span(expected).subspan(offset));
      EXPECT_NEAR(norm, expected_norm, 1e-5 * expected_norm);
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], expected[i], 1e-6);
    }
  }
  std::vector<float> zero(kMaxSize, 0.0F);
  EXPECT_EQ(normalize(zero), 0.0F);
  EXPECT_EQ(zero, std::vector<float>(kMaxSize, 0.0F));
  EXPECT_EQ(normalize({}), 0.0F);
}

}  // namespace
}  // namespace weir::simd
