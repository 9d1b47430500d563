#include "model/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/files.h"
#include "model/model_files.h"
#include "model/query_hash.h"

namespace weir::model {
namespace {

using testing::HasSubstr;

class RouterTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto path = find_model_file(kStaticEmbeddingFile);
    ASSERT_TRUE(path) << path.error().message;
    auto loaded = StaticEmbedder::load(*path);
    ASSERT_TRUE(loaded) << loaded.error().message;
    embedder_ = std::make_unique<StaticEmbedder>(*std::move(loaded));
  }
  static void TearDownTestSuite() { embedder_.reset(); }

  static RouterFile lr_file() {
    const auto dimension = static_cast<uint32_t>(embedder_->dimension());
    RouterFile file;
    file.trained = true;
    file.feature_spec = text::kFeatureSpec;
    file.embed = {.from = EmbedFrom::kStatic,
                  .dimension = dimension,
                  .static_hash = embedder_->hash(),
                  .url = {},
                  .model = {}};
    file.models = {"small", "large"};
    file.weights["scaler_mean"] = std::vector<double>(dimension, 0);
    file.weights["scaler_scale"] = std::vector<double>(dimension, 1);
    file.weights["coefficients"] = std::vector<double>(dimension, 0.5);
    file.weights["intercept"] = {0.1};
    return file;
  }
  static std::expected<Router, Error> from_file(const RouterFile& file) {
    return Router::from_bytes(encode_router_file(file).value(), *embedder_);
  }
  static Router router_of(const RouterFile& file) {
    auto router = from_file(file);
    EXPECT_TRUE(router) << router.error().message;
    return *std::move(router);
  }

  static std::unique_ptr<StaticEmbedder> embedder_;
};
std::unique_ptr<StaticEmbedder> RouterTest::embedder_;

TEST_F(RouterTest, ScoresWithTheEmbeddingOfTheQuery) {
  const Router router = router_of(lr_file());
  Scratch scratch;
  const Score score = router.score("How do I integrate x squared?", scratch);
  ASSERT_TRUE(score.judged);
  double logit = 0.1;
  for (const float x : scratch.embedding)
    logit += 0.5 * double{x};
  EXPECT_NEAR(score.prob_strong_needed, 1 / (1 + std::exp(-logit)), 1e-12);
}

TEST_F(RouterTest, NothingKnownIsNotJudgedAndMeansStrong) {
  const Router router = router_of(lr_file());
  Scratch scratch;
  for (const char* query : {"", "   ", "\xff\xfe", "\xF0\x9F\xA7\xAC"}) {
    const Score score = router.score(query, scratch);
    EXPECT_FALSE(score.judged) << query;
    EXPECT_EQ(score.prob_strong_needed, 1);
  }
}

TEST_F(RouterTest, AnUntrainedFileSendsEverythingToStrong) {
  RouterFile file = lr_file();
  file.trained = false;
  file.weights.clear();
  const Router router = router_of(file);
  Scratch scratch;
  EXPECT_FALSE(router.trained());
  EXPECT_EQ(router.score("hello world", scratch).prob_strong_needed, 1);
  EXPECT_FALSE(router.score("hello world", scratch).judged);
  EXPECT_THAT(router.describe(), HasSubstr("untrained"));
}

TEST_F(RouterTest, RefusesAnotherTableAndOtherFeatures) {
  RouterFile other_table = lr_file();
  other_table.embed.static_hash ^= 1;
  const auto table = from_file(other_table);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(table.error().message, HasSubstr("embedding table"));
  RouterFile other_features = lr_file();
  other_features.feature_spec = "weir-text-0";
  const auto features = from_file(other_features);
  ASSERT_FALSE(features);
  EXPECT_THAT(features.error().message, HasSubstr("'weir-text-0'"));
}

TEST_F(RouterTest, AUrlRouterScoresOnlyGivenVectors) {
  RouterFile file = lr_file();
  file.embed = {.from = EmbedFrom::kUrl,
                .dimension = 2,
                .static_hash = 0,
                .url = "http://127.0.0.1:1/v1",
                .model = "m"};
  file.weights["scaler_mean"] = {1, 0};
  file.weights["scaler_scale"] = {2, 1};
  file.weights["coefficients"] = {1, -1};
  file.weights["intercept"] = {0};
  const Router router = router_of(file);
  Scratch scratch;
  EXPECT_FALSE(router.score("hello", scratch).judged);
  const std::vector<float> vector{3, 1};
  EXPECT_NEAR(router.score_embedding(vector, scratch).prob_strong_needed, 0.5, 1e-12);
  EXPECT_TRUE(router.score_embedding(vector, scratch).judged);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& bad : {std::vector<float>{}, std::vector<float>{1},
                                        std::vector<float>{0, 0}, std::vector<float>{nan, 1}}) {
    EXPECT_FALSE(router.score_embedding(bad, scratch).judged);
    EXPECT_EQ(router.score_embedding(bad, scratch).prob_strong_needed, 1);
  }
}

TEST_F(RouterTest, RecognisesTrainingQueries) {
  RouterFile file = lr_file();
  file.query_hashes = {query_hash("What is love?"), query_hash("Baby don't hurt me")};
  std::ranges::sort(file.query_hashes);
  const Router router = router_of(file);
  EXPECT_TRUE(router.was_trained_on("what IS  love?"));
  EXPECT_FALSE(router.was_trained_on("what is hate?"));
}

TEST_F(RouterTest, LoadNamesTheFileAndKeepsItsHash) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const auto path = folder / "router_test.weir";
  const std::string bytes = encode_router_file(lr_file()).value();
  ASSERT_TRUE(write_file(path, bytes));
  const auto router = Router::load(path, *embedder_);
  ASSERT_TRUE(router) << router.error().message;
  EXPECT_EQ(router->hash(), router_file_hash(bytes));
  ASSERT_TRUE(write_file(path, bytes.substr(0, 300)));
  const auto cut = Router::load(path, *embedder_);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(cut.error().message, HasSubstr("router_test.weir"));
  std::filesystem::remove(path);
  const auto gone = Router::load(path, *embedder_);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
}

// The shipped router must fit the shipped table: after a new table,
// tools/models/make_default_router.
TEST_F(RouterTest, TheShippedDefaultRouterLoads) {
  const auto path = find_model_file("default.weir");
  ASSERT_TRUE(path) << path.error().message;
  const auto router = Router::load(*path, *embedder_);
  ASSERT_TRUE(router) << router.error().message;
  EXPECT_TRUE(router->trained());
  EXPECT_EQ(router->models(), (std::vector<std::string>{"weak", "strong"}));
  EXPECT_EQ(router->threshold_origin(), "strong share 0.5 (out of fold)");
  Scratch scratch;
  EXPECT_TRUE(router->score("What are your store hours?", scratch).judged);
}

}  // namespace
}  // namespace weir::model
