#include "catalog/estimate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace weir::catalog {
namespace {

double rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

Estimate of(const EstimateInput& input) {
  auto result = estimate(input);
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(Estimate{});
}

TEST(Estimate, SeventyPercentWeakAtATwentiethOfTheCost) {
  const Estimate e = of({.weak_call_usd = 0.001,
                         .strong_call_usd = 0.020,
                         .queries_per_day = 1,
                         .days = 1,
                         .weak_share = 0.70});
  EXPECT_NEAR(e.routed_usd, 0.0067, 1e-15);
  EXPECT_EQ(rounded(e.cost_reduction, 3), 2.985);
}

TEST(Estimate, DependsOnThePriceRatioAlone) {
  EXPECT_EQ(
      rounded(of({.weak_call_usd = 0.8, .strong_call_usd = 15, .monthly_usd = 1}).cost_reduction,
              3),
      2.964);
  EXPECT_EQ(
      rounded(of({.weak_call_usd = 1, .strong_call_usd = 5, .monthly_usd = 1}).cost_reduction, 2),
      2.27);
}

TEST(Estimate, AMillionQueriesADayAtTheReferencePrices) {
  const Price strong{.tiers = {{.input_picousd = 15'000'000, .output_picousd = 15'000'000}}};
  const Price weak{.tiers = {{.input_picousd = 800'000, .output_picousd = 800'000}}};
  const Estimate e = of({.weak_call_usd = *call_usd(weak, 500, 0),
                         .strong_call_usd = *call_usd(strong, 500, 0),
                         .queries_per_day = 1'000'000});
  EXPECT_EQ(rounded(e.all_strong_usd, 2), 225'000);
  EXPECT_EQ(rounded(e.routed_usd, 2), 75'900);
  EXPECT_EQ(rounded(e.saved_usd, 2), 149'100);
  EXPECT_EQ(rounded(e.cost_ratio, 6), 18.75);
  EXPECT_EQ(rounded(of({.weak_call_usd = 0.0004,
                        .strong_call_usd = 0.0075,
                        .queries_per_day = 1'000'000,
                        .weak_share = 1})
                        .saved_usd,
                    2),
            213'000);
  EXPECT_EQ(rounded(of({.weak_call_usd = 0.0004,
                        .strong_call_usd = 0.0075,
                        .queries_per_day = 1'000'000,
                        .days = 31})
                        .saved_usd,
                    2),
            154'070);
}

TEST(Estimate, FiftyThousandDollarsAMonth) {
  const Estimate e = of({.weak_call_usd = 0.8, .strong_call_usd = 15, .monthly_usd = 50'000});
  EXPECT_EQ(rounded(e.saved_usd, 0), 33'133);
  EXPECT_FALSE(e.n_queries);
}

TEST(Estimate, ACascadePaysTheWeakCallAlwaysAndTheCheck) {
  EstimateInput input{.strategy = Strategy::kCascade,
                      .weak_call_usd = 0.8,
                      .strong_call_usd = 15,
                      .monthly_usd = 1};
  EXPECT_EQ(rounded(of(input).cost_reduction, 3), 2.830);
  input.verify_share = 0.1;
  EXPECT_NEAR(of(input).cost_reduction, 1 / (0.8 / 15 + 0.1 + 0.3), 1e-12);
}

TEST(Estimate, QualityMeetsTheContractOrDoesNot) {
  EstimateInput input{.weak_call_usd = 0.8,
                      .strong_call_usd = 15,
                      .monthly_usd = 1,
                      .quality = QualityAssumption{.easy = 0.95}};
  EXPECT_NEAR(*of(input).expected_quality, 0.965, 1e-12);
  EXPECT_TRUE(*of(input).contract_met);
  EXPECT_NEAR(*of(input).max_weak_fraction, 1.0, 1e-12);
  input.quality->easy = 0.90;
  EXPECT_NEAR(*of(input).expected_quality, 0.93, 1e-12);
  EXPECT_FALSE(*of(input).contract_met);
  EXPECT_NEAR(*of(input).max_weak_fraction, 0.5, 1e-12);
  // w ((1 - m) easy + m hard) + (1 - w)
  input.quality = QualityAssumption{.easy = 0.98, .hard = 0.4, .misroute = 0.1};
  EXPECT_NEAR(*of(input).expected_quality, 0.7 * (0.9 * 0.98 + 0.1 * 0.4) + 0.3, 1e-12);
}

TEST(Estimate, TheLargestWeakShareKeepsTheContractAndNoMoreDoes) {
  Random random(11);
  for (int round = 0; round < 2'000; ++round) {
    EstimateInput input{.weak_call_usd = 1,
                        .strong_call_usd = 5,
                        .monthly_usd = 1,
                        .quality = QualityAssumption{.easy = random.uniform(),
                                                     .hard = random.uniform(),
                                                     .misroute = random.uniform()},
                        .keep = random.uniform()};
    const double largest = *of(input).max_weak_fraction;
    input.weak_share = largest;
    EXPECT_TRUE(*of(input).contract_met);
    if (largest > 0.999) continue;
    input.weak_share = largest + 1e-6;
    EXPECT_FALSE(*of(input).contract_met);
  }
}

TEST(Estimate, RefusesWhatMakesNoSense) {
  const EstimateInput good{.weak_call_usd = 1, .strong_call_usd = 5, .monthly_usd = 1};
  const auto refused = [&](auto change) {
    EstimateInput input = good;
    change(input);
    const auto result = estimate(input);
    return !result && result.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& i) { i.weak_share = 1.1; }));
  EXPECT_TRUE(refused([](auto& i) { i.weak_share = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& i) { i.weak_call_usd = 0; }));
  EXPECT_TRUE(refused([](auto& i) { i.strong_call_usd = -1; }));
  EXPECT_TRUE(refused([](auto& i) { i.days = 0; }));
  EXPECT_TRUE(refused([](auto& i) { i.monthly_usd.reset(); }));
  EXPECT_TRUE(refused([](auto& i) { i.queries_per_day = 5; }));
  EXPECT_TRUE(refused([](auto& i) { i.verify_share = -0.1; }));
  EXPECT_TRUE(refused([](auto& i) { i.quality = QualityAssumption{.easy = 2}; }));
}

TEST(CallUsd, UsesTheTierOfTheLength) {
  Price price{
      .tiers = {
          {.input_picousd = 1'000'000, .output_picousd = 2'000'000},
          {.above_input_tokens = 1000, .input_picousd = 3'000'000, .output_picousd = 4'000'000}}};
  EXPECT_NEAR(*call_usd(price, 1000, 10), 1020e-6, 1e-15);
  EXPECT_NEAR(*call_usd(price, 1001, 10), 3043e-6, 1e-15);
  EXPECT_FALSE(call_usd(Price{}, 1, 1));
}

}  // namespace
}  // namespace weir::catalog
