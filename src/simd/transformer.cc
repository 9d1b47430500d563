#include "simd/transformer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/transformer.cc"
#include <hwy/foreach_target.h>  // compiles this file again for every CPU level
#include <hwy/highway.h>

// Behind the lines above: it is compiled for every level, too.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using ByteTag = hn::Rebind<uint8_t, FloatTag>;
using Floats = hn::Vec<FloatTag>;

// Calls step(tag, i) for whole vectors, then for single elements.
template <typename Step>
HWY_ATTR inline void for_lanes(size_t size, Step&& step) {
  const FloatTag tag;
  const size_t lanes = hn::Lanes(tag);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes)
    step(tag, i);
  for (; i < size; ++i)
    step(hn::CappedTag<float, 1>(), i);
}

HWY_ATTR void add_f32(float* values, const float* addend, size_t size) {
  for_lanes(size, [&](auto tag, size_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(tag, values + i), hn::LoadU(tag, addend + i)), tag, values + i);
  });
}

HWY_ATTR float sum_f32(const float* values, size_t size) {
  float total = 0;
  auto sums = hn::Zero(FloatTag());
  const size_t lanes = hn::Lanes(FloatTag());
  size_t i = 0;
  for (; i + lanes <= size; i += lanes)
    sums = hn::Add(sums, hn::LoadU(FloatTag(), values + i));
  total = hn::GetLane(hn::SumOfLanes(FloatTag(), sums));
  for (; i < size; ++i)
    total += values[i];
  return total;
}

// Sum of (value - mean)^2.
HWY_ATTR float spread_f32(const float* values, size_t size, float mean) {
  const FloatTag tag;
  const auto means = hn::Set(tag, mean);
  auto sums = hn::Zero(tag);
  const size_t lanes = hn::Lanes(tag);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto difference = hn::Sub(hn::LoadU(tag, values + i), means);
    sums = hn::MulAdd(difference, difference, sums);
  }
  float total = hn::GetLane(hn::SumOfLanes(tag, sums));
  for (; i < size; ++i)
    total += (values[i] - mean) * (values[i] - mean);
  return total;
}

HWY_ATTR void normalize_layer(float* values, const float* gain, const float* bias, size_t size,
                              float epsilon) {
  const float count = static_cast<float>(size);
  const float mean = sum_f32(values, size) / count;
  const float factor = 1 / std::sqrt(spread_f32(values, size, mean) / count + epsilon);
  for_lanes(size, [&](auto tag, size_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(tag, values + i), hn::Set(tag, mean));
    const auto scaled = hn::Mul(hn::Mul(centred, hn::Set(tag, factor)), hn::LoadU(tag, gain + i));
    hn::StoreU(hn::Add(scaled, hn::LoadU(tag, bias + i)), tag, values + i);
  });
}

// erf by a rational function on [-4, 4], beyond which it is 1 in float: x P(x^2) / Q(x^2), the
// coefficients of Eigen's and XLA's single-precision erf.
template <typename Tag, typename V = hn::Vec<Tag>>
HWY_ATTR inline V erf_of(Tag tag, V wide) {
  const V x = hn::Min(hn::Max(wide, hn::Set(tag, -4.0F)), hn::Set(tag, 4.0F));
  const V square = hn::Mul(x, x);
  V top = hn::Set(tag, -2.72614225801306e-10F);
  top = hn::MulAdd(top, square, hn::Set(tag, 2.77068142495902e-08F));
  top = hn::MulAdd(top, square, hn::Set(tag, -2.10102402082508e-06F));
  top = hn::MulAdd(top, square, hn::Set(tag, -5.69250639462346e-05F));
  top = hn::MulAdd(top, square, hn::Set(tag, -7.34990630326855e-04F));
  top = hn::MulAdd(top, square, hn::Set(tag, -2.95459980854025e-03F));
  top = hn::MulAdd(top, square, hn::Set(tag, -1.60960333262415e-02F));
  V bottom = hn::Set(tag, -1.45660718464996e-05F);
  bottom = hn::MulAdd(bottom, square, hn::Set(tag, -2.13374055278905e-04F));
  bottom = hn::MulAdd(bottom, square, hn::Set(tag, -1.68282697438203e-03F));
  bottom = hn::MulAdd(bottom, square, hn::Set(tag, -7.37332916720468e-03F));
  bottom = hn::MulAdd(bottom, square, hn::Set(tag, -1.42647390514189e-02F));
  return hn::Div(hn::Mul(x, top), bottom);
}

HWY_ATTR void gelu_f32(float* values, size_t size) {
  for_lanes(size, [&](auto tag, size_t i) HWY_ATTR {
    const auto x = hn::LoadU(tag, values + i);
    const auto half = hn::Mul(x, hn::Set(tag, 0.5F));
    const auto erf = erf_of(tag, hn::Mul(x, hn::Set(tag, 0.70710678118654752F)));
    hn::StoreU(hn::MulAdd(half, erf, half), tag, values + i);
  });
}

HWY_ATTR void softmax_f32(float* values, size_t size, float factor) {
  float highest = values[0] * factor;
  for (size_t i = 1; i < size; ++i)
    highest = std::max(highest, values[i] * factor);
  for_lanes(size, [&](auto tag, size_t i) HWY_ATTR {
    const auto x =
        hn::MulSub(hn::LoadU(tag, values + i), hn::Set(tag, factor), hn::Set(tag, highest));
    hn::StoreU(hn::Exp(tag, x), tag, values + i);
  });
  const float share = 1 / sum_f32(values, size);
  for_lanes(size, [&](auto tag, size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(tag, values + i), hn::Set(tag, share)), tag, values + i);
  });
}

// out [kRows, kVectors * lanes] at `column`, all of it in registers over `inner`.
template <size_t kRows, size_t kVectors>
HWY_ATTR inline void multiply_block(ConstMatrix left, ConstMatrix right, Matrix out, size_t inner,
                                    size_t column) {
  const FloatTag tag;
  const size_t lanes = hn::Lanes(tag);
  Floats sums[kRows][kVectors];
  for (auto& row : sums)
    for (auto& sum : row)
      sum = hn::Zero(tag);
  for (size_t k = 0; k < inner; ++k) {
    const float* from = right.values + k * right.stride + column;
    Floats loaded[kVectors];
    for (size_t v = 0; v < kVectors; ++v)
      loaded[v] = hn::LoadU(tag, from + v * lanes);
    for (size_t r = 0; r < kRows; ++r) {
      const auto factor = hn::Set(tag, left.values[r * left.stride + k]);
      for (size_t v = 0; v < kVectors; ++v)
        sums[r][v] = hn::MulAdd(factor, loaded[v], sums[r][v]);
    }
  }
  for (size_t r = 0; r < kRows; ++r)
    for (size_t v = 0; v < kVectors; ++v)
      hn::StoreU(sums[r][v], tag, out.values + r * out.stride + column + v * lanes);
}

template <size_t kRows>
HWY_ATTR inline void multiply_rows(ConstMatrix left, ConstMatrix right, Matrix out, size_t inner,
                                   size_t columns) {
  const size_t lanes = hn::Lanes(FloatTag());
  size_t column = 0;
  for (; column + 2 * lanes <= columns; column += 2 * lanes)
    multiply_block<kRows, 2>(left, right, out, inner, column);
  for (; column + lanes <= columns; column += lanes)
    multiply_block<kRows, 1>(left, right, out, inner, column);
  for (; column < columns; ++column) {
    for (size_t r = 0; r < kRows; ++r) {
      float sum = 0;
      for (size_t k = 0; k < inner; ++k)
        sum += left.values[r * left.stride + k] * right.values[k * right.stride + column];
      out.values[r * out.stride + column] = sum;
    }
  }
}

HWY_ATTR void multiply_f32(ConstMatrix left, ConstMatrix right, Matrix out, size_t rows,
                           size_t inner, size_t columns) {
  constexpr size_t kRows = 4;
  size_t row = 0;
  for (; row < rows; row += kRows) {
    const ConstMatrix from{left.values + row * left.stride, left.stride};
    const Matrix to{out.values + row * out.stride, out.stride};
    if (row + kRows <= rows) {
      multiply_rows<kRows>(from, right, to, inner, columns);
      continue;
    }
    for (size_t r = 0; row + r < rows; ++r)
      multiply_rows<1>({from.values + r * from.stride, from.stride}, right,
                       {to.values + r * to.stride, to.stride}, inner, columns);
  }
}

// The lowest and the highest value, each at least as far out as 0.
HWY_ATTR std::pair<float, float> range_of(const float* values, size_t size) {
  const FloatTag tag;
  auto lowest = hn::Zero(tag);
  auto highest = hn::Zero(tag);
  const size_t lanes = hn::Lanes(tag);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto x = hn::LoadU(tag, values + i);
    lowest = hn::Min(lowest, x);
    highest = hn::Max(highest, x);
  }
  std::pair range(hn::GetLane(hn::MinOfLanes(tag, lowest)),
                  hn::GetLane(hn::MaxOfLanes(tag, highest)));
  for (; i < size; ++i)
    range = {std::min(range.first, values[i]), std::max(range.second, values[i])};
  return range;
}

HWY_ATTR void quantize_f32(const float* values, size_t size, float factor, float zero,
                           float highest, uint8_t* out) {
  const auto byte_of = [&](float value) {
    return std::min(std::max(value * factor + zero, 0.0F), highest);
  };
  const FloatTag tag;
  const size_t lanes = hn::Lanes(tag);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto wide =
        hn::MulAdd(hn::LoadU(tag, values + i), hn::Set(tag, factor), hn::Set(tag, zero));
    const auto kept = hn::Min(hn::Max(wide, hn::Zero(tag)), hn::Set(tag, highest));
    hn::StoreU(hn::DemoteTo(ByteTag(), hn::NearestInt(kept)), ByteTag(), out + i);
  }
  for (; i < size; ++i)
    out[i] = static_cast<uint8_t>(std::nearbyint(byte_of(values[i])));
}

HWY_ATTR void dequantize_i32(const int32_t* sums, RowScale row, const int32_t* column_sums,
                             const float* column_scales, const float* bias, size_t size,
                             float* out) {
  const FloatTag tag;
  const IntTag ints;
  const size_t lanes = hn::Lanes(tag);
  const auto zero = hn::Set(ints, row.zero);
  const auto scale = hn::Set(tag, row.scale);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto exact =
        hn::Sub(hn::LoadU(ints, sums + i), hn::Mul(zero, hn::LoadU(ints, column_sums + i)));
    const auto scales = hn::Mul(scale, hn::LoadU(tag, column_scales + i));
    hn::StoreU(hn::MulAdd(hn::ConvertTo(tag, exact), scales, hn::LoadU(tag, bias + i)), tag,
               out + i);
  }
  for (; i < size; ++i)
    out[i] =
        static_cast<float>(sums[i] - row.zero * column_sums[i]) * (row.scale * column_scales[i]) +
        bias[i];
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {

HWY_EXPORT(add_f32);
HWY_EXPORT(normalize_layer);
HWY_EXPORT(gelu_f32);
HWY_EXPORT(softmax_f32);
HWY_EXPORT(multiply_f32);
HWY_EXPORT(range_of);
HWY_EXPORT(quantize_f32);
HWY_EXPORT(dequantize_i32);

void layer_norm(std::span<float> values, std::span<const float> residual,
                std::span<const float> gain, std::span<const float> bias, float epsilon) {
  CHECK(gain.size() == values.size() && bias.size() == values.size() && !values.empty());
  if (!residual.empty()) add(values, residual);
  HWY_DYNAMIC_DISPATCH(normalize_layer)
  (values.data(), gain.data(), bias.data(), values.size(), epsilon);
}

void gelu(std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(gelu_f32)(values.data(), values.size());
}

void softmax(std::span<float> values, float factor) {
  if (!values.empty()) HWY_DYNAMIC_DISPATCH(softmax_f32)(values.data(), values.size(), factor);
}

void add(std::span<float> values, std::span<const float> addend) {
  CHECK(values.size() == addend.size());
  HWY_DYNAMIC_DISPATCH(add_f32)(values.data(), addend.data(), values.size());
}

void multiply(ConstMatrix left, ConstMatrix right, Matrix out, size_t rows, size_t inner,
              size_t columns) {
  HWY_DYNAMIC_DISPATCH(multiply_f32)(left, right, out, rows, inner, columns);
}

RowScale quantize_row(std::span<const float> values, int32_t highest, std::span<uint8_t> out) {
  CHECK(values.size() == out.size() && highest > 0 && highest <= 255);
  const auto [low, high] = HWY_DYNAMIC_DISPATCH(range_of)(values.data(), values.size());
  const float range = high - low;
  if (!std::isfinite(range) || range <= 0) {
    std::ranges::fill(out, uint8_t{0});
    return {std::isfinite(range) ? 1.0F : range, 0};
  }
  const float top = static_cast<float>(highest);
  const RowScale row{range / top, static_cast<int32_t>(std::nearbyint(-low / range * top))};
  HWY_DYNAMIC_DISPATCH(quantize_f32)
  (values.data(), values.size(), top / range, static_cast<float>(row.zero), top, out.data());
  return row;
}

void dequantize_row(std::span<const int32_t> sums, RowScale row,
                    std::span<const int32_t> column_sums, std::span<const float> column_scales,
                    std::span<const float> bias, std::span<float> out) {
  CHECK(column_sums.size() == sums.size() && column_scales.size() == sums.size() &&
        bias.size() == sums.size() && out.size() == sums.size());
  HWY_DYNAMIC_DISPATCH(dequantize_i32)
  (sums.data(), row, column_sums.data(), column_scales.data(), bias.data(), sums.size(),
   out.data());
}

}  // namespace weir::simd
#endif
