#include "simd/cosine_weights.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/cosine_weights.cc"
#include <hwy/foreach_target.h>  // compiles this file again for every CPU level
#include <hwy/highway.h>

// Behind the lines above: it is compiled for every level, too.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

HWY_ATTR float largest(const float* values, size_t size) {
  const hn::ScalableTag<float> tag;
  const size_t lanes = hn::Lanes(tag);
  auto most = hn::Set(tag, -2.0F);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes)
    most = hn::Max(most, hn::LoadU(tag, values + i));
  float result = hn::GetLane(hn::MaxOfLanes(tag, most));
  for (; i < size; ++i)
    result = std::max(result, values[i]);
  return result;
}

// value = first * e^(factor * value).
HWY_ATTR void exponentiate(float* values, size_t size, float factor, float first) {
  const hn::ScalableTag<float> tag;
  const size_t lanes = hn::Lanes(tag);
  const auto factors = hn::Set(tag, factor);
  const auto firsts = hn::Set(tag, first);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto exponent = hn::Mul(hn::LoadU(tag, values + i), factors);
    hn::StoreU(hn::Mul(firsts, hn::Exp(tag, exponent)), tag, values + i);
  }
  for (; i < size; ++i)
    values[i] = first * std::exp(values[i] * factor);
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {

HWY_EXPORT(largest);
HWY_EXPORT(exponentiate);

void cosine_weights(std::span<float> similarities) {
  constexpr float kLn10 = 2.302585093F;
  const float most = HWY_DYNAMIC_DISPATCH(largest)(similarities.data(), similarities.size());
  if (!(most > 0)) {
    std::ranges::fill(similarities, 100.0F);
    return;
  }
  HWY_DYNAMIC_DISPATCH(exponentiate)
  (similarities.data(), similarities.size(), kLn10 / most, 10.0F);
}

}  // namespace weir::simd
#endif
