#include "model/bert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/allocation_count_for_test.h"
#include "model/encoder_file.h"
#include "model/estimator.h"
#include "model/model_files.h"
#include "model/router.h"
#include "model/shared_encoder.h"

namespace weir::model {
namespace {

RouterFile file_with(uint32_t dimension, std::string_view head) {
  RouterFile file;
  file.kind = Kind::kBert;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.embed = {.from = EmbedFrom::kEncoder,
                .dimension = dimension,
                .static_hash = 0x1234,
                .url = {},
                .model = "encoder.weir"};
  file.models = {"weak", "strong"};
  file.settings["head"] = head;
  return file;
}

RouterFile linear_file() {
  RouterFile file = file_with(2, "linear");
  file.weights["head_weights"] = {0.5, -0.25};
  file.weights["intercept"] = {0.125};
  file.weights["to_probability"] = {2, -0.5};
  file.weights["length_knots"] = {0, 1};
  file.weights["length_values"] = {0, 0};
  return file;
}

double score(const RouterFile& file, std::vector<float> vector) {
  const auto estimator = make_estimator(file).value();
  text::Features features;
  Workspace workspace;
  return estimator->score({"a query", features, vector}, workspace);
}

std::string failure(const RouterFile& file) {
  const auto made = make_estimator(file);
  return made ? "" : made.error().message;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// RouteLLM's BERT router: 1 - (p_1 + p_2) over three labels.
TEST(Bert, LabelsHeadIsTheSoftmaxOfTheFirstLabel) {
  EXPECT_NEAR(score(file_with(3, "labels"), {1.0F, 0.2F, -0.5F}), 0.597922, 1e-6);
  EXPECT_NEAR(score(file_with(2, "labels"), {300.0F, 300.0F}), 0.5, 1e-12);
  EXPECT_NE(failure(file_with(1, "labels")), "");
}

TEST(Bert, LinearHeadIsAGapMadeAProbability) {
  EXPECT_NEAR(score(linear_file(), {1, 2}), sigmoid(2 * (0.5 - 0.5 + 0.125) - 0.5), 1e-9);
}

TEST(Bert, MlpHeadIsAHiddenLayerOfRectifiedUnits) {
  RouterFile file = linear_file();
  file.settings["head"] = "mlp";
  file.weights["hidden_bias"] = {0.5, -1};
  file.weights["hidden_weights"] = {1, 1, -1, -1};
  const double gap = 0.5 * (0.5 + 1 + 2) + 0.125;  // the second unit is below 0
  EXPECT_NEAR(score(file, {1, 2}), sigmoid(2 * gap - 0.5), 1e-7);
}

TEST(Bert, SectionsThatDoNotFitAreRefused) {
  RouterFile file = linear_file();
  file.settings["head"] = "guess";
  EXPECT_EQ(failure(file), "its head is 'guess', which this program does not know");
  file = linear_file();
  file.settings.clear();
  EXPECT_EQ(failure(file), "setting 'head' is missing");
  file = linear_file();
  file.weights["head_weights"].pop_back();
  EXPECT_NE(failure(file), "");
  file = linear_file();
  file.weights["to_probability"] = {0, 1};
  EXPECT_NE(failure(file), "");
  file = linear_file();
  file.settings["head"] = "mlp";
  EXPECT_EQ(failure(file), "section 'hidden_bias' is missing");
}

// A folder with the tiny encoder and a router that reads it.
class BertRouter : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-bert-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const std::string base = "src/model/testdata/tiny_encoder.";
    auto shape = read_encoder_config(read_file(base + "config.json").value()).value();
    shape.max_tokens = 24;
    const std::string content = read_file(base + "safetensors").value();
    const auto weights = SafeTensors::parse(content).value();
    const auto bytes = encode_encoder_file(shape, "made for tests",
                                           read_file(base + "vocab.txt").value(), weights);
    ASSERT_TRUE(bytes && write_file(folder_ / "encoder.weir", *bytes));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write_router(uint64_t hash) {
    RouterFile file = linear_file();
    file.embed.dimension = 16;
    file.embed.static_hash = hash;
    file.weights["head_weights"].assign(16, 0.5);
    const auto path = folder_ / "router.weir";
    EXPECT_TRUE(write_file(path, encode_router_file(file).value()));
    return path;
  }

  std::filesystem::path folder_;
  const StaticEmbedder embedder_ = StaticEmbedder::load("models/static-embedding.bin").value();
};

TEST_F(BertRouter, FindsItsEncoderBesideItselfAndSharesIt) {
  const auto encoder = shared_encoder(folder_ / "encoder.weir").value();
  const auto router = Router::load(write_router(encoder->hash()), embedder_);
  ASSERT_TRUE(router) << router.error().message;
  EXPECT_EQ(router->encoder(), encoder);
  Scratch scratch;
  const Score inline_score = router->score("Prove that there are many primes", scratch);
  ASSERT_TRUE(inline_score.judged);
  std::vector<float> vector(16);
  ASSERT_TRUE(encoder->embed("Prove that there are many primes", vector, scratch.encoder));
  const Score with_vector = router->score("Prove that there are many primes", vector, scratch);
  EXPECT_TRUE(with_vector.judged);
  EXPECT_EQ(with_vector.prob_strong_needed, inline_score.prob_strong_needed);
  EXPECT_FALSE(router->score("", scratch).judged);
  EXPECT_FALSE(router->score("Prove that", {}, scratch).judged);
  EXPECT_FALSE(router->score_embedding(std::vector<float>(7, 1.0F), scratch).judged);
}

TEST_F(BertRouter, ADecisionWithTheVectorAtHandAllocatesNothing) {
  const auto encoder = shared_encoder(folder_ / "encoder.weir").value();
  const auto router = Router::load(write_router(encoder->hash()), embedder_).value();
  Scratch scratch;
  const std::vector<float> vector(16, 0.25F);
  ASSERT_TRUE(router.score("Prove that there are many primes", vector, scratch).judged);
  const size_t before = allocation_count();
  EXPECT_TRUE(router.score("Prove that there are many primes", vector, scratch).judged);
  EXPECT_EQ(allocation_count() - before, 0U);
}

TEST_F(BertRouter, AnotherEncoderAndNoEncoderAreExplained) {
  const auto other = Router::load(write_router(7), embedder_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(other.error().message.find("trained with encoder 0000000000000007"), std::string::npos);
  if (find_model_file("encoder.weir")) GTEST_SKIP() << "this machine has an encoder.weir";
  std::filesystem::remove(folder_ / "encoder.weir");
  const auto none = Router::load(write_router(7), embedder_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_NE(none.error().message.find("tools/models/get_encoder"), std::string::npos);
}

TEST(RouterFileEncoder, ComesBackAsItWasWritten) {
  const RouterFile file = linear_file();
  const auto parsed = parse_router_file(encode_router_file(file).value());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, file);
}

}  // namespace
}  // namespace weir::model
