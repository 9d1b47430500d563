// Kinds knn and cluster: the forward pass on hand-made tables, and what training finds in made-up
// topics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/random.h"
#include "model/cluster.h"
#include "model/estimator.h"
#include "model/knn.h"
#include "train/cluster_table.h"
#include "train/fit.h"
#include "train/kmeans.h"
#include "train/trainer.h"

namespace weir::train {
namespace {

using model::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
namespace section = model::section;

constexpr uint32_t kDimension = 8;
constexpr uint32_t kTopics = 4;

std::vector<float> vector_of(uint32_t topic, Random& random) {
  std::vector<float> vector(kDimension);
  for (float& x : vector)
    x = static_cast<float>(0.3 * (random.uniform() - 0.5));
  vector[topic] += 1;
  return vector;
}

// Three models: w fails on the topics 2 and 3, m on topic 3, s never; with 10 % noise.
Examples made_up(size_t count) {
  Random random(5);
  Examples examples;
  examples.embed = {.from = model::EmbedFrom::kUrl,
                    .dimension = kDimension,
                    .static_hash = 0,
                    .url = "http://127.0.0.1:1",
                    .model = "m"};
  examples.sources = {{.file = "made_up.jsonl", .pair = ModelPair{"w", "s"}}};
  examples.models = {"w", "m", "s"};
  for (size_t i = 0; i < count; ++i) {
    const auto topic = static_cast<uint32_t>(random.below(kTopics));
    const double noise = random.uniform() < 0.1 ? 1 : 0;
    const double weak = topic >= 2 ? noise : 1 - noise;
    const double middle = topic >= 3 ? noise : 1 - noise;
    LabelledRow row;
    row.query = "topic " + std::to_string(topic) + " number " + std::to_string(i);
    row.id = "row-" + std::to_string(i);
    row.weak_score = weak;
    row.label = weak < 1 ? 1 : 0;
    row.results = {{.model = 0, .score = weak, .output_tokens = 10},
                   {.model = 1, .score = middle, .output_tokens = 20},
                   {.model = 2, .score = 1, .output_tokens = topic == 0 ? 100.0F : 300.0F}};
    examples.words.push_back(row.query);
    examples.rows.push_back(std::move(row));
    examples.prompts.emplace_back();
    const auto vector = vector_of(topic, random);
    examples.embeddings.insert(examples.embeddings.end(), vector.begin(), vector.end());
  }
  return examples;
}

TrainOptions options_for(Kind kind) {
  TrainOptions options;
  options.kind = kind;
  options.models = {"w", "m", "s"};
  return options;
}

struct Answer {
  double score;
  model::Workspace workspace;
};

Answer ask(const model::RouterFile& file, std::span<const float> vector) {
  const auto estimator = model::make_estimator(file);
  EXPECT_TRUE(estimator) << estimator.error().message;
  static const text::Features features;
  Answer answer;
  answer.score = (*estimator)->score({{}, features, vector}, answer.workspace);
  return answer;
}

std::string as_bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values)
    bytes += static_cast<char>(value);
  return bytes;
}

model::RouterFile file_of(Kind kind, uint32_t dimension) {
  model::RouterFile file;
  file.kind = kind;
  file.trained = true;
  file.embed = {.from = model::EmbedFrom::kUrl,
                .dimension = dimension,
                .static_hash = 0,
                .url = "u",
                .model = "m"};
  file.models = {"w", "s"};
  return file;
}

model::RouterFile knn_file() {
  model::RouterFile file = file_of(Kind::kKnn, 2);
  file.blobs[std::string(section::kKnnVectors)] = as_bytes({100, 0, 80, 60, 0, 100});
  file.blobs[std::string(section::kKnnIds)] = "a\nb\nc\n";
  file.blobs[std::string(section::kKnnScores)] = as_bytes({0, 254, 127, 254, 254, 255});
  file.weights[std::string(section::kKnnPrior)] = {0.5, 0.75};
  file.weights[std::string(section::kKnnPriorTokens)] = {-1, -1};
  file.weights[std::string(section::kKnnPriorWeight)] = {2};
  file.weights[std::string(section::kKnnNeighbours)] = {2};
  file.weights[std::string(section::kKnnFloor)] = {0.1};
  file.weights[std::string(section::kKnnProbability)] = {2, -0.5};
  return file;
}

// Similarities 1, 0.8, 0; weights 1 and 0.4096. Weak: (2 * 0.5 + 1 * 0 + 0.4096 * 0.5) / 3.4096 =
// 0.353355; strong: (2 * 0.75 + 1.4096) / 3.4096 = 0.853355; the gap is 0.5, and
// 1 / (1 + exp(-(2 * 0.5 - 0.5))) = 0.622459.
TEST(Knn, PinnedScore) {
  const Answer answer = ask(knn_file(), std::array{2.0F, 0.0F});
  EXPECT_NEAR(answer.score, 0.622459, 1e-6);
  ASSERT_EQ(answer.workspace.estimates.size(), 2U);
  EXPECT_NEAR(answer.workspace.estimates[0].quality, 0.353355, 1e-6);
  EXPECT_NEAR(answer.workspace.estimates[1].quality, 0.853355, 1e-6);
  EXPECT_TRUE(std::isnan(answer.workspace.estimates[1].output_tokens));
  ASSERT_EQ(answer.workspace.neighbours.size(), 2U);
  EXPECT_EQ(answer.workspace.neighbours[0].anchor, 0U);
  EXPECT_NEAR(answer.workspace.neighbours[1].similarity, 0.8, 1e-6);
  EXPECT_EQ(model::anchor_id(knn_file(), 0), "a");
  EXPECT_EQ(model::anchor_id(knn_file(), 2), "c");
  EXPECT_EQ(model::anchor_id(knn_file(), 3), "");
}

TEST(Knn, AQueryLikeNoAnchorIsNotJudged) {
  EXPECT_TRUE(std::isnan(ask(knn_file(), std::array{-1.0F, -0.2F}).score));
  EXPECT_FALSE(std::isnan(ask(knn_file(), std::array{-0.2F, 1.0F}).score));
}

TEST(Knn, AFileThatDoesNotFitIsRefused) {
  for (const auto& [name, bytes] : {std::pair(section::kKnnVectors, as_bytes({1, 2, 3})),
                                    std::pair(section::kKnnVectors, std::string()),
                                    std::pair(section::kKnnScores, as_bytes({1}))}) {
    model::RouterFile file = knn_file();
    file.blobs[std::string(name)] = bytes;
    EXPECT_FALSE(model::make_estimator(file)) << name;
  }
  for (const auto& [name, number] :
       {std::pair(section::kKnnNeighbours, 4.0), std::pair(section::kKnnNeighbours, 0.0),
        std::pair(section::kKnnPriorWeight, 0.0)}) {
    model::RouterFile file = knn_file();
    file.weights[std::string(name)] = {number};
    EXPECT_FALSE(model::make_estimator(file)) << name;
  }
}

TEST(Knn, FindsTheNearestInOrder) {
  Random random(3);
  std::vector<float> similarities(1000);
  for (float& x : similarities)
    x = static_cast<float>(random.below(50)) / 50;
  std::vector<uint32_t> order(similarities.size());
  std::iota(order.begin(), order.end(), 0U);
  std::erase_if(order, [](uint32_t i) { return i % 3 == 0; });
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    return std::pair(-similarities[a], a) < std::pair(-similarities[b], b);
  });
  std::vector<model::Neighbour> found;
  for (const size_t count : {1, 7, 100, 2000}) {
    nearest_anchors(similarities, count, [](uint32_t i) { return i % 3 == 0; }, found);
    ASSERT_EQ(found.size(), std::min(count, order.size()));
    for (size_t i = 0; i < found.size(); ++i)
      ASSERT_EQ(found[i].anchor, order[i]) << i;
  }
}

// exp(-9 |q - c|) with distances 0.894427 and 0.632456 gives the weights 0.086452 and 0.913548.
TEST(Cluster, PinnedScore) {
  model::RouterFile file = file_of(Kind::kCluster, 2);
  const std::array<float, 4> centroids{1, 0, 0, 1};
  std::string bytes(sizeof(centroids), '\0');
  std::memcpy(bytes.data(), centroids.data(), sizeof(centroids));
  file.blobs[std::string(section::kClusterCentroids)] = bytes;
  file.weights[std::string(section::kClusterQuality)] = {1, 1, 0, 0.5};
  file.weights[std::string(section::kClusterTokens)] = {10, -1, 20, -1};
  file.weights[std::string(section::kClusterProbability)] = {4, -1};
  const Answer answer = ask(file, std::array{0.6F, 0.8F});
  ASSERT_EQ(answer.workspace.estimates.size(), 2U);
  EXPECT_NEAR(answer.workspace.estimates[0].quality, 0.086452, 1e-6);
  EXPECT_NEAR(answer.workspace.estimates[1].quality, 0.543226, 1e-6);
  EXPECT_NEAR(answer.workspace.estimates[0].output_tokens, 19.135479, 1e-5);
  EXPECT_TRUE(std::isnan(answer.workspace.estimates[1].output_tokens));
  EXPECT_NEAR(answer.score, 1 / (1 + std::exp(1 - 4 * 0.456774)), 1e-6);
  file.weights[std::string(section::kClusterQuality)].pop_back();
  EXPECT_FALSE(model::make_estimator(file));
}

TEST(Kmeans, FindsTheTopics) {
  const Examples examples = made_up(400);
  const model::Centroids centroids =
      kmeans(examples.embeddings, kDimension, {.clusters = kTopics, .seed = 3});
  for (size_t row = 0; row < 400; ++row) {
    const char topic = examples.rows[row].query[6];
    for (size_t other = 0; other < row; ++other) {
      const bool together = centroids.nearest(examples.embedding(row)) ==
                            centroids.nearest(examples.embedding(other));
      ASSERT_EQ(together, topic == examples.rows[other].query[6]);
    }
  }
  const auto again = kmeans(examples.embeddings, kDimension, {.clusters = kTopics, .seed = 3});
  EXPECT_TRUE(std::ranges::equal(centroids.values(), again.values()));
}

TEST(Kmeans, EqualVectorsDoNoHarm) {
  const std::vector<float> same(5 * 3, 1.0F);
  const auto centroids = kmeans(same, 3, {.clusters = 4, .seed = 1});
  EXPECT_EQ(centroids.size(), 4U);
  for (const float x : centroids.values())
    EXPECT_TRUE(std::isfinite(x));
}

class Trained : public testing::TestWithParam<Kind> {};

TEST_P(Trained, LearnsWhichModelSuitsATopic) {
  const auto trained = train_router(made_up(600), options_for(GetParam()));
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_GT(trained->report.recall.value(), 0.8);
  EXPECT_NEAR(trained->report.strong_share.value(), 0.5, 0.12);
  Random random(77);
  for (uint32_t topic = 0; topic < kTopics; ++topic) {
    const Answer answer = ask(trained->file, vector_of(topic, random));
    EXPECT_EQ(answer.score >= 0.5, topic >= 2) << topic;
    ASSERT_EQ(answer.workspace.estimates.size(), 3U);
    EXPECT_NEAR(answer.workspace.estimates[0].quality, topic >= 2 ? 0.1 : 0.9, 0.12);
    EXPECT_NEAR(answer.workspace.estimates[1].quality, topic >= 3 ? 0.1 : 0.9, 0.12);
    EXPECT_NEAR(answer.workspace.estimates[0].output_tokens, 10, 1e-3);
    EXPECT_NEAR(answer.workspace.estimates[2].output_tokens, topic == 0 ? 100 : 300, 30);
  }
  const auto bytes = encode_router_file(trained->file);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(model::parse_router_file(*bytes).value(), trained->file);
  EXPECT_EQ(train_router(made_up(600), options_for(GetParam()))->file, trained->file);
}

// A row without the weak model still tells of the others.
TEST_P(Trained, RowsMayMissModels) {
  Examples examples = made_up(600);
  for (size_t row = 0; row < 300; ++row) {
    examples.rows[row].label = -1;
    examples.rows[row].results.erase(examples.rows[row].results.begin());
  }
  const auto trained = train_router(examples, options_for(GetParam()));
  ASSERT_TRUE(trained) << trained.error().message;
  Random random(77);
  const Answer answer = ask(trained->file, vector_of(3, random));
  EXPECT_NEAR(answer.workspace.estimates[0].quality, 0.1, 0.2);
  EXPECT_NEAR(answer.workspace.estimates[2].quality, 1, 0.02);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Trained, testing::Values(Kind::kKnn, Kind::kCluster),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST(Knn, KeepsIdsAndAtMostSoManyAnchors) {
  TrainOptions options = options_for(Kind::kKnn);
  options.max_anchors = 50;
  const auto trained = train_router(made_up(300), options);
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_EQ(trained->file.blobs.at(std::string(section::kKnnVectors)).size(), 50U * kDimension);
  EXPECT_THAT(std::string(model::anchor_id(trained->file, 49)), HasSubstr("row-"));
}

TEST(Cluster, ANewModelJoinsWithoutTraining) {
  const Examples all = made_up(600);
  TrainOptions two = options_for(Kind::kCluster);
  two.models = {"w", "s"};
  Examples pair = all;
  for (LabelledRow& row : pair.rows) {
    row.results.erase(row.results.begin() + 1);
    row.results[1].model = 1;
  }
  auto file = train_router(pair, two)->file;
  const model::RouterFile before = file;
  Examples newcomer = all;
  for (LabelledRow& row : newcomer.rows) {
    row.results = {row.results[1]};
    row.results[0].model = 0;
  }
  const auto report = extend_cluster_router(newcomer, "m", std::nullopt, file);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->position, 1U);
  EXPECT_EQ(report->rows, 600);
  EXPECT_THAT(file.models, ElementsAre("w", "m", "s"));
  Random random(78);
  for (uint32_t topic = 0; topic < kTopics; ++topic) {
    const auto vector = vector_of(topic, random);
    const Answer old = ask(before, vector), extended = ask(file, vector);
    EXPECT_EQ(extended.score, old.score);
    EXPECT_EQ(extended.workspace.estimates[0].quality, old.workspace.estimates[0].quality);
    EXPECT_EQ(extended.workspace.estimates[2].quality, old.workspace.estimates[1].quality);
    EXPECT_NEAR(extended.workspace.estimates[1].quality, topic >= 3 ? 0.1 : 0.9, 0.12);
    EXPECT_NEAR(extended.workspace.estimates[1].output_tokens, 20, 1e-3);
  }
  EXPECT_TRUE(encode_router_file(file));
  EXPECT_THAT(extend_cluster_router(newcomer, "m", std::nullopt, file).error().message,
              HasSubstr("already knows 'm'"));
  EXPECT_THAT(extend_cluster_router(newcomer, "n", "nobody", file).error().message,
              HasSubstr("does not know 'nobody'; it has w, m, s"));
  model::RouterFile other = file;
  other.kind = Kind::kKnn;
  EXPECT_THAT(extend_cluster_router(newcomer, "n", std::nullopt, other).error().message,
              HasSubstr("only a trained router of kind cluster"));
}

}  // namespace
}  // namespace weir::train
