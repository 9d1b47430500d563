// The arithmetic of kind kernel that training and serving share: the likeness of a query to some
// labelled queries, its anchors, k = exp(kKernelWidth (cosine - 1)). Pure, thread-safe.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::model {

inline constexpr double kKernelWidth = 6;
inline constexpr size_t kMostKernelAnchors = 1024;

namespace section {
inline constexpr std::string_view kKernelAnchors = "kernel_anchors";  // bytes [anchors, dimension]
inline constexpr std::string_view kKernelScales = "kernel_scales";    // [anchors], > 0
inline constexpr std::string_view kKernelWeights = "kernel_weights";  // [anchors], of the gap
inline constexpr std::string_view kKernelEase = "kernel_ease";        // [anchors]
inline constexpr std::string_view kGapShape = "gap_shape";            // GapShape's numbers
}  // namespace section

// The gap from what the kernel predicts of gap and ease (q_strong + q_weak): linear in the gap, and
// bent by a quadratic in both, each in standard deviations and kept within three of them. Queries
// that both models answer and those that neither does have no gap, so it falls at both ends.
struct GapShape {
  static constexpr size_t kSize = 10;  // numbers, in this order
  double gap_mean = 0, gap_sd = 1, ease_mean = 0, ease_sd = 1;
  double offset = 0, linear = 1;
  std::array<double, 4> weights{};  // of the terms

  std::array<double, 4> terms(double gap, double ease) const noexcept;
  double operator()(double gap, double ease) const noexcept;
};

// Writes `vector` as whole steps of the returned size, at most 127 of them; all 0 for a zero vector
// (the step is then 1). Requires equal sizes.
float quantize(std::span<const float> vector, std::span<int8_t> out) noexcept;

}  // namespace weir::model
