#include "simd/kernels.h"

#include <cmath>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/kernels.cc"
#include <hwy/foreach_target.h>  // compiles this file again for every CPU level
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using ByteTag = hn::Rebind<int8_t, FloatTag>;

// One vector of int8 values as floats.
HWY_ATTR inline hn::Vec<FloatTag> load_bytes(const int8_t* from) {
  return hn::ConvertTo(FloatTag(), hn::PromoteTo(IntTag(), hn::LoadU(ByteTag(), from)));
}

// The columns from `column` on, kVectors vectors of them, stay in registers over all rows.
template <size_t kVectors>
HWY_ATTR void sum_columns(const Int8Rows& table, std::span<const uint32_t> rows, size_t column,
                          float* out) {
  const FloatTag tag;
  const size_t lanes = hn::Lanes(tag);
  hn::Vec<FloatTag> sums[kVectors];
  for (auto& sum : sums)
    sum = hn::Zero(tag);
  const int8_t* values = table.values.data() + column;
  for (const uint32_t row : rows) {
    const auto scale = hn::Set(tag, table.scales[row]);
    const int8_t* from = values + row * table.columns;
    for (size_t i = 0; i < kVectors; ++i) {
      sums[i] = hn::MulAdd(load_bytes(from + i * lanes), scale, sums[i]);
    }
  }
  for (size_t i = 0; i < kVectors; ++i) {
    float* to = out + column + i * lanes;
    hn::StoreU(hn::Add(hn::LoadU(tag, to), sums[i]), tag, to);
  }
}

HWY_ATTR void add_rows(const Int8Rows& table, std::span<const uint32_t> rows, float* out) {
  const size_t lanes = hn::Lanes(FloatTag());
  size_t column = 0;
  for (; column + 8 * lanes <= table.columns; column += 8 * lanes) {
    sum_columns<8>(table, rows, column, out);
  }
  for (; column + lanes <= table.columns; column += lanes) {
    sum_columns<1>(table, rows, column, out);
  }
  for (; column < table.columns; ++column) {
    float sum = 0;
    for (const uint32_t row : rows) {
      sum += table.scales[row] * static_cast<float>(table.values[row * table.columns + column]);
    }
    out[column] += sum;
  }
}

HWY_ATTR float dot_f32(const float* left, const float* right, size_t size) {
  const FloatTag tag;
  const size_t lanes = hn::Lanes(tag);
  auto even = hn::Zero(tag);
  auto odd = hn::Zero(tag);
  size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    even = hn::MulAdd(hn::LoadU(tag, left + i), hn::LoadU(tag, right + i), even);
    odd = hn::MulAdd(hn::LoadU(tag, left + i + lanes), hn::LoadU(tag, right + i + lanes), odd);
  }
  float sum = hn::GetLane(hn::SumOfLanes(tag, hn::Add(even, odd)));
  for (; i < size; ++i)
    sum += left[i] * right[i];
  return sum;
}

HWY_ATTR int32_t dot_int8(const int8_t* left, const int8_t* right, size_t size) {
  const IntTag tag;
  const size_t lanes = hn::Lanes(tag);
  auto sums = hn::Zero(tag);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto a = hn::PromoteTo(tag, hn::LoadU(ByteTag(), left + i));
    const auto b = hn::PromoteTo(tag, hn::LoadU(ByteTag(), right + i));
    sums = hn::Add(sums, hn::Mul(a, b));
  }
  int32_t sum = hn::GetLane(hn::SumOfLanes(tag, sums));
  for (; i < size; ++i)
    sum += left[i] * right[i];
  return sum;
}

HWY_ATTR void scale_f32(float* values, size_t size, float factor) {
  const FloatTag tag;
  const size_t lanes = hn::Lanes(tag);
  const auto factors = hn::Set(tag, factor);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(hn::Mul(hn::LoadU(tag, values + i), factors), tag, values + i);
  }
  for (; i < size; ++i)
    values[i] *= factor;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {

HWY_EXPORT(add_rows);
HWY_EXPORT(dot_f32);
HWY_EXPORT(dot_int8);
HWY_EXPORT(scale_f32);

void add_rows(const Int8Rows& table, std::span<const uint32_t> rows, std::span<float> out) {
  CHECK(out.size() == table.columns);
  HWY_DYNAMIC_DISPATCH(add_rows)(table, rows, out.data());
}

float dot(std::span<const float> left, std::span<const float> right) {
  CHECK(left.size() == right.size());
  return HWY_DYNAMIC_DISPATCH(dot_f32)(left.data(), right.data(), left.size());
}

int32_t dot(std::span<const int8_t> left, std::span<const int8_t> right) {
  CHECK(left.size() == right.size());
  return HWY_DYNAMIC_DISPATCH(dot_int8)(left.data(), right.data(), left.size());
}

float normalize(std::span<float> values) {
  const float norm = std::sqrt(dot(values, values));
  if (norm > 0) HWY_DYNAMIC_DISPATCH(scale_f32)(values.data(), values.size(), 1.0F / norm);
  return norm;
}

}  // namespace weir::simd
#endif
