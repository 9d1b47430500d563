#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"
#include "model/calibration.h"
#include "model/cawr.h"
#include "model/estimator.h"
#include "train/trainer.h"

namespace weir::train {
namespace {

using testing::HasSubstr;

// Two clouds of unit vectors; strong is needed in the second with probability 0.9, in the first
// 0.1.
Examples clouds(size_t count) {
  constexpr uint32_t kDimension = 8;
  Examples examples;
  examples.embed = {.from = model::EmbedFrom::kUrl,
                    .dimension = kDimension,
                    .static_hash = 0,
                    .url = "http://localhost/v1",
                    .model = "m"};
  examples.sources.push_back({});
  Random random(5);
  for (size_t i = 0; i < count; ++i) {
    const bool hard = i % 2 == 1;
    std::vector<float> vector(kDimension);
    for (float& x : vector)
      x = static_cast<float>(random.uniform() - 0.5) * 0.6F;
    vector[hard ? 1 : 0] += 1;
    const float norm =
        std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0F));
    for (float& x : vector)
      x /= norm;
    LabelledRow row;
    row.query = "query " + std::to_string(i);
    row.label = random.uniform() < (hard ? 0.9 : 0.1) ? 1 : 0;
    examples.words.push_back(row.query);
    examples.rows.push_back(std::move(row));
    examples.prompts.emplace_back();
    examples.embeddings.insert(examples.embeddings.end(), vector.begin(), vector.end());
  }
  return examples;
}

TrainOptions options_of(ThresholdRule rule = {}) {
  TrainOptions options;
  options.kind = model::Kind::kCawr;
  options.models = {"weak", "strong"};
  options.threshold = rule;
  return options;
}

double score_of(const model::Estimator& estimator, const Examples& examples, size_t row) {
  text::Features features;
  model::Workspace workspace;
  return estimator.score({examples.words[row], features, examples.embedding(row)}, workspace);
}

// The formula of model/cawr.h in plain doubles over the file's own sections.
double reference(const model::RouterFile& file, std::span<const float> query) {
  const auto& labels = file.weights.at("anchor_labels");
  const auto& weights = file.weights.at("anchor_weights");
  const auto& kernel = file.weights.at("kernel");
  const auto& platt = file.weights.at("platt");
  const auto& draw = file.weights.at("draw");
  const std::string& vectors = file.blobs.at("anchor_vectors");
  double mass = kernel[2], strong = kernel[2] * kernel[1];
  for (size_t i = 0; i < labels.size(); ++i) {
    double cosine = 0;
    for (size_t j = 0; j < query.size(); ++j)
      cosine += std::lrint(127 * query[j]) *
                static_cast<double>(static_cast<signed char>(vectors[i * query.size() + j]));
    const double w = weights[i] * std::exp((cosine / 127 / 127 - 1) / kernel[0]);
    mass += w, strong += w * labels[i];
  }
  const double k = strong / mass;
  const double p = 1 / (1 + std::exp(-(platt[0] * std::log(k / (1 - k)) + platt[1])));
  const double odds = p / (1 - p) / (draw[0] / (1 - draw[0]));
  return draw[1] + (1 - 2 * draw[1]) * odds / (1 + odds);
}

TEST(Cawr, ScoresAreThoseOfTheFormula) {
  const Examples examples = clouds(300);
  const auto trained = train_router(examples, options_of()).value();
  const auto estimator = model::make_estimator(trained.file).value();
  for (size_t row = 0; row < 20; ++row)
    EXPECT_NEAR(score_of(*estimator, examples, row),
                reference(trained.file, examples.embedding(row)), 1e-9);
}

TEST(Cawr, TheProbabilityIsCalibratedAndBounded) {
  const Examples examples = clouds(1000);
  const auto trained = train_router(examples, options_of()).value();
  const auto estimator = model::make_estimator(trained.file).value();
  double sum[2] = {};
  for (size_t row = 0; row < examples.rows.size(); ++row) {
    const double p = score_of(*estimator, examples, row);
    EXPECT_GE(p, 0.05);
    EXPECT_LE(p, 0.95);
    sum[row % 2] += p / 500;
  }
  // 0.05 + 0.9 * 0.1 and 0.05 + 0.9 * 0.9, up to what 1,000 labels can tell.
  EXPECT_NEAR(sum[0], 0.14, 0.04);
  EXPECT_NEAR(sum[1], 0.86, 0.04);
  EXPECT_EQ(model::explore_of(trained.file), 0.05);
}

TEST(Cawr, TheMeanOfTheDrawsIsTheStrongShareAskedFor) {
  const Examples examples = clouds(1000);
  for (const double share : {0.2, 0.5, 0.7}) {
    const auto trained =
        train_router(examples, options_of({ThresholdRule::By::kStrongShare, share})).value();
    EXPECT_NEAR(*trained.report.strong_share, share, 1e-6);
    EXPECT_EQ(trained.file.threshold, 0.5);
    EXPECT_THAT(trained.file.threshold_origin, HasSubstr("drawn"));
  }
  const auto recall = train_router(examples, options_of({ThresholdRule::By::kRecall, 0.8})).value();
  EXPECT_NEAR(*recall.report.recall, 0.8, 1e-6);
  const auto beyond = train_router(examples, options_of({ThresholdRule::By::kStrongShare, 0.97}));
  ASSERT_FALSE(beyond);
  EXPECT_THAT(beyond.error().message, HasSubstr("lower --explore"));
}

TEST(Cawr, DrawnProbabilityRisesStrictlyWithinItsBounds) {
  for (const double even : {1e-6, 0.1, 0.5, 0.9}) {
    double last = 0;
    for (int i = 0; i <= 100; ++i) {
      const double p = model::drawn_probability(i / 100.0, even, 0.02);
      EXPECT_GE(p, std::max(last, 0.02));
      EXPECT_LE(p, 0.98);
      last = p;
    }
    EXPECT_NEAR(model::drawn_probability(even, even, 0.02), 0.5, 1e-12);
  }
}

}  // namespace
}  // namespace weir::train
