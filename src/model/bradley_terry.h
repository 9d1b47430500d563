// Bradley-Terry ratings by maximum likelihood: P(i beats j) = 1 / (1 + exp(r_j - r_i)). Newton's
// method on the weighted wins alone, so that the number of battles does not matter. Pure,
// thread-safe; no allocation once `memory` is warm.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace weir::model {

// `wins` [n, n]: the weight of the wins of i over j; a tie counts half for each. The diagonal does
// not count. Ratings are in natural units, mean 0. Who never loses has no finite maximum: the
// negative log-likelihood, divided by the total weight, gets kRatingPull / 2 times the sum of
// squared ratings, which bounds them (by about 20) and leaves others as they are to 1e-8.
inline constexpr double kRatingPull = 1e-9;
void bradley_terry(std::span<const double> wins, std::span<double> ratings,
                   std::vector<double>& memory);

// As published tables give them: 400 ln 10 units apart for odds of 10, 1000 in the middle.
inline double elo_of(double rating) {
  return 1000 + 400 / std::log(10.0) * rating;
}
inline double win_probability(double rating, double other) {
  return 1 / (1 + std::exp(other - rating));
}

}  // namespace weir::model
