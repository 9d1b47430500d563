#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/compress.h"
#include "base/files.h"
#include "base/random.h"
#include "model/estimator.h"
#include "model/query_hash.h"
#include "train/labelled_rows.h"
#include "train/logistic.h"
#include "train/trainer.h"

namespace weir::train {
namespace {

using testing::HasSubstr;

class LabelledRowsTest : public testing::Test {
 protected:
  std::filesystem::path write(std::string_view content) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      (std::string("rows_") + std::to_string(written_.size()) + ".jsonl");
    EXPECT_TRUE(write_file(path, content));
    written_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const auto& path : written_)
      std::filesystem::remove(path);
  }

  std::expected<LabelledRows, Error> read(std::string_view content,
                                          std::optional<ModelPair> pair = std::nullopt,
                                          const ReadOptions& options = {}) {
    return read_labelled_rows({{write(content), std::move(pair)}}, options);
  }
  std::string error_of(std::string_view content, std::optional<ModelPair> pair = std::nullopt) {
    const auto rows = read(content, std::move(pair));
    return rows ? "accepted" : rows.error().message;
  }

  std::vector<std::filesystem::path> written_;
};

const ModelPair kPair{"w", "s"};

TEST_F(LabelledRowsTest, ReadsLabelsAndWeights) {
  const auto rows = read(
      "\xEF\xBB\xBF{\"query\":\"a\",\"label\":1}\r\n\n"
      "{\"query\":\"b\",\"label\":0,\"weight\":2.5}\n{\"query\":\"c\",\"label\":true}");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows.size(), 3U);
  EXPECT_EQ(rows->rows[0].label, 1);
  EXPECT_EQ(rows->rows[1].weight, 2.5);
  EXPECT_EQ(rows->rows[1].weak_score, 1);
  EXPECT_EQ(rows->rows[2].label, 1);
  EXPECT_EQ(rows->rows[2].weak_score, 0);
  EXPECT_EQ(rows->total().from_label, 3);
}

TEST_F(LabelledRowsTest, StrongIsNeededOnlyWhenItScoresHigher) {
  const auto rows = read(
      "{\"query\":\"a\",\"scores\":{\"w\":0.2,\"s\":0.3}}\n"
      "{\"query\":\"b\",\"scores\":{\"w\":1,\"s\":1}}\n"
      "{\"query\":\"c\",\"scores\":{\"w\":1,\"s\":0,\"x\":7}}\n"
      "{\"query\":\"d\",\"scores\":{\"w\":1,\"s\":null}}\n"
      "{\"query\":\"e\",\"scores\":{\"w\":1}}\n",
      kPair);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows.size(), 3U);
  EXPECT_EQ(rows->rows[0].label, 1);
  EXPECT_EQ(rows->rows[1].label, 0);
  EXPECT_EQ(rows->rows[2].label, 0);
  EXPECT_EQ(rows->total().without_scores, 2);
}

TEST_F(LabelledRowsTest, ReadsGzip) {
  const auto rows = read(compress_gzip("{\"query\":\"a\",\"label\":1}\n"));
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows.size(), 1U);
}

TEST_F(LabelledRowsTest, LeavesMarkedRowsOutUnlessAsked) {
  const std::string_view content =
      "{\"query\":\"a\",\"label\":1,\"contaminated\":true}\n"
      "{\"query\":\"b\",\"label\":0,\"in_bench\":true}\n"
      "{\"query\":\"c\",\"label\":1,\"origin\":\"ori_mmlu-law\"}\n"
      "{\"query\":\"d\",\"label\":0,\"contaminated\":false,\"in_bench\":false}\n";
  const ReadOptions leave{.leave_out = {{"origin", "ori_mmlu*"}}};
  const auto few = read(content, std::nullopt, leave);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->rows.size(), 1U);
  EXPECT_EQ(few->total().contaminated, 1);
  EXPECT_EQ(few->total().in_bench, 1);
  EXPECT_EQ(few->total().left_out, 1);
  const ReadOptions include{.contaminated = Marked::kInclude, .in_bench = Marked::kInclude};
  const auto all = read(content, std::nullopt, include);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->rows.size(), 4U);
}

TEST_F(LabelledRowsTest, ErrorsNameFileLineAndRemedy) {
  const std::string good = "{\"query\":\"a\",\"label\":1}\n";
  const std::array<std::pair<std::string, const char*>, 8> table{{
      {good + "{\"query\":", ".jsonl:2: "},
      {good + "\n[1]", ".jsonl:3: a row must be an object"},
      {"{\"label\":1}", "'query' is missing"},
      {"{\"query\":\"a\"}", "neither 'label' nor 'scores'"},
      {"{\"query\":\"a\",\"label\":2}", "'label' must be 1"},
      {"{\"query\":\"a\",\"label\":1,\"weight\":-1}", "'weight'"},
      {"{\"query\":\"a\",\"scores\":{\"w\":0}}", "--weak MODEL --strong MODEL"},
      {"{\"query\":\"a\",\"scores\":3}", "'scores' must be an object"},
  }};
  for (const auto& [content, expected] : table)
    EXPECT_THAT(error_of(content), HasSubstr(expected)) << content;
  EXPECT_THAT(error_of("{\"query\":\"a\",\"scores\":{\"w\":0,\"s\":1.5}}", kPair),
              HasSubstr("'s' must be a number from 0 to 1"));
}

TEST_F(LabelledRowsTest, AnUnknownModelListsThoseInTheFile) {
  const std::string error =
      error_of("{\"query\":\"a\",\"scores\":{\"mixtral-8x7b\":0,\"gpt-4\":1}}",
               ModelPair{"mixtral-8x7", "gpt-4"});
  EXPECT_THAT(error, HasSubstr("'mixtral-8x7'"));
  EXPECT_THAT(error, HasSubstr("did you mean 'mixtral-8x7b'"));
  EXPECT_THAT(error, HasSubstr("the file has gpt-4, mixtral-8x7b"));
}

TEST_F(LabelledRowsTest, ReadsManyModelsAndTheirOutputTokens) {
  const DataSource source{
      .file = write("{\"id\":\"x\\ny\",\"query\":\"a\",\"scores\":{\"w\":0,\"m\":0.5,\"s\":1},"
                    "\"out_tokens\":{\"w\":7},\"out_chars\":{\"s\":40}}\n"
                    "{\"query\":\"b\",\"scores\":{\"m\":1,\"s\":0}}\n"
                    "{\"query\":\"c\",\"scores\":{\"other\":1}}\n"),
      .pair = kPair,
      .models = {"w", "m", "s"}};
  const auto rows = read_labelled_rows({source}, {.partial = Partial::kInclude});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->models, (std::vector<std::string>{"w", "m", "s"}));
  ASSERT_EQ(rows->rows.size(), 2U);
  const LabelledRow& full = rows->rows[0];
  EXPECT_EQ(full.id, "x y");
  EXPECT_EQ(full.label, 1);
  EXPECT_EQ(full.result_of(1)->score, 0.5);
  EXPECT_EQ(full.result_of(0)->output_tokens, 7);
  EXPECT_TRUE(std::isnan(full.result_of(1)->output_tokens));
  EXPECT_EQ(full.result_of(2)->output_tokens, 10);
  const LabelledRow& partial = rows->rows[1];
  EXPECT_EQ(partial.id, source.file.filename().string() + ":2");
  EXPECT_EQ(partial.label, -1);
  EXPECT_EQ(partial.result_of(0), nullptr);
  EXPECT_EQ(rows->total().without_scores, 1);
  EXPECT_EQ(rows->total().tokens_from_chars, 1);
  EXPECT_EQ(read_labelled_rows({source}, {})->rows.size(), 1U);
}

TEST_F(LabelledRowsTest, ReadsBattlesBetweenAnyModels) {
  const std::string_view content =
      "{\"query\":\"q\",\"model_a\":\"s\",\"model_b\":\"w\",\"winner\":\"a\"}\n"
      "{\"query\":\"q\",\"model_a\":\"s\",\"model_b\":\"w\",\"winner\":\"tie\"}\n"
      "{\"query\":\"q\",\"model_a\":\"x\",\"model_b\":\"w\",\"winner\":\"model_b\"}\n";
  const auto all = read(content, kPair, {.partial = Partial::kInclude});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->models, (std::vector<std::string>{"w", "s", "x"}));
  ASSERT_EQ(all->rows.size(), 3U);
  EXPECT_EQ(all->rows[0].label, 1);
  EXPECT_EQ(all->rows[1].label, 0);
  EXPECT_EQ(all->rows[1].weak_score, 0.5);
  EXPECT_EQ(all->rows[2].label, -1);
  EXPECT_EQ(all->rows[2].result_of(0)->score, 1);
  EXPECT_EQ(all->rows[2].result_of(2)->score, 0);
  EXPECT_EQ(all->total().battles, 3);
  EXPECT_EQ(read(content, kPair)->rows.size(), 2U);
  EXPECT_THAT(
      error_of("{\"query\":\"q\",\"model_a\":\"s\",\"model_b\":\"s\",\"winner\":\"a\"}", kPair),
      HasSubstr("two different models"));
  EXPECT_THAT(
      error_of("{\"query\":\"q\",\"model_a\":\"s\",\"model_b\":\"w\",\"winner\":\"c\"}", kPair),
      HasSubstr("must be a, b or tie"));
}

TEST(LeaveOut, NeedsFieldAndPattern) {
  EXPECT_TRUE(LeaveOut::parse("task=gsm8k"));
  for (const char* bad : {"", "task", "=x", "task="})
    EXPECT_FALSE(LeaveOut::parse(bad)) << bad;
}

// 14 rows; the third feature is nearly and the fourth exactly constant.
constexpr std::array<float, 56> kFeatures{
    0.00F,  5.99F,  -2.03F, 5, -0.45F, -6.92F, -1.99F, 5, -0.49F, -3.20F,  -1.95F, 5,
    0.11F,  -6.30F, -2.00F, 5, -1.34F, -1.58F, -2.19F, 5, -1.84F, 0.65F,   -2.13F, 5,
    0.16F,  1.13F,  -2.25F, 5, -0.05F, 4.13F,  -2.15F, 5, -0.98F, -5.09F,  -1.89F, 5,
    -0.03F, 11.84F, -2.06F, 5, 0.11F,  3.64F,  -2.12F, 5, 1.36F,  -12.47F, -1.91F, 5,
    -0.64F, 23.00F, -1.92F, 5, 0.07F,  8.77F,  -2.02F, 5};
constexpr std::array<int, 14> kLabels{1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0};
constexpr std::array<double, 14> kWeights{1, 2, 0.5, 1, 1, 3, 0, 1, 1, 0.25, 1, 1, 2, 1};
constexpr std::array<double, 14> kOnes{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

std::vector<uint32_t> first_rows(uint32_t count) {
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// sklearn 1.9.1: StandardScaler().fit(X.astype(float64))
TEST(FitScaler, EqualsScikitLearn) {
  const auto rows = first_rows(14);
  const Scaler scaler = fit_scaler({kFeatures, 4, kLabels, kOnes, rows});
  const std::array mean{-0.2864285756700805, 1.6849999853542872, -2.0435714295932224, 5.0};
  const std::array scale{0.7441640401969912, 8.684786260103884, 0.106878262417817, 1.0};
  for (size_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(scaler.mean[j], mean[j], 1e-14);
    EXPECT_NEAR(scaler.scale[j], scale[j], 1e-14);
  }
}

void expect_fit(const std::array<double, 14>& weights, const std::array<double, 4>& coefficients,
                double intercept) {
  const auto rows = first_rows(14);
  const Samples samples{kFeatures, 4, kLabels, weights, rows};
  const auto fit = fit_logistic(samples, fit_scaler(samples), 1);
  ASSERT_TRUE(fit) << fit.error().message;
  for (size_t j = 0; j < 4; ++j)
    EXPECT_NEAR(fit->coefficients[j], coefficients[j], 1e-9) << j;
  EXPECT_NEAR(fit->intercept, intercept, 1e-9);
  EXPECT_LT(fit->gradient_norm, 1e-9);
}

// sklearn 1.9.1: LogisticRegression(C=1, solver='newton-cholesky', tol=1e-14)
TEST(FitLogistic, EqualsScikitLearn) {
  expect_fit(kOnes, {1.0333644779466793, 0.01721847295153397, -0.24176304072065366, 0},
             -0.36447369859191064);
  expect_fit(kWeights, {1.1247511924655356, -0.05398679419599004, -0.11323004734818162, 0},
             -1.0779074501389072);
}

TEST(FitLogistic, AWeightOfTwoEqualsTheRowTwice) {
  const auto rows = first_rows(14);
  std::vector<uint32_t> twice = rows;
  twice.push_back(3);
  auto weights = kOnes;
  weights[3] = 2;
  const Samples once{kFeatures, 4, kLabels, weights, rows};
  const Samples doubled{kFeatures, 4, kLabels, kOnes, twice};
  const Scaler scaler = fit_scaler(once);
  const auto a = fit_logistic(once, scaler, 1), b = fit_logistic(doubled, scaler, 1);
  ASSERT_TRUE(a && b);
  for (size_t j = 0; j < 4; ++j)
    EXPECT_NEAR(a->coefficients[j], b->coefficients[j], 1e-10);
}

TEST(FitLogistic, FindsTheOptimumOfSeparableAndOfHugeFeatures) {
  const auto rows = first_rows(40);
  std::vector<float> features;
  std::vector<int> labels;
  for (int i = 0; i < 40; ++i) {
    labels.push_back(i < 20 ? 0 : 1);
    features.push_back(i < 20 ? -1e6F : 1e6F);
  }
  const std::vector<double> weights(40, 1e4);
  const Samples samples{features, 1, labels, weights, rows};
  const auto fit = fit_logistic(samples, fit_scaler(samples), 1);
  ASSERT_TRUE(fit) << fit.error().message;
  // At the optimum b = 40e4 * (1 - sigmoid(b)).
  const double b = fit->coefficients[0];
  EXPECT_NEAR(b, 4e5 / (1 + std::exp(b)), 1e-8 * b);
}

// What a row's probability lacks to 1 counts 1e9 times, so no digit of it may get lost.
TEST(FitLogistic, FindsTheOptimumUnderHugeWeights) {
  const auto rows = first_rows(40);
  std::vector<float> features;
  std::vector<int> labels;
  std::vector<double> weights;
  for (int i = 0; i < 40; ++i) {
    const int label = i % 2;
    labels.push_back(label);
    features.push_back(label == 1 ? 1.0F : -1.0F);
    weights.push_back(i < 20 ? 1e9 : 1e-9);
  }
  const Samples samples{features, 1, labels, weights, rows};
  const auto fit = fit_logistic(samples, fit_scaler(samples), 1);
  ASSERT_TRUE(fit) << fit.error().message;
  // At the optimum b = 20e9 * (1 - sigmoid(b)).
  const double b = fit->coefficients[0];
  EXPECT_NEAR(b, 2e10 / (1 + std::exp(b)), 1e-8 * b);
}

TEST(FitLogistic, OneClassOnlyIsRefused) {
  const auto rows = first_rows(14);
  const std::array<int, 14> ones{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const Samples samples{kFeatures, 4, ones, kOnes, rows};
  const auto fit = fit_logistic(samples, fit_scaler(samples), 1);
  ASSERT_FALSE(fit);
  EXPECT_THAT(fit.error().message, HasSubstr("label 1"));
}

// Two-dimensional vectors whose first value tells the label, with noise.
Examples made_up(size_t count) {
  Random random(9);
  Examples examples;
  examples.embed = {.from = model::EmbedFrom::kUrl,
                    .dimension = 2,
                    .static_hash = 0,
                    .url = "http://127.0.0.1:1",
                    .model = "m"};
  examples.sources = {{"made_up.jsonl", ModelPair{"w", "s"}}};
  for (size_t i = 0; i < count; ++i) {
    const int label = random.uniform() < 0.4 ? 1 : 0;
    LabelledRow row;
    row.query = "query " + std::to_string(i);
    row.label = label;
    examples.words.push_back(row.query);
    examples.rows.push_back(std::move(row));
    text::PromptFeatures prompt;
    prompt.chars = 10 + random.below(90);
    examples.prompts.push_back(prompt);
    examples.embeddings.push_back(static_cast<float>(label + random.uniform()));
    examples.embeddings.push_back(static_cast<float>(random.uniform()));
  }
  return examples;
}

TrainOptions options_for(model::Kind kind) {
  TrainOptions options;
  options.kind = kind;
  options.models = {"w", "s"};
  options.seed = 3;
  return options;
}

TEST(TrainRouter, LearnsAndDescribesItself) {
  const Examples examples = made_up(400);
  const auto trained = train_router(examples, options_for(model::Kind::kLr));
  ASSERT_TRUE(trained) << trained.error().message;
  const model::RouterFile& file = trained->file;
  EXPECT_TRUE(file.trained);
  EXPECT_EQ(file.threshold, 0.5);
  EXPECT_EQ(file.threshold_origin, "default");
  EXPECT_EQ(file.query_hashes.size(), 400U);
  EXPECT_EQ(file.sources[0].rows, 400);
  EXPECT_EQ(file.sources[0].strong_needed, trained->report.strong_needed);
  EXPECT_GT(trained->report.recall.value(), 0.8);
  EXPECT_TRUE(encode_router_file(file));
}

TEST(TrainRouter, SameInputAndSeedGiveTheSameFile) {
  const auto bytes = [](int64_t seed) {
    TrainOptions options = options_for(model::Kind::kLr);
    options.seed = seed;
    options.threshold = {ThresholdRule::By::kStrongShare, 0.3};
    return encode_router_file(train_router(made_up(200), options)->file).value();
  };
  EXPECT_EQ(bytes(1), bytes(1));
  EXPECT_NE(bytes(1), bytes(2));
}

TEST(TrainRouter, ThresholdsMeanWhatTheySay) {
  const Examples examples = made_up(1000);
  TrainOptions options = options_for(model::Kind::kLr);
  options.threshold = {ThresholdRule::By::kStrongShare, 0.3};
  const auto share = train_router(examples, options);
  ASSERT_TRUE(share);
  EXPECT_NEAR(share->report.strong_share.value(), 0.3, 0.002);
  EXPECT_EQ(share->file.threshold_origin, "strong share 0.3 (out of fold)");
  options.threshold = {ThresholdRule::By::kRecall, 0.8};
  const auto recall = train_router(examples, options);
  ASSERT_TRUE(recall);
  EXPECT_NEAR(recall->report.recall.value(), 0.8, 0.005);
  EXPECT_EQ(recall->file.threshold, recall->report.recall80_out_of_fold);
}

TEST(TrainRouter, OutOfFoldScoresAreLessOptimistic) {
  Examples noise = made_up(120);
  Random random(8);
  noise.embed.dimension = 30;
  noise.embeddings.resize(120 * 30);
  for (float& x : noise.embeddings)
    x = static_cast<float>(random.uniform());
  const auto trained = train_router(noise, options_for(model::Kind::kLr));
  ASSERT_TRUE(trained);
  EXPECT_GT(trained->report.recall80_in_sample, trained->report.recall80_out_of_fold.value());
}

TEST(TrainRouter, BaselinesNeedNoEmbedding) {
  Examples examples = made_up(100);
  examples.embed = {};
  examples.embeddings.clear();
  for (const model::Kind kind : {model::Kind::kLength, model::Kind::kRandom}) {
    TrainOptions options = options_for(kind);
    options.threshold = {ThresholdRule::By::kStrongShare, 0.5};
    const auto trained = train_router(examples, options);
    ASSERT_TRUE(trained) << trained.error().message;
    EXPECT_NEAR(trained->report.strong_share.value(), 0.5, 0.15);
    EXPECT_TRUE(encode_router_file(trained->file));
  }
}

// The fit without the fold of the one strong-needed row sees only weak ones.
TEST(TrainRouter, OneStrongNeededRowTrainsWithoutOutOfFoldFigures) {
  Examples examples = made_up(40);
  for (size_t i = 0; i < examples.rows.size(); ++i)
    examples.rows[i].label = i == 7 ? 1 : 0;
  TrainOptions options = options_for(model::Kind::kLr);
  const auto plain = train_router(examples, options);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->file.threshold, 0.5);
  EXPECT_EQ(plain->file.threshold_origin, "default");
  EXPECT_FALSE(plain->report.recall80_out_of_fold);
  EXPECT_FALSE(plain->report.strong_share);
  EXPECT_FALSE(plain->report.recall);
  options.threshold = {ThresholdRule::By::kRecall, 0.8};
  const auto recall = train_router(examples, options);
  ASSERT_TRUE(recall) << recall.error().message;
  EXPECT_EQ(recall->file.threshold, recall->report.recall80_in_sample);
  EXPECT_EQ(recall->file.threshold_origin, "recall 0.8 (on training scores)");
  EXPECT_TRUE(encode_router_file(recall->file));
}

TEST(TrainRouter, RefusesWhatCannotBeLearnt) {
  Examples one_class = made_up(50);
  for (LabelledRow& row : one_class.rows)
    row.label = 0;
  const auto none = train_router(one_class, options_for(model::Kind::kLr));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no query needed the strong model"));
  const auto few = train_router(made_up(3), options_for(model::Kind::kLr));
  ASSERT_FALSE(few);
  EXPECT_THAT(few.error().message, HasSubstr("too few"));
  Examples same = made_up(50);
  std::ranges::fill(same.words, "the same query");
  for (const model::Kind kind : {model::Kind::kLr, model::Kind::kLength, model::Kind::kRandom}) {
    const auto alike = train_router(same, options_for(kind));
    ASSERT_FALSE(alike);
    EXPECT_THAT(alike.error().message, HasSubstr("all 50 rows ask the same"));
  }
}

TEST(AssignFolds, KeepsTwinsTogetherAndBalances) {
  std::vector<std::string> words;
  for (int i = 0; i < 500; ++i)
    words.push_back("query " + std::to_string(i % 250));
  const auto folds = assign_folds(words, 5, 1);
  std::array<int, 5> sizes{};
  for (size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(folds[i], folds[i % 250]);
    ++sizes[folds[i]];
  }
  for (const int size : sizes)
    EXPECT_EQ(size, 100);
}

}  // namespace
}  // namespace weir::train
