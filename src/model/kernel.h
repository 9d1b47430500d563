// The arithmetic of kind kernel that training and serving share: the likeness of a query to some
// labelled queries, its anchors, k = exp(kKernelWidth (cosine - 1)). Pure, thread-safe.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::model {

inline constexpr double kKernelWidth = 6;
inline constexpr size_t kMostKernelAnchors = 1024;

namespace section {
inline constexpr std::string_view kKernelAnchors = "kernel_anchors";  // bytes [anchors, dimension]
inline constexpr std::string_view kKernelScales = "kernel_scales";    // [anchors], > 0
inline constexpr std::string_view kKernelWeights = "kernel_weights";  // [anchors]
}  // namespace section

// Writes `vector` as whole steps of the returned size, at most 127 of them; all 0 for a zero vector
// (the step is then 1). Requires equal sizes.
float quantize(std::span<const float> vector, std::span<int8_t> out) noexcept;

}  // namespace weir::model
