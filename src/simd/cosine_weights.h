// The weights of similarity-weighted ranking. Pure, thread-safe, no allocation.
#pragma once

#include <span>

namespace weir::simd {

// similarity becomes 10 * 10^(similarity / largest similarity). Where none is above 0 the quotient
// would turn the order round, and there is nothing similar to go by: every weight becomes 100.
void cosine_weights(std::span<float> similarities);

}  // namespace weir::simd
