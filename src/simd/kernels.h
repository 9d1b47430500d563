// Vector kernels on spans, compiled once per CPU level and chosen at the first call (Highway's
// run-time dispatch), so that one binary uses AVX-512, AVX2 or SSE as it finds them.
// Each has a plain loop with the same contract in simd/reference.h, which the tests compare.
// Pure functions, thread-safe, no allocation, no alignment needed, any size including 0. Results
// may differ between CPU levels in the last bits, because sums are taken in another order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::simd {

// A matrix [rows, columns] int8, row-major, with one scale per row: element = value * scale.
// Views only; the memory belongs to whoever made it.
struct Int8Rows {
  std::span<const int8_t> values;  // [rows * columns]
  std::span<const float> scales;   // [rows]
  size_t columns = 0;
};

// Adds to out [columns] the rows named in `rows` (repeats count each time).
// Every column is summed in the order of `rows`. Requires every row < table.scales.size().
void add_rows(const Int8Rows& table, std::span<const uint32_t> rows, std::span<float> out);

// Requires equal sizes.
float dot(std::span<const float> left, std::span<const float> right);

// Exact for up to 2^16 elements. Requires equal sizes.
int32_t dot(std::span<const int8_t> left, std::span<const int8_t> right);

// Divides `values` by their Euclidean norm and returns that norm; a zero vector stays as it is.
float normalize(std::span<float> values);

}  // namespace weir::simd
