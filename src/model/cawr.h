// Calibrated weighted random: a calibrated probability turned into a randomised choice whose
// propensity stays in [explore, 1 - explore], so that logged traffic can be evaluated off-policy.
// The name stands in an article about routing; no paper defines it, and this is weir's own reading:
//   k(x) = (m * prior + sum_i w_i y_i) / (m + sum_i w_i), w_i = s_i exp((cos(x, a_i) - 1) / width)
//   p(x) = sigmoid(slope * logit(k(x)) + offset)                            (Platt, out of fold)
//   P(strong | x) = e + (1 - 2 e) * o / (1 + o), o = odds(p(x)) / odds(even)
// over anchors a_i with labels y_i and sample weights s_i; `even` is the probability at which the
// coin is fair. The draw itself is policy::choose's. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/router_file.h"

namespace weir::model {

// Of a router of kind cawr its bound e; nullopt for every other kind.
std::optional<double> explore_of(const RouterFile& file);

// P(strong) for a calibrated probability p in [0, 1]. Rises with p. Requires 0 < explore < 0.5 and
// 0 < even < 1.
double drawn_probability(double p, double even, double explore);

// The similarity of two anchors by their int8 vectors, of length 127 before rounding.
double anchor_cosine(std::span<const int8_t> left, std::span<const int8_t> right);
// Writes the unit vector as int8. Requires equal sizes.
void quantize_unit(std::span<const float> vector, std::span<int8_t> out);

}  // namespace weir::model
