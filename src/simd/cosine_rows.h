// Cosines of one or several int8 vectors with all rows of a matrix: the scan behind nearest
// neighbours and similarity-weighted ranking. Exact for the int8 values: sums are integers, only
// the division by the norms is float. The plain form is simd/reference.h.
// Immutable after construction and thread-safe; similarities() does not allocate. The level of the
// CPU (AVX-512 with or without VNNI, AVX2, SSE) is chosen at the first call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::simd {

class CosineRows {
 public:
  CosineRows() = default;
  // `rows` is [n, columns], row-major; copied. Requires 0 < columns <= 2^15 and a whole number of
  // rows.
  CosineRows(std::span<const int8_t> rows, size_t columns);

  size_t size() const { return inverse_norms_.size(); }
  size_t columns() const { return columns_; }

  // Writes out[q, size()], row-major, for `queries` [q, columns]. The cosine with a zero vector is
  // 0. Four queries at once cost little more than one, because the rows are read once.
  void similarities(std::span<const int8_t> queries, std::span<float> out) const;

 private:
  size_t columns_ = 0;
  size_t quads_ = 0;  // of columns: columns_ / 4, rounded up
  // [tile][quad][row of the tile][column of the quad], value + 128, short rows and tiles padded
  // with value 0: a vector register then holds the same columns of many rows.
  std::vector<uint8_t> tiles_;
  std::vector<float> inverse_norms_;
};

// The nearest int8 vector of the same direction: value * 127 / largest |value|, rounded. A zero
// vector stays zero. Requires equal sizes and finite values.
void quantize(std::span<const float> values, std::span<int8_t> out);

}  // namespace weir::simd
