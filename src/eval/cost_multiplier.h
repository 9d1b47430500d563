// "How many times cheaper at what loss of quality": the best cost multiplier of a router on rows
// with known qualities, under two limits:
//   keep       mean quality of the routed answers >= keep x that of all-strong
//   max_worse  share of ALL queries that weak answers worse than strong would <= max_worse
// Cost of a query: the router's own cost plus the call of the model that it picks. The multiplier
// is that of all-strong (which pays no router) over it.
// Cuts lie between different scores: a threshold cannot split rows of equal score, so nothing is
// interpolated. Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "stats/interval.h"

namespace weir::eval {

// Dollars of one call, one value a model for all rows.
struct CallCosts {
  double weak_usd = 0;
  double strong_usd = 1;
  double router_usd = 0;  // per query
};

// c_strong / (c_router + share c_strong + (1 - share) c_weak).
double cost_multiplier(double strong_share, const CallCosts& costs);

struct MultiplierLimits {
  std::optional<double> keep = 0.95;
  std::optional<double> max_worse = {};
};

enum class Binding { kNothing, kKeep, kMaxWorse };
std::string_view to_string(Binding binding);

struct MultiplierPoint {
  double threshold = 0;  // strong where score >= threshold; infinite: no query goes to strong
  double strong_share = 1;
  double quality = 0;
  double quality_ratio = 1;  // of all-strong's
  double worse_share = 0;
  double multiplier = 1;
  // The limit that a cut with fewer strong calls would break; kNothing when none goes to strong.
  Binding binding = Binding::kNothing;
};

struct MultiplierResult {
  MultiplierPoint best;
  // 95 % percentile bootstrap of `best.multiplier` over the rows: each resample picks its own cut,
  // as a user who sets a threshold on so many rows would.
  std::optional<stats::Interval> multiplier_ci95;
};

struct MultiplierRows {
  std::span<const double> score;  // larger: strong
  std::span<const double> weak;   // quality of the weak answer, in [0, 1]
  std::span<const double> strong;
};

// The cut with the fewest strong calls that keeps all limits; sending everything to strong always
// does. Requires rows of equal sizes, at least one.
MultiplierPoint best_multiplier(const MultiplierRows& rows, const CallCosts& costs,
                                const MultiplierLimits& limits);

// The same with an interval.
MultiplierResult measure_multiplier(const MultiplierRows& rows, const CallCosts& costs,
                                    const MultiplierLimits& limits, uint64_t seed,
                                    int resamples = 1000);

}  // namespace weir::eval
