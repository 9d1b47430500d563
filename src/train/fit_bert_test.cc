#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/bert.h"
#include "model/estimator.h"
#include "train/fit.h"
#include "train/mlp.h"
#include "train/trainer.h"

namespace weir::train {
namespace {

constexpr uint32_t kDimension = 6;

// Rows whose gap `gap_of` reads from a random unit-like vector.
template <typename GapOf>
Examples made_up(size_t count, GapOf&& gap_of, uint32_t dimension = kDimension) {
  Examples examples;
  examples.embed = {.from = model::EmbedFrom::kEncoder,
                    .dimension = dimension,
                    .static_hash = 5,
                    .url = {},
                    .model = "encoder.weir"};
  examples.sources = {{"made.jsonl", ModelPair{"weak", "strong"}}};
  Random random(7);
  for (size_t i = 0; i < count; ++i) {
    std::vector<float> vector(dimension);
    for (float& value : vector)
      value = static_cast<float>(2 * random.uniform() - 1);
    LabelledRow row;
    row.query = "query " + std::to_string(i);
    row.strong_score = gap_of(vector) > 0 ? 1 : 0;
    row.weak_score = 1 - row.strong_score;
    row.label = row.strong_score > row.weak_score ? 1 : 0;
    examples.words.push_back(row.query);
    examples.rows.push_back(std::move(row));
    text::PromptFeatures prompt;
    prompt.chars = 9;
    examples.prompts.push_back(prompt);
    examples.embeddings.insert(examples.embeddings.end(), vector.begin(), vector.end());
  }
  return examples;
}

TrainOptions options(Head head) {
  return {.kind = model::Kind::kBert,
          .models = {"weak", "strong"},
          .threshold = {},
          .seed = 3,
          .cut_time = "2026-11-23T00:00:00Z",
          .head = head};
}

double share_right(const Examples& examples, const TrainOptions& how, std::string* summary) {
  const auto trained = train_router(examples, how);
  EXPECT_TRUE(trained) << trained.error().message;
  if (!trained) return 0;
  *summary = trained->report.fit;
  const auto estimator = model::make_estimator(trained->file).value();
  text::Features features;
  model::Workspace workspace;
  size_t right = 0;
  for (size_t row = 0; row < examples.rows.size(); ++row) {
    features.prompt = examples.prompts[row];
    const double score =
        estimator->score({examples.words[row], features, examples.embedding(row)}, workspace);
    right += (score > 0.5) == (examples.rows[row].label == 1) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(examples.rows.size());
}

double plane(const std::vector<float>& x) {
  return double{x[0]} - 0.5 * double{x[1]} + 0.25 * double{x[2]};
}
double crossed(const std::vector<float>& x) {
  return double{x[0]} * double{x[1]};
}

TEST(FitBert, LinearHeadsLearnAPlane) {
  const Examples examples = made_up(500, plane);
  std::string summary;
  EXPECT_GE(share_right(examples, options(Head::kRidge), &summary), 0.95);
  EXPECT_NE(summary.find("ridge"), std::string::npos);
  EXPECT_GE(share_right(examples, options(Head::kLogistic), &summary), 0.95);
  EXPECT_NE(summary.find("logistic"), std::string::npos);
}

TEST(FitBert, CrossValidationTakesTheNetworkWhereNoPlaneHelps) {
  const Examples examples = made_up(1200, crossed);
  std::string summary;
  EXPECT_LT(share_right(examples, options(Head::kRidge), &summary), 0.65);
  EXPECT_GE(share_right(examples, options(Head::kBest), &summary), 0.85);
  EXPECT_NE(summary.find("hidden units"), std::string::npos);
}

TEST(FitBert, TheSameSeedGivesTheSameFile) {
  const Examples examples = made_up(200, crossed);
  const auto first = train_router(examples, options(Head::kMlp)).value();
  const auto second = train_router(examples, options(Head::kMlp)).value();
  EXPECT_EQ(first.file, second.file);
}

TEST(FitBert, AnOwnHeadIsKeptAsItIs) {
  const Examples labels =
      made_up(300, [](const auto& x) { return double{x[0]} - double{x[1]}; }, 3);
  const auto trained = train_router(labels, options(Head::kOwn)).value();
  EXPECT_EQ(trained.file.settings.at("head"), model::kLabelsHead);
  const Examples gaps = made_up(300, [](const auto& x) { return double{x[0]}; }, 1);
  std::string summary;
  EXPECT_GE(share_right(gaps, options(Head::kOwn), &summary), 0.95);
}

TEST(Mlp, PredictsAfterFoldingTheScalingBackIn) {
  const Examples examples = made_up(400, plane);
  Rows rows(examples.rows.size());
  std::vector<double> targets, weights(rows.size(), 1.0);
  for (uint32_t row = 0; row < rows.size(); ++row) {
    rows[row] = row;
    const auto x = examples.embedding(row);
    targets.push_back(plane({x.begin(), x.end()}) + 3);
  }
  const Mlp mlp = fit_mlp(examples, rows, targets, weights, 1);
  double squares = 0;
  for (uint32_t row = 0; row < rows.size(); ++row)
    squares += std::pow(mlp(examples.embedding(row)) - targets[row], 2);
  EXPECT_LT(squares / static_cast<double>(rows.size()), 0.02);
}

}  // namespace
}  // namespace weir::train
