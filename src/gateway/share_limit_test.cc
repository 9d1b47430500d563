#include "gateway/share_limit.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace weir::gateway {
namespace {

double weak_share(ShareLimit& limit, double threshold, Random& random, double low, double high,
                  int count) {
  int weak = 0;
  for (int i = 0; i < count; ++i) {
    const double score = low + (high - low) * random.uniform();
    weak += score < limit.threshold(score, threshold);
  }
  return static_cast<double>(weak) / count;
}

TEST(ShareLimit, HoldsTheShareWhenAllScoresLieBelowTheThreshold) {
  Random random(1);
  for (const double share : {0.1, 0.3, 0.5, 0.8}) {
    ShareLimit limit(share);
    EXPECT_NEAR(weak_share(limit, 0.9, random, 0.0, 0.2, 20'000), share, 0.02) << share;
  }
}

TEST(ShareLimit, IsLooserOnlyAtFirst) {
  Random random(2);
  double first = 0, later = 0;
  constexpr int kRuns = 500;
  for (int run = 0; run < kRuns; ++run) {
    ShareLimit limit(0.5);
    first += 200 * weak_share(limit, 0.9, random, 0.0, 0.5, 200) / kRuns;
    weak_share(limit, 0.9, random, 0.0, 0.5, ShareLimit::kWindow);
    later += 200 * weak_share(limit, 0.9, random, 0.0, 0.5, 200) / kRuns;
  }
  EXPECT_NEAR(first, 117, 3);
  EXPECT_NEAR(later, 100, 2);
  ShareLimit limit(0.5);
  EXPECT_LT(0.25, limit.threshold(0.25, 0.9)) << "the first easy question may go to weak";
}

TEST(ShareLimit, NeverRaisesTheThreshold) {
  Random random(3);
  ShareLimit limit(0.5);
  EXPECT_EQ(weak_share(limit, 0.3, random, 0.4, 1.0, 1'000), 0.0);
  EXPECT_NEAR(weak_share(limit, 0.3, random, 0.0, 1.0, 20'000), 0.3, 0.02);
}

TEST(ShareLimit, EqualScoresGoToStrong) {
  ShareLimit limit(0.5);
  for (int i = 0; i < 100; ++i)
    limit.threshold(0.25, 0.9);
  EXPECT_EQ(limit.threshold(0.25, 0.9), 0.25);
}

TEST(ShareLimit, ALimitOfOneLeavesTheThresholdAlone) {
  ShareLimit limit(1.0);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(limit.threshold(0.1, 0.9), 0.9);
}

TEST(ShareLimit, PeekingGivesTheSameAndRemembersNothing) {
  Random random(5);
  ShareLimit limit(0.5);
  for (int i = 0; i < 200; ++i) {
    const double score = random.uniform();
    const double seen = limit.peek(score, 0.9);
    EXPECT_EQ(limit.peek(score, 0.9), seen);
    EXPECT_EQ(limit.threshold(score, 0.9), seen);
  }
}

TEST(ShareLimit, FollowsTrafficThatChanges) {
  Random random(4);
  ShareLimit limit(0.5);
  weak_share(limit, 0.9, random, 0.5, 0.9, 1'000);
  weak_share(limit, 0.9, random, 0.0, 0.2, ShareLimit::kWindow);
  EXPECT_NEAR(weak_share(limit, 0.9, random, 0.0, 0.2, 5'000), 0.5, 0.03);
}

}  // namespace
}  // namespace weir::gateway
