// The kernels of simd/kernels.h as plain loops: what they mean, and what their tests compare with.
// Sums are in double, so that the difference to a kernel is the kernel's own rounding.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "simd/kernels.h"

namespace weir::simd::reference {

inline void add_rows(const Int8Rows& table, std::span<const uint32_t> rows, std::span<float> out) {
  for (size_t column = 0; column < table.columns; ++column) {
    double sum = 0;
    for (const uint32_t row : rows) {
      sum += double{table.scales[row]} * table.values[row * table.columns + column];
    }
    out[column] = static_cast<float>(out[column] + sum);
  }
}

inline double dot(std::span<const float> left, std::span<const float> right) {
  double sum = 0;
  for (size_t i = 0; i < left.size(); ++i)
    sum += double{left[i]} * right[i];
  return sum;
}

inline int64_t dot(std::span<const int8_t> left, std::span<const int8_t> right) {
  int64_t sum = 0;
  for (size_t i = 0; i < left.size(); ++i)
    sum += int64_t{left[i]} * right[i];
  return sum;
}

// 0 for a zero vector.
inline double cosine(std::span<const int8_t> left, std::span<const int8_t> right) {
  const auto norms = static_cast<double>(dot(left, left)) * static_cast<double>(dot(right, right));
  return norms > 0 ? static_cast<double>(dot(left, right)) / std::sqrt(norms) : 0;
}

inline double normalize(std::span<float> values) {
  const double norm = std::sqrt(dot(values, values));
  if (norm == 0) return 0;
  for (float& value : values)
    value = static_cast<float>(value / norm);
  return norm;
}

}  // namespace weir::simd::reference
