#include "simd/cosine_rows.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/random.h"
#include "simd/reference.h"

namespace weir::simd {
namespace {

std::vector<int8_t> random_bytes(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int8_t> values(count);
  for (int8_t& value : values)
    value = static_cast<int8_t>(static_cast<int>(random.below(255)) - 127);
  return values;
}

std::span<const int8_t> row_of(const std::vector<int8_t>& rows, size_t row, size_t columns) {
  return std::span(rows).subspan(row * columns, columns);
}

void expect_equal_to_reference(size_t count, size_t columns, size_t queries) {
  const auto rows = random_bytes(count * columns, count);
  const auto asked = random_bytes(queries * columns, columns + 1000);
  const CosineRows table(rows, columns);
  ASSERT_EQ(table.size(), count);
  std::vector<float> out(queries * count, 7);
  table.similarities(asked, out);
  for (size_t query = 0; query < queries; ++query)
    for (size_t row = 0; row < count; ++row)
      ASSERT_NEAR(out[query * count + row],
                  reference::cosine(row_of(asked, query, columns), row_of(rows, row, columns)),
                  3e-7)
          << count << " rows, " << columns << " columns, query " << query << ", row " << row;
}

TEST(CosineRows, EqualsTheReferenceOnEveryLevelOfTheCpu) {
  const int64_t supported = hwy::SupportedTargets();
  for (int64_t levels = supported; levels != 0; levels &= levels - 1) {
    hwy::SetSupportedTargetsForTest(levels & -levels);
    for (const size_t count : {1, 2, 15, 16, 17, 33, 50})
      for (const size_t columns : {1, 3, 4, 5, 31, 64, 67, 256})
        expect_equal_to_reference(count, columns, 1 + count % 6);
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(CosineRows, ExtremeValuesDoNotSaturate) {
  const size_t columns = 512;
  std::vector<int8_t> rows(2 * columns, 127);
  std::fill_n(rows.begin(), columns, int8_t{-127});
  const CosineRows table(rows, columns);
  std::array<float, 2> out{};
  table.similarities(std::span(rows).first(columns), out);
  EXPECT_NEAR(out[0], 1, 1e-6);
  EXPECT_NEAR(out[1], -1, 1e-6);
}

TEST(CosineRows, ZeroVectorsHaveCosineZero) {
  const std::vector<int8_t> rows{0, 0, 3, 4};
  const CosineRows table(rows, 2);
  std::array<float, 2> out{};
  table.similarities(std::array<int8_t, 2>{4, 3}, out);
  EXPECT_EQ(out[0], 0);
  EXPECT_NEAR(out[1], 0.96, 1e-6);
  table.similarities(std::array<int8_t, 2>{0, 0}, out);
  EXPECT_EQ(out[1], 0);
  EXPECT_EQ(CosineRows().size(), 0U);
}

TEST(Quantize, KeepsTheDirection) {
  std::array<int8_t, 4> out{};
  quantize(std::array{0.5F, -1.0F, 0.25F, 0.0F}, out);
  EXPECT_EQ(out, (std::array<int8_t, 4>{64, -127, 32, 0}));
  quantize(std::array{0.0F, 0.0F, 0.0F, 0.0F}, out);
  EXPECT_EQ(out, (std::array<int8_t, 4>{0, 0, 0, 0}));
}

}  // namespace
}  // namespace weir::simd
