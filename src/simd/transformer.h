// The parts of a transformer layer that are no large matrix product: normalisation, activation,
// softmax, the small products of attention, and the step between floats and bytes before and after
// an integer product. Sources: Ba et al. 2016 (layer norm), Hendrycks and Gimpel 2016 (GELU, exact
// form by erf), Vaswani et al. 2017 (attention).
// As in simd/kernels.h: compiled once per CPU level, pure, thread-safe, no allocation, no alignment
// needed. transformer_test.cc compares with plain loops in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::simd {

// values = (values + residual - mean) / sqrt(variance + epsilon) * gain + bias, over one row.
// Requires equal sizes; residual may be empty for none.
void layer_norm(std::span<float> values, std::span<const float> residual,
                std::span<const float> gain, std::span<const float> bias, float epsilon);

// x * (1 + erf(x / sqrt 2)) / 2, error below 1e-6 of max(1, |x|).
void gelu(std::span<float> values);

// values = softmax(values * factor); an empty span stays as it is.
void softmax(std::span<float> values, float factor);

void add(std::span<float> values, std::span<const float> addend);

// Row-major matrices inside larger ones; `stride` is the distance of two rows.
struct ConstMatrix {
  const float* values = nullptr;
  size_t stride = 0;
};
struct Matrix {
  float* values = nullptr;
  size_t stride = 0;
};
// out [rows, columns] = left [rows, inner] * right [inner, columns]. For the products of attention,
// whose sides are a head's width and the number of tokens; meant for matrices that fit the cache.
void multiply(ConstMatrix left, ConstMatrix right, Matrix out, size_t rows, size_t inner,
              size_t columns);

// How a row of floats stands as bytes: value = (byte - zero) * scale.
struct RowScale {
  float scale = 1;
  int32_t zero = 0;
};
// Spreads the range of the row, which always includes 0, over 0..highest (127 or 255). What is not
// finite gives bytes of no meaning, not undefined behaviour. Requires equal sizes.
RowScale quantize_row(std::span<const float> values, int32_t highest, std::span<uint8_t> out);

// out = (sums - zero * column_sums) * scale * column_scales + bias: the row of floats behind an
// integer product of that row's bytes with int8 columns. Requires equal sizes.
void dequantize_row(std::span<const int32_t> sums, RowScale row,
                    std::span<const int32_t> column_sums, std::span<const float> column_scales,
                    std::span<const float> bias, std::span<float> out);

}  // namespace weir::simd
