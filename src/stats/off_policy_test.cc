#include "stats/off_policy.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace weir::stats {
namespace {

// Rewards 1, 0, 1, 1; actions weak, weak, strong, strong with propensities .9, .9, .1, .5; the
// policy asked about takes weak, strong, strong, weak.
constexpr std::array kLog{
    LoggedDecision{1, 1 / .9, .8, .8},
    LoggedDecision{0, 0, .4, .9},
    LoggedDecision{1, 1 / .1, .95, .95},
    LoggedDecision{1, 0, .95, .9},
};

TEST(OffPolicy, EqualsTheReferenceEstimators) {
  const auto at_five = estimate_off_policy(kLog, 5, 4);
  EXPECT_NEAR(at_five.ips, 2.777778, 1e-6);
  EXPECT_NEAR(at_five.snips, 1, 1e-12);
  EXPECT_NEAR(at_five.clipped_ips, 1.527778, 1e-6);
  EXPECT_NEAR(at_five.direct, .8875, 1e-12);
  EXPECT_NEAR(at_five.doubly_robust, 1.068056, 1e-6);
  EXPECT_NEAR(at_five.self_normalised_dr, .952500, 1e-6);
  EXPECT_NEAR(at_five.switch_dr, .943056, 1e-6);
  EXPECT_NEAR(at_five.shrunken_dr, .934761, 1e-6);
  EXPECT_NEAR(at_five.effective_sample_size, 1.219512, 1e-6);
}

TEST(OffPolicy, WithoutSupportNothingIsClaimed) {
  const std::array<LoggedDecision, 2> log{{{1, 0, .5, .5}, {0, 0, .5, .5}}};
  const auto estimates = estimate_off_policy(log, 5, 4);
  EXPECT_EQ(estimates.effective_sample_size, 0);
  EXPECT_TRUE(std::isnan(estimates.snips));
}

// Unbiased where the truth is known, with a reward model that is wrong.
TEST(OffPolicy, IpsAndDoublyRobustMeetTheTruth) {
  constexpr int kRows = 200'000;
  Random random(7);
  std::vector<LoggedDecision> log;
  double truth = 0;
  for (int i = 0; i < kRows; ++i) {
    const double x = random.uniform();
    const double strong = .9, weak = 1 - x;
    const bool asks_strong = x > .4;
    truth += (asks_strong ? strong : weak) / kRows;
    const double p_strong = .1 + .5 * x;
    const bool took_strong = random.uniform() < p_strong;
    const double reward = random.uniform() < (took_strong ? strong : weak) ? 1 : 0;
    const double weight =
        took_strong == asks_strong ? 1 / (took_strong ? p_strong : 1 - p_strong) : 0;
    log.push_back({reward, weight, .3, .3});
  }
  const auto estimates = estimate_off_policy(log, 100, 1e9);
  EXPECT_NEAR(estimates.ips, truth, .01);
  EXPECT_NEAR(estimates.snips, truth, .01);
  EXPECT_NEAR(estimates.doubly_robust, truth, .01);
  EXPECT_GT(std::abs(estimates.direct - truth), .1);
}

}  // namespace
}  // namespace weir::stats
