#include "catalog/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir::catalog {
namespace {

// Quality is given in a few decimal digits; their binary forms must not decide a contract.
constexpr double kRounding = 1e-12;

std::expected<void, Error> check_share(std::string_view name, double value) {
  if (value >= 0 && value <= 1) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} is {}, it must be 0..1", name, value));
}

std::expected<void, Error> check_positive(std::string_view name, double value) {
  if (value > 0 && std::isfinite(value)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is {}, it must be more than 0", name, value));
}

std::expected<void, Error> check(const EstimateInput& input) {
  TRY(check_positive("the cost of a weak call", input.weak_call_usd));
  TRY(check_positive("the cost of a strong call", input.strong_call_usd));
  TRY(check_positive("the number of days", input.days));
  TRY(check_share("the weak share", input.weak_share));
  TRY(check_share("the quality to keep", input.keep));
  if (!(input.verify_share >= 0) || !std::isfinite(input.verify_share))
    return fail(ErrorCode::kInvalidArgument, "the cost of the check must be 0 or more");
  if (input.queries_per_day.has_value() == input.monthly_usd.has_value())
    return fail(ErrorCode::kInvalidArgument,
                "give either the queries of a day or the cost of a month, not both");
  if (input.queries_per_day) TRY(check_positive("the number of queries", *input.queries_per_day));
  if (input.monthly_usd) TRY(check_positive("the cost of a month", *input.monthly_usd));
  if (input.quality) {
    TRY(check_share("the weak model's quality on easy queries", input.quality->easy));
    TRY(check_share("the weak model's quality on hard queries", input.quality->hard));
    TRY(check_share("the misrouted share", input.quality->misroute));
  }
  return {};
}

// In units of a strong call.
double routed_call(const EstimateInput& input) {
  const double weak_call = input.weak_call_usd / input.strong_call_usd;
  const double strong_share = 1 - input.weak_share;
  if (input.strategy == Strategy::kCascade) return weak_call + input.verify_share + strong_share;
  return input.weak_share * weak_call + strong_share;
}

void add_quality(const EstimateInput& input, Estimate& out) {
  const QualityAssumption& q = *input.quality;
  const double weak_quality = (1 - q.misroute) * q.easy + q.misroute * q.hard;
  out.expected_quality = input.weak_share * weak_quality + (1 - input.weak_share);
  out.contract_met = *out.expected_quality >= input.keep - kRounding;
  out.max_weak_fraction =
      weak_quality >= 1 ? 1 : std::min(1.0, (1 - input.keep) / (1 - weak_quality));
}

}  // namespace

std::expected<Estimate, Error> estimate(const EstimateInput& input) {
  TRY(check(input));
  Estimate out;
  out.n_queries = input.queries_per_day;
  out.all_strong_usd = input.monthly_usd
                           ? *input.monthly_usd
                           : *input.queries_per_day * input.days * input.strong_call_usd;
  const double routed = routed_call(input);
  out.routed_usd = out.all_strong_usd * routed;
  out.saved_usd = out.all_strong_usd - out.routed_usd;
  out.cost_reduction = 1 / routed;
  out.cost_ratio = input.strong_call_usd / input.weak_call_usd;
  if (input.quality) add_quality(input, out);
  return out;
}

std::optional<double> call_usd(const Price& price, double input_tokens, double output_tokens) {
  if (!price.known()) return std::nullopt;
  const PriceTier* tier = &price.tiers.front();
  for (const PriceTier& candidate : price.tiers)
    if (input_tokens > static_cast<double>(candidate.above_input_tokens)) tier = &candidate;
  return (input_tokens * static_cast<double>(tier->input_picousd) +
          output_tokens * static_cast<double>(tier->output_picousd)) /
         1e12;
}

}  // namespace weir::catalog
