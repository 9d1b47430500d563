#include "model/cawr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "model/allocation_count_for_test.h"
#include "model/estimator.h"

namespace weir::model {
namespace {

using testing::HasSubstr;

// Two anchors in two dimensions: (1, 0) did not need strong, (0, 1) did.
RouterFile two_anchors() {
  RouterFile file;
  file.kind = Kind::kCawr;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.embed = {
      .from = EmbedFrom::kUrl, .dimension = 2, .static_hash = 0, .url = "u", .model = "m"};
  file.models = {"small", "large"};
  file.blobs["anchor_vectors"] = std::string("\x7f\0\0\x7f", 4);
  file.weights = {{"anchor_labels", {0, 1}},
                  {"anchor_weights", {1, 2}},
                  {"kernel", {0.5, 0.3, 0.1}},
                  {"platt", {1.5, -0.2}},
                  {"draw", {0.4, 0.05}}};
  return file;
}

double score(const RouterFile& file, std::vector<float> vector) {
  const auto estimator = make_estimator(file);
  EXPECT_TRUE(estimator) << estimator.error().message;
  const text::Features features;
  Workspace workspace;
  return (*estimator)->score({"", features, vector}, workspace);
}

TEST(CawrScore, FollowsTheFormula) {
  // The vector (1, 0): cosines 1 and 0 exactly.
  const double far = 2 * std::exp(-1 / 0.5);
  const double k = (0.1 * 0.3 + far) / (0.1 + 1 + far);
  const double p = 1 / (1 + std::exp(-(1.5 * std::log(k / (1 - k)) - 0.2)));
  const double odds = p / (1 - p) / (0.4 / 0.6);
  EXPECT_NEAR(score(two_anchors(), {1, 0}), 0.05 + 0.9 * odds / (1 + odds), 1e-12);
  EXPECT_GT(score(two_anchors(), {0, 1}), 0.5);
  EXPECT_EQ(explore_of(two_anchors()), 0.05);
  RouterFile other = two_anchors();
  other.kind = Kind::kLr;
  EXPECT_EQ(explore_of(other), std::nullopt);
}

TEST(CawrScore, AWarmWorkspaceAllocatesNothing) {
  const auto estimator = make_estimator(two_anchors()).value();
  const text::Features features;
  const std::vector<float> vector = {0.6F, 0.8F};
  Workspace workspace;
  (void)estimator->score({"", features, vector}, workspace);
  const size_t before = allocation_count();
  (void)estimator->score({"", features, vector}, workspace);
  EXPECT_EQ(allocation_count(), before);
}

TEST(CawrScore, DamagedFilesAreRefused) {
  const auto refused = [](const std::function<void(RouterFile&)>& spoil) {
    RouterFile file = two_anchors();
    spoil(file);
    const auto made = make_estimator(file);
    return made ? std::string("taken") : made.error().message;
  };
  EXPECT_EQ(refused([](auto&) {}), "taken");
  EXPECT_THAT(refused([](auto& f) { f.weights.erase("anchor_labels"); }), HasSubstr("is empty"));
  EXPECT_THAT(refused([](auto& f) { f.blobs["anchor_vectors"].pop_back(); }),
              HasSubstr("'anchor_vectors'"));
  for (const std::pair<const char*, std::vector<double>>& bad :
       {std::pair{"kernel", std::vector{0.0, 0.3, 0.1}},
        std::pair{"kernel", std::vector{1.0, 1.5, 1.0}}, std::pair{"platt", std::vector{0.0, 0.0}},
        std::pair{"draw", std::vector{0.4, 0.5}}, std::pair{"draw", std::vector{1.0, 0.05}},
        std::pair{"anchor_weights", std::vector{-1.0, 1.0}}})
    EXPECT_THAT(refused([&](auto& f) { f.weights[bad.first] = bad.second; }),
                HasSubstr("out of range"));
}

}  // namespace
}  // namespace weir::model
