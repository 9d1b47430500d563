// What routing would save before it is deployed: the arithmetic of `weir estimate`. Expectations,
// so amounts are double dollars here and nowhere else.
// Left out on purpose, and said by the command: the router's own cost, cache loss, retries, and
// that a strong model may write more. Definitions: docs/report.md. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "base/error.h"
#include "catalog/usage.h"

namespace weir::catalog {

enum class Strategy {
  kRouting,  // decide, then one call
  kCascade,  // the weak model always, a check of its answer, then strong for what fails
};

struct QualityAssumption {
  double easy = 1;      // the weak model's quality relative to strong on queries it should get
  double hard = 0;      // on queries that should have gone to strong
  double misroute = 0;  // share of the weak calls that should have gone to strong
};

struct EstimateInput {
  Strategy strategy = Strategy::kRouting;
  double weak_call_usd = 0, strong_call_usd = 0;
  // Either the queries of a day, or what a month of all-strong costs today.
  std::optional<double> queries_per_day = {};
  std::optional<double> monthly_usd = {};
  double days = 30;         // of a month
  double weak_share = 0.7;  // answered by the weak model alone
  double verify_share = 0;  // cascade: cost of the check, in units of a strong call
  std::optional<QualityAssumption> quality = {};
  double keep = 0.95;  // least quality relative to all strong
};

struct Estimate {
  std::optional<double> n_queries;                           // a day
  double all_strong_usd = 0, routed_usd = 0, saved_usd = 0;  // a month
  double cost_reduction = 1;                                 // all strong / routed
  double cost_ratio = 1;                                     // strong call / weak call
  std::optional<double> expected_quality;
  std::optional<bool> contract_met;
  std::optional<double> max_weak_fraction;  // largest share that still keeps `keep`
};

// Fails: kInvalidArgument naming the value that makes no sense.
[[nodiscard]] std::expected<Estimate, Error> estimate(const EstimateInput& input);

// Dollars of one call at the tier that its length falls into. Unknown price: nullopt.
std::optional<double> call_usd(const Price& price, double input_tokens, double output_tokens);

}  // namespace weir::catalog
