#include "model/semantic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "model/allocation_count_for_test.h"
#include "model/estimator.h"

namespace weir::model {
namespace {

using testing::HasSubstr;

// Two routes in two dimensions. N-gram 5 belongs to the first, 9 to the second.
RouterFile two_routes() {
  RouterFile file;
  file.kind = Kind::kSemantic;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.embed = {
      .from = EmbedFrom::kUrl, .dimension = 2, .static_hash = 0, .url = "u", .model = "m"};
  file.models = {"small", "large"};
  file.settings["named_routes"] =
      encode_named_routes({{"easy", "", "small"}, {"hard", "", "large"}});
  file.settings["default_route"] = "";
  file.weights = {{"route_vectors", {1, 0, 0, 1}},
                  {"route_thresholds", {-1, -1}},
                  {"vector_weight", {0.6}},
                  {"gram_buckets", {5, 9}},
                  {"gram_idf", {1, 2}},
                  {"gram_idf_unseen", {3}},
                  {"gram_posting_ends", {1, 3}},
                  {"gram_posting_routes", {0, 0, 1}},
                  {"gram_posting_weights", {1, 0.5, 1}}};
  return file;
}

// Score and workspace of a query with the vector (0.6, 0.8) and these n-grams.
double score(const RouterFile& file, std::vector<text::Ngram> ngrams, Workspace& workspace) {
  const auto estimator = make_estimator(file);
  EXPECT_TRUE(estimator) << estimator.error().message;
  text::Features features;
  features.ngrams = std::move(ngrams);
  const std::vector<float> vector = {0.6F, 0.8F};
  workspace.clear();
  return (*estimator)->score({"", features, vector}, workspace);
}

TEST(Semantic, SimilarityIsTheWeightedSumOfTheCosines) {
  Workspace workspace;
  // Values 1 * 1, (1 + ln 2) * 2 and 3 (unseen).
  score(two_routes(), {{5, 1}, {9, 2}, {77, 1}}, workspace);
  const double second = 2 * (1 + std::log(2.0));
  const double norm = std::sqrt(1 + second * second + 9);
  EXPECT_NEAR(workspace.similarities[0], 0.6 * 0.6 + 0.4 * (1 + second * 0.5) / norm, 1e-6);
  EXPECT_NEAR(workspace.similarities[1], 0.6 * 0.8 + 0.4 * second / norm, 1e-6);
}

TEST(Semantic, TheScoreIsGradedAroundOneHalf) {
  Workspace workspace;
  EXPECT_NEAR(score(two_routes(), {}, workspace), 0.5 + (0.48 - 0.36) / 2, 1e-6);
  EXPECT_EQ(workspace.route, 1u);
  RouterFile turned = two_routes();
  turned.weights["route_vectors"] = {0, 1, 1, 0};
  EXPECT_NEAR(score(turned, {}, workspace), 0.5 - (0.48 - 0.36) / 2, 1e-6);
  EXPECT_EQ(workspace.route, 0u);
}

TEST(Semantic, WhatNoRouteTakesIsStrongUnlessThereIsADefault) {
  RouterFile file = two_routes();
  file.weights["route_thresholds"] = {-1, 0.5};
  Workspace workspace;
  EXPECT_EQ(score(file, {}, workspace), 1);
  EXPECT_EQ(workspace.route, std::nullopt);
  file.settings["default_route"] = "easy";
  EXPECT_LT(score(file, {}, workspace), 0.5);
  EXPECT_EQ(workspace.route, 0u);
}

TEST(Semantic, AWarmWorkspaceAllocatesNothing) {
  const auto estimator = make_estimator(two_routes()).value();
  text::Features features;
  features.ngrams = {{5, 1}, {9, 2}};
  const std::vector<float> vector = {0.6F, 0.8F};
  Workspace workspace;
  (void)estimator->score({"", features, vector}, workspace);
  const size_t before = allocation_count();
  workspace.clear();
  (void)estimator->score({"", features, vector}, workspace);
  EXPECT_EQ(allocation_count(), before);
}

TEST(Semantic, DamagedFilesAreRefused) {
  const auto refused = [](const std::function<void(RouterFile&)>& spoil) {
    RouterFile file = two_routes();
    spoil(file);
    const auto made = make_estimator(file);
    return made ? std::string("taken") : made.error().message;
  };
  EXPECT_EQ(refused([](auto&) {}), "taken");
  EXPECT_THAT(refused([](auto& f) { f.weights["route_vectors"].pop_back(); }),
              HasSubstr("'route_vectors' has 3 values"));
  EXPECT_THAT(refused([](auto& f) { f.weights["gram_buckets"][0] = 1 << 18; }),
              HasSubstr("'gram_buckets' holds"));
  EXPECT_THAT(refused([](auto& f) { f.weights["gram_posting_routes"][0] = 2; }),
              HasSubstr("'gram_posting_routes' holds 2"));
  EXPECT_THAT(refused([](auto& f) { f.weights["gram_posting_ends"] = {3, 1}; }),
              HasSubstr("must rise to 3"));
  EXPECT_THAT(refused([](auto& f) { f.weights["gram_posting_ends"] = {1, 2}; }),
              HasSubstr("must rise to 3"));
  EXPECT_THAT(refused([](auto& f) { f.weights["vector_weight"] = {1.5}; }),
              HasSubstr("must be 0 to 1"));
  EXPECT_THAT(refused([](auto& f) { f.settings["default_route"] = "x"; }), HasSubstr("'x'"));
  EXPECT_THAT(refused([](auto& f) { f.settings["named_routes"] = "{}"; }), HasSubstr("no list"));
  EXPECT_THAT(refused([](auto& f) { f.settings["named_routes"] = "[]"; }),
              HasSubstr("0 named routes"));
  EXPECT_THAT(refused([](auto& f) {
                f.settings["named_routes"] = encode_named_routes({{"a", "", "nobody"}});
              }),
              HasSubstr("'nobody'"));
  EXPECT_THAT(refused([](auto& f) {
                f.settings["named_routes"] =
                    encode_named_routes({{"a", "", "small"}, {"a", "", "large"}});
              }),
              HasSubstr("no name of its own"));
}

}  // namespace
}  // namespace weir::model
