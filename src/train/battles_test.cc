// Battles, ratings, tiers, and the kinds sw and mf that learn from them.
#include "train/battles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/random.h"
#include "model/bradley_terry.h"
#include "model/estimator.h"
#include "model/mf.h"
#include "model/sw.h"
#include "simd/reference.h"
#include "train/factorize.h"
#include "train/trainer.h"

namespace weir::train {
namespace {

using model::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
namespace section = model::section;

model::EmbedSource embed_of(uint32_t dimension) {
  return {.from = model::EmbedFrom::kUrl,
          .dimension = dimension,
          .static_hash = 0,
          .url = "http://127.0.0.1:1",
          .model = "m"};
}

double ask(const model::RouterFile& file, std::span<const float> vector,
           model::Workspace& workspace) {
  const auto estimator = model::make_estimator(file);
  EXPECT_TRUE(estimator) << estimator.error().message;
  static const text::Features features;
  workspace.clear();
  return (*estimator)->score({{}, features, vector}, workspace);
}

// Battles of `models` models about random queries: model 0 is the weakest, and on queries with a
// large first number the strong ones win more often.
Examples made_up_battles(size_t count, size_t models, uint32_t dimension, uint64_t seed) {
  Random random(seed);
  Examples examples;
  examples.embed = embed_of(dimension);
  examples.sources = {{.file = "made_up.jsonl", .pair = ModelPair{"m0", "m1"}}};
  for (size_t i = 0; i < models; ++i)
    examples.models.push_back("m" + std::to_string(i));
  for (size_t i = 0; i < count; ++i) {
    std::vector<float> vector(dimension);
    for (float& x : vector)
      x = static_cast<float>(random.uniform() - 0.4);
    const auto a = static_cast<uint32_t>(random.below(models));
    auto b = static_cast<uint32_t>(random.below(models - 1));
    if (b >= a) ++b;
    const double advantage = (static_cast<double>(a) - static_cast<double>(b)) /
                             static_cast<double>(models) * (vector[0] > 0 ? 4 : 0.5);
    const double chance = 1 / (1 + std::exp(-advantage)), drawn = random.uniform();
    const double score = random.uniform() < 0.15 ? 0.5 : drawn < chance ? 1 : 0;
    LabelledRow row;
    row.query = "battle " + std::to_string(i);
    row.weight = i % 7 == 0 ? 2 : 1;
    row.results = {{.model = a, .score = score}, {.model = b, .score = 1 - score}};
    row.label = -1;
    if (a + b == 1) row.label = (a == 1 ? score : 1 - score) == 1 ? 1 : 0;
    examples.words.push_back(row.query);
    examples.prompts.emplace_back();
    examples.rows.push_back(std::move(row));
    examples.embeddings.insert(examples.embeddings.end(), vector.begin(), vector.end());
  }
  return examples;
}

Rows all_rows(const Examples& examples) {
  Rows rows;
  for (uint32_t row = 0; row < examples.rows.size(); ++row)
    rows.push_back(row);
  return rows;
}

TEST(Battles, EveryPairOfKnownModelsIsOne) {
  Examples examples;
  examples.embed = embed_of(1);
  LabelledRow row;
  row.results = {
      {.model = 0, .score = 0.2}, {.model = 2, .score = 0.7}, {.model = 1, .score = 0.7}};
  examples.rows = {row};
  const auto battles = battles_of(examples.rows, {0}, 1);
  ASSERT_EQ(battles.size(), 3U);
  const auto wins = std::ranges::count(battles, Outcome::kWin, &Battle::outcome);
  EXPECT_EQ(wins, 2);
  for (const Battle& battle : battles) {
    EXPECT_EQ(battle.outcome == Outcome::kWin, battle.loser == 0U || battle.winner == 0U);
  }
}

// Two models: the odds are those of the wins. 3 wins and a tie against 1: 3.5 to 1.5.
TEST(BradleyTerry, TwoModels) {
  const std::array<double, 4> wins{0, 3.5, 1.5, 0};
  std::array<double, 2> ratings{};
  std::vector<double> memory;
  model::bradley_terry(wins, ratings, memory);
  EXPECT_NEAR(ratings[0] - ratings[1], std::log(3.5 / 1.5), 1e-7);
  EXPECT_NEAR(model::win_probability(ratings[0], ratings[1]), 0.7, 1e-8);
}

// Elo 1250 against 1114.
TEST(BradleyTerry, PinnedElo) {
  const double unit = std::log(10.0) / 400;
  EXPECT_NEAR(model::win_probability(1250 * unit, 1114 * unit), 0.686300, 1e-6);
  EXPECT_NEAR(model::elo_of(250 * unit), 1250, 1e-9);
}

TEST(BradleyTerry, WhoNeverLosesGetsABoundedRating) {
  const std::array<double, 9> wins{0, 5, 5, 0, 0, 3, 0, 1, 0};
  std::array<double, 3> ratings{};
  std::vector<double> memory;
  model::bradley_terry(wins, ratings, memory);
  EXPECT_GT(ratings[0] - ratings[1], 10);
  EXPECT_LT(ratings[0] - ratings[1], 40);
  EXPECT_NEAR(ratings[1] - ratings[2], std::log(3.0), 1e-4);
  const std::array<double, 9> none{};
  model::bradley_terry(none, ratings, memory);
  EXPECT_THAT(ratings, ElementsAre(0, 0, 0));
}

// Of all ways to cut the order into runs.
double least_variance(std::span<const double> sorted, size_t tiers) {
  if (tiers == 0) return sorted.empty() ? 0 : HUGE_VAL;
  double least = HUGE_VAL;
  for (size_t head = 1; head <= sorted.size(); ++head) {
    double mean = 0, squares = 0;
    for (const double x : sorted.first(head))
      mean += x / static_cast<double>(head);
    for (const double x : sorted.first(head))
      squares += (x - mean) * (x - mean) / static_cast<double>(head);
    least = std::min(least, squares + least_variance(sorted.subspan(head), tiers - 1));
  }
  return least;
}

TEST(Tiers, LeastVarianceByExhaustion) {
  Random random(4);
  for (const size_t count : {3, 6, 9}) {
    std::vector<double> ratings;
    for (size_t i = 0; i < count; ++i)
      ratings.push_back(random.uniform() * 5);
    const auto tier_of = compute_tiers(ratings, 3);
    double found = 0;
    for (uint32_t tier = 0; tier < 3; ++tier) {
      std::vector<double> members;
      for (size_t i = 0; i < count; ++i)
        if (tier_of[i] == tier) members.push_back(ratings[i]);
      ASSERT_FALSE(members.empty());
      found += least_variance(members, 1);
    }
    std::ranges::sort(ratings, std::greater{});
    EXPECT_NEAR(found, least_variance(ratings, 3), 1e-12);
  }
  EXPECT_THAT(compute_tiers(std::vector{1.0, 9.0, 5.0}, 10), ElementsAre(2, 0, 1));
  EXPECT_THAT(compute_tiers(std::vector{1.0, 1.1, 5.0, 5.2, 9.0}, 3), ElementsAre(2, 2, 1, 1, 0));
}

model::RouterFile sw_file() {
  model::RouterFile file;
  file.kind = Kind::kSw;
  file.trained = true;
  file.embed = embed_of(2);
  file.models = {"w", "s"};
  std::string vectors;
  for (const int value : {100, 0, 80, 60, 0, 100})
    vectors += static_cast<char>(value);
  file.blobs[std::string(section::kSwVectors)] = vectors;
  // Tier 0 wins the battles 0 and 2, tier 1 the battle 1.
  const std::array<model::TierWin, 3> wins{{{0, 1}, {2, 1}, {1, 1}}};
  std::string bytes(sizeof(wins), '\0');
  std::memcpy(bytes.data(), wins.data(), sizeof(wins));
  file.blobs[std::string(section::kSwWins)] = bytes;
  file.weights[std::string(section::kSwCells)] = {0, 2, 1, 0};
  file.weights[std::string(section::kSwTiers)] = {1, 0};
  return file;
}

// E = (1,0), (.8,.6), (0,1); q = (.6,.8); y = 1, 0, 1: similarities .6, .96, .8, weights 42.1697,
// 100, 68.1292. The query is (95, 127) in int8, which moves the last digits.
TEST(Sw, PinnedScore) {
  model::Workspace workspace;
  EXPECT_NEAR(ask(sw_file(), std::array{0.6F, 0.8F}, workspace), 0.524486, 1e-3);
  // (75, 100) has that direction exactly. A third number of 127 keeps it as it is, and divides all
  // similarities by the same.
  model::RouterFile exact = sw_file();
  exact.embed.dimension = 3;
  std::string vectors;
  for (const int value : {100, 0, 0, 80, 60, 0, 0, 100, 0})
    vectors += static_cast<char>(value);
  exact.blobs[std::string(section::kSwVectors)] = vectors;
  EXPECT_NEAR(ask(exact, std::array{75.0F, 100.0F, 127.0F}, workspace), 0.524486, 1e-6);
  EXPECT_EQ(workspace.estimates.size(), 2U);
  EXPECT_NEAR(workspace.estimates[1].quality, 0.524486, 1e-6);
}

TEST(Sw, NothingSimilarMeansThatEveryBattleCountsAlike) {
  model::Workspace workspace;
  EXPECT_NEAR(ask(sw_file(), std::array{-1.0F, -1.0F}, workspace), 2.0 / 3, 1e-6);
}

TEST(Sw, AFileThatDoesNotFitIsRefused) {
  for (const auto& [name, numbers] :
       {std::pair(section::kSwCells, std::vector<double>{0, 2, 2, 0}),
        std::pair(section::kSwCells, std::vector<double>{0, 2, 1}),
        std::pair(section::kSwCells, std::vector<double>{0, 2.5, 0.5, 0}),
        std::pair(section::kSwTiers, std::vector<double>{1, 2}),
        std::pair(section::kSwTiers, std::vector<double>{1})}) {
    model::RouterFile file = sw_file();
    file.weights[std::string(name)] = numbers;
    EXPECT_FALSE(model::make_estimator(file)) << name;
  }
  model::RouterFile file = sw_file();
  file.blobs[std::string(section::kSwWins)][0] = 9;  // a query that is not there
  EXPECT_FALSE(model::make_estimator(file));
}

// The slow form: logistic regression over all battles, every one twice (a tie is one win for each),
// with +1 for one tier and -1 for the other, weighted, by Newton's method on all of them; and the
// same pull of the ratings to 0.
class SlowRanking {
 public:
  SlowRanking(const Examples& examples, std::span<const Battle> battles,
              std::span<const uint32_t> tier_of)
      : examples_(examples), battles_(battles), tier_of_(tier_of) {
    tiers_ = size_t{*std::ranges::max_element(tier_of)} + 1;
  }

  double probability(std::span<const float> query, uint32_t weak, uint32_t strong) {
    weigh(query);
    std::vector<double> ratings(tiers_);
    for (int step = 0; step < 100; ++step)
      advance(ratings);
    return 1 / (1 + std::exp(ratings[tier_of_[weak]] - ratings[tier_of_[strong]]));
  }

 private:
  std::vector<int8_t> quantized(std::span<const float> vector) const {
    std::vector<int8_t> out(vector.size());
    float largest = 0;
    for (const float x : vector)
      largest = std::max(largest, std::abs(x));
    for (size_t i = 0; i < vector.size(); ++i)
      out[i] = static_cast<int8_t>(std::lrint(vector[i] * (127 / largest)));
    return out;
  }

  void weigh(std::span<const float> query) {
    const auto asked = quantized(query);
    double most = -1;
    weights_.clear();
    for (const Battle& battle : battles_) {
      weights_.push_back(
          simd::reference::cosine(asked, quantized(examples_.embedding(battle.row))));
      if (tier_of_[battle.winner] != tier_of_[battle.loser]) most = std::max(most, weights_.back());
    }
    for (size_t i = 0; i < weights_.size(); ++i)
      weights_[i] = 10 * std::pow(10, weights_[i] / most) * examples_.rows[battles_[i].row].weight;
  }

  void add_row(uint32_t winner, uint32_t loser, double weight, std::span<const double> ratings,
               std::vector<double>& gradient, std::vector<double>& hessian) const {
    const double p = 1 / (1 + std::exp(ratings[loser] - ratings[winner]));
    gradient[winner] -= weight * (1 - p), gradient[loser] += weight * (1 - p);
    const double curvature = weight * p * (1 - p);
    hessian[winner * tiers_ + winner] += curvature, hessian[loser * tiers_ + loser] += curvature;
    hessian[winner * tiers_ + loser] -= curvature, hessian[loser * tiers_ + winner] -= curvature;
  }

  void advance(std::vector<double>& ratings) const {
    std::vector<double> gradient(tiers_), hessian(tiers_ * tiers_);
    double total = 0;
    for (size_t i = 0; i < battles_.size(); ++i) {
      const uint32_t winner = tier_of_[battles_[i].winner], loser = tier_of_[battles_[i].loser];
      if (winner == loser) continue;
      const bool tie = battles_[i].outcome == Outcome::kTie;
      add_row(winner, loser, weights_[i], ratings, gradient, hessian);
      if (tie)
        add_row(loser, winner, weights_[i], ratings, gradient, hessian);
      else
        add_row(winner, loser, weights_[i], ratings, gradient, hessian);
      total += 2 * weights_[i];
    }
    for (size_t i = 0; i < tiers_; ++i) {
      gradient[i] += model::kRatingPull * total * ratings[i];
      hessian[i * tiers_ + i] += model::kRatingPull * total;
    }
    eliminate(gradient, hessian);
    double largest = 0;
    for (const double x : gradient)
      largest = std::max(largest, std::abs(x));
    for (size_t i = 0; i < tiers_; ++i)
      ratings[i] -= gradient[i] * std::min(1.0, 2 / largest);
  }

  // gradient = hessian^-1 gradient, by Gauss's elimination with pivots.
  void eliminate(std::vector<double>& right, std::vector<double>& matrix) const {
    const size_t n = right.size();
    for (size_t column = 0; column < n; ++column) {
      size_t pivot = column;
      for (size_t row = column; row < n; ++row)
        if (std::abs(matrix[row * n + column]) > std::abs(matrix[pivot * n + column])) pivot = row;
      for (size_t k = 0; k < n; ++k)
        std::swap(matrix[column * n + k], matrix[pivot * n + k]);
      std::swap(right[column], right[pivot]);
      for (size_t row = 0; row < n; ++row) {
        if (row == column) continue;
        const double factor = matrix[row * n + column] / matrix[column * n + column];
        for (size_t k = column; k < n; ++k)
          matrix[row * n + k] -= factor * matrix[column * n + k];
        right[row] -= factor * right[column];
      }
    }
    for (size_t i = 0; i < n; ++i)
      right[i] /= matrix[i * n + i];
  }

  const Examples& examples_;
  std::span<const Battle> battles_;
  std::span<const uint32_t> tier_of_;
  size_t tiers_;
  std::vector<double> weights_;
};

TEST(Sw, EqualsTheSlowForm) {
  for (const size_t models : {2, 5, 14}) {
    const Examples examples = made_up_battles(1500, models, 24, models);
    TrainOptions options;
    options.kind = Kind::kSw;
    options.models = {"m0", "m1"};
    const auto trained = train_router(examples, options);
    ASSERT_TRUE(trained) << trained.error().message;
    const auto battles = battles_of(examples.rows, all_rows(examples), 0);
    const auto tier_of = compute_tiers(rate_models(examples, battles, models), 10);
    SlowRanking slow(examples, battles, tier_of);
    model::Workspace workspace;
    for (uint32_t row = 0; row < 40; ++row) {
      const auto query = examples.embedding(row);
      ASSERT_NEAR(ask(trained->file, query, workspace), slow.probability(query, 0, 1), 1e-6)
          << models << " models, row " << row;
    }
  }
}

// Where a tier wins everything, both forms are bounded by the same pull.
TEST(Sw, EqualsTheSlowFormWithoutAFiniteMaximum) {
  Examples examples = made_up_battles(300, 2, 8, 3);
  for (LabelledRow& row : examples.rows) {
    for (ModelResult& result : row.results)
      result.score = result.model;
    row.label = 1;
  }
  TrainOptions options;
  options.kind = Kind::kSw;
  options.models = {"m0", "m1"};
  const auto trained = train_router(examples, options);
  ASSERT_TRUE(trained) << trained.error().message;
  const auto battles = battles_of(examples.rows, all_rows(examples), 0);
  const std::vector<uint32_t> tier_of{1, 0};
  SlowRanking slow(examples, battles, tier_of);
  model::Workspace workspace;
  const auto query = examples.embedding(5);
  const double score = ask(trained->file, query, workspace);
  EXPECT_GT(score, 0.999);
  EXPECT_LT(score, 1);
  EXPECT_NEAR(score, slow.probability(query, 0, 1), 1e-6);
}

TEST(Sw, ModelsOfOneTierCannotBeToldApart) {
  Examples examples = made_up_battles(800, 30, 8, 9);
  for (LabelledRow& row : examples.rows) {
    const uint32_t a = std::max(row.results[0].model, 1U), b = std::max(row.results[1].model, 1U);
    row.results[0].score = a == b ? 0.5 : a > b ? 1 : 0;
    row.results[1].score = 1 - row.results[0].score;
  }
  examples.rows[0].label = 1;
  TrainOptions options;
  options.kind = Kind::kSw;
  options.models = {"m0", "m1"};
  const auto trained = train_router(examples, options);
  ASSERT_FALSE(trained);
  EXPECT_THAT(trained.error().message, HasSubstr("cannot tell them apart"));
}

// v_s = (.6, .8), v_w = (0, 1), W = [[1, 0], [0, 1], [1, 1]] (transposed here), v_q = (.2, -.1,
// .3), c = (1.5, -2): h = (.5, .2), d_s = .13, d_w = -.40.
TEST(Mf, PinnedScore) {
  model::RouterFile file;
  file.kind = Kind::kMf;
  file.trained = true;
  file.embed = embed_of(3);
  file.models = {"w", "s"};
  file.weights[std::string(section::kMfProjection)] = {1, 0, 1, 0, 1, 1};
  file.weights[std::string(section::kMfModels)] = {0, 1, 0.6, 0.8};
  file.weights[std::string(section::kMfClassifier)] = {1.5, -2};
  model::Workspace workspace;
  EXPECT_NEAR(ask(file, std::array{0.2F, -0.1F, 0.3F}, workspace), 0.629483, 1e-6);
  EXPECT_NEAR(workspace.estimates[0].quality, 1 - 0.629483, 1e-6);
  file.weights[std::string(section::kMfModels)].pop_back();
  EXPECT_FALSE(model::make_estimator(file));
}

TEST(Mf, TheDirectionEqualsTheFullForm) {
  const Examples examples = made_up_battles(400, 6, 16, 2);
  const auto battles = battles_of(examples.rows, all_rows(examples), 0);
  const Factorized factors = factorize(examples, battles, 6, {.width = 12, .steps = 50, .seed = 1});
  const auto directions =
      model::collapse({factors.projection, factors.models, factors.classifier}, 16);
  for (uint32_t row = 0; row < 20; ++row) {
    const auto query = examples.embedding(row);
    for (size_t model = 0; model < 6; ++model) {
      double full = 0, length = 0;
      for (size_t k = 0; k < 12; ++k) {
        double hidden = 0;
        for (size_t j = 0; j < 16; ++j)
          hidden += factors.projection[k * 16 + j] * double{query[j]};
        full += factors.classifier[k] * factors.models[model * 12 + k] * hidden;
        length += factors.models[model * 12 + k] * factors.models[model * 12 + k];
      }
      const double direct =
          simd::reference::dot(query, std::span(directions).subspan(model * 16, 16));
      EXPECT_NEAR(direct, full, 1e-6);
      EXPECT_NEAR(length, 1, 1e-5);
    }
  }
}

// Mean loss without noise, as a function of all factors.
double loss_of(const Examples& examples, std::span<const Battle> battles, const Factorized& factors,
               size_t width, size_t dimension) {
  const auto directions =
      model::collapse({factors.projection, factors.models, factors.classifier}, dimension);
  double loss = 0, count = 0;
  for (const Battle& battle : battles) {
    if (battle.outcome == Outcome::kTie) continue;
    const auto of = [&](uint32_t model) {
      return simd::reference::dot(examples.embedding(battle.row),
                                  std::span(directions).subspan(model * dimension, dimension));
    };
    loss += std::log1p(std::exp(of(battle.loser) - of(battle.winner)));
    ++count;
  }
  EXPECT_EQ(factors.classifier.size(), width);
  return loss / count;
}

TEST(Mf, LearnsWhoWinsOnWhichQueries) {
  const Examples examples = made_up_battles(3000, 4, 16, 6);
  const auto battles = battles_of(examples.rows, all_rows(examples), 0);
  const FactorizeOptions options{.width = 16, .noise = 0.02, .learning_rate = 3e-3, .seed = 1};
  const Factorized factors = factorize(examples, battles, 4, options);
  const double loss = loss_of(examples, battles, factors, 16, 16);
  EXPECT_LT(loss, 0.62);  // of a coin: 0.693
  const Factorized again = factorize(examples, battles, 4, options);
  EXPECT_EQ(again.projection, factors.projection);
}

class BattleKinds : public testing::TestWithParam<Kind> {};

TEST_P(BattleKinds, TrainAndServeAnyNumberOfModels) {
  Examples examples = made_up_battles(2500, 5, 16, 8);
  TrainOptions options;
  options.kind = GetParam();
  options.models = {"m0", "m1", "m2"};
  const auto trained = train_router(examples, options);
  ASSERT_TRUE(trained) << trained.error().message;
  model::Workspace workspace;
  double mean = 0;
  for (uint32_t row = 0; row < 100; ++row)
    mean += ask(trained->file, examples.embedding(row), workspace) / 100;
  EXPECT_GT(mean, 0.5);
  ASSERT_EQ(workspace.estimates.size(), 3U);
  EXPECT_LT(workspace.estimates[0].quality, workspace.estimates[2].quality);
  const auto bytes = encode_router_file(trained->file);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(model::parse_router_file(*bytes).value(), trained->file);
}

INSTANTIATE_TEST_SUITE_P(Kinds, BattleKinds, testing::Values(Kind::kSw, Kind::kMf),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

}  // namespace
}  // namespace weir::train
