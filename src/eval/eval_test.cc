#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/json.h"
#include "base/random.h"
#include "base/utf8.h"
#include "eval/curve.h"
#include "eval/evaluate.h"
#include "eval/report.h"
#include "train/labelled_rows.h"

namespace weir::eval {
namespace {

Ranked ranked(const std::vector<double>& scores, const std::vector<double>& weak,
              const std::vector<double>& strong) {
  return take_ranked(rank_order(scores), {}, scores, weak, strong);
}

TEST(Summarize, GivesThePinnedFiguresOfAFivePointCurve) {
  const std::array points{Point{0, 0, 0.60}, Point{0, 0.25, 0.68}, Point{0, 0.5, 0.74},
                          Point{0, 0.75, 0.78}, Point{0, 1, 0.80}};
  for (const Crossing crossing : {Crossing::kInterpolated, Crossing::kFirst}) {
    const Summary summary = summarize(points, crossing);
    EXPECT_NEAR(summary.apgr, 0.625, 1e-12);
    EXPECT_NEAR(summary.cpt20, 12.5, 1e-10);
    EXPECT_NEAR(summary.cpt50, 100.0 / 3, 1e-10);
    EXPECT_NEAR(summary.cpt80, 62.5, 1e-10);
  }
}

TEST(Summarize, IsUndefinedWithoutAGap) {
  const std::array points{Point{0, 0, 0.7}, Point{0, 1, 0.7}};
  EXPECT_TRUE(std::isnan(summarize(points, Crossing::kFirst).apgr));
}

TEST(Summarize, MayExceedOneWhenWeakWinsSome) {
  const Ranked rows = ranked({3, 2, 1}, {0, 1, 1}, {1, 1, 0});
  const Ranked better = ranked({4, 3, 2, 1}, {0, 0, 1, 1}, {1, 1, 1, 0});
  EXPECT_TRUE(std::isnan(summarize(full_points(rows), Crossing::kFirst).apgr));
  EXPECT_GT(summarize(full_points(better), Crossing::kFirst).apgr, 1);
}

// Crossing by interpolation over quality and first crossing differ where the curve turns back.
TEST(Summarize, FirstCrossingTakesTheLeastShare) {
  const std::array points{Point{0, 0, 0}, Point{0, 0.2, 0.6}, Point{0, 0.4, 0.3}, Point{0, 1, 1}};
  EXPECT_NEAR(summarize(points, Crossing::kFirst).cpt50, 100 * 0.2 * 0.5 / 0.6, 1e-10);
}

struct Interpolation {
  std::vector<double> xs, ys, at, expected;
};

// numpy.interp, one value at a time; most of these xs are not ascending, where numpy's answer
// depends on how it searches.
TEST(Interpolate, EqualsNumpyEvenWhereItIsArbitrary) {
  const std::array<Interpolation, 5> cases{{
      {{0.086, 0.237, 0.801},
       {0.094, 0.433, 0.582},
       {0.479, 0.16, 0.735, 0.114, 0.391, 0.517},
       {0.49693262411347516, 0.26013245033112586, 0.564563829787234, 0.1568609271523179,
        0.47368439716312055, 0.5069716312056738}},
      {{0.431, 0.587, 0.738, 0.956, 0.284},
       {0.001, 0.293, 0.649, 0.696, 0.973},
       {0.298, 0.314, 0.892, 0.585, 0.471, 0.773},
       {0.973, 0.973, 0.973, 0.973, 0.973, 0.973}},
      {{0.03, 0.707, 0.374, 0.091, 0.661, 0.931, 0.207, 0.63, 0.298, 0.742, 0.722},
       {0.102, 0.219, 0.394, 0.429, 0.658, 0.683, 0.759, 0.82, 0.83, 0.85, 0.878},
       {0.48, 0.146, 0.698, 0.292, 0.871, 0.275},
       {0.1797695716395864, 0.12204726735598227, 0.21744460856720826, 0.14727917282127032, 0.878,
        0.14434121122599705}},
      {{0.562, 0.4, 0.613, 0.197, 0.18, 0.747, 0.752, 0.567, 0.921, 0.206, 0.851},
       {0.054, 0.085, 0.169, 0.194, 0.369, 0.607, 0.624, 0.787, 0.79, 0.964, 0.971},
       {0.214, 0.859, 0.127, 0.297, 0.493, 0.849},
       {0.054, 0.971, 0.054, 0.054, 0.054, 0.9709782945736434}},
      {{0.965, 0.708, 0.214, 0.545, 0.706, 0.052, 0.68, 0.368, 0.59, 0.67, 0.669, 0.523},
       {0.02, 0.125, 0.198, 0.205, 0.394, 0.481, 0.495, 0.528, 0.536, 0.555, 0.741, 0.774},
       {0.389, 0.38, 0.909, 0.393, 0.349, 0.348},
       {0.02, 0.02, 0.774, 0.02, 0.02, 0.02}},
  }};
  for (const Interpolation& one : cases)
    for (size_t i = 0; i < one.at.size(); ++i)
      EXPECT_NEAR(interpolate(one.at[i], one.xs, one.ys), one.expected[i], 1e-15) << one.at[i];
}

TEST(EdgePoints, HaveElevenPointsFromNoneToAll) {
  std::vector<double> scores(100), weak(100, 0), strong(100, 1);
  for (size_t i = 0; i < scores.size(); ++i)
    scores[i] = static_cast<double>(i);
  const auto points = edge_points(ranked(scores, weak, strong));
  ASSERT_EQ(points.size(), 11U);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(points[i].strong_share, static_cast<double>(i) / 10, 1e-12);
    EXPECT_NEAR(points[i].quality, points[i].strong_share, 1e-12);
  }
}

TEST(EdgePoints, MergeEqualEdges) {
  const auto same = edge_points(ranked({5, 5, 5, 5}, {0, 0, 1, 1}, {1, 1, 1, 1}));
  ASSERT_EQ(same.size(), 2U);
  EXPECT_EQ(same[0].strong_share, 0);
  EXPECT_EQ(same[1].strong_share, 1);
  EXPECT_NEAR(summarize(same, Crossing::kInterpolated).apgr, 0.5, 1e-12);
}

TEST(FullPoints, TreatEqualScoresAsOneStraightSegment) {
  const auto points = full_points(ranked({1, 2, 2, 3}, {0, 0, 0, 0}, {0, 1, 0, 1}));
  ASSERT_EQ(points.size(), 4U);
  EXPECT_NEAR(points[1].strong_share, 0.25, 1e-12);
  EXPECT_NEAR(points[2].strong_share, 0.75, 1e-12);
  EXPECT_NEAR(quality_at(points, 0.5), 0.375, 1e-12);
}

// The area under the full curve is what random tie breaking gives on average.
TEST(FullPoints, EqualTheMeanOverRandomTieBreaks) {
  Random random(11);
  std::vector<double> scores(60), weak(60), strong(60);
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i] = static_cast<double>(random.below(4));
    weak[i] = random.below(3) == 0 ? 1 : 0;
    strong[i] = random.below(3) == 0 ? 0 : 1;
  }
  const double tied = summarize(full_points(ranked(scores, weak, strong)), Crossing::kFirst).apgr;
  double sum = 0;
  constexpr int kRuns = 4000;
  for (int run = 0; run < kRuns; ++run) {
    auto broken = scores;
    for (double& score : broken)
      score += 0.5 * random.uniform();
    sum += summarize(full_points(ranked(broken, weak, strong)), Crossing::kFirst).apgr;
  }
  EXPECT_NEAR(sum / kRuns, tied, 0.005);
}

Measured made_up(size_t count, double signal) {
  Random random(42);
  Measured measured;
  for (size_t i = 0; i < count; ++i) {
    const bool weak_right = random.uniform() < 0.6;
    measured.weak.push_back(weak_right ? 1 : 0);
    measured.strong.push_back(random.uniform() < 0.85 ? 1 : 0);
    measured.score.push_back((weak_right ? 0 : signal) + random.uniform());
    measured.length.push_back(random.uniform());
  }
  return measured;
}

TEST(Evaluate, IsRepeatableAndOrdersTheContenders) {
  const Measured measured = made_up(1500, 0.5);
  const Evaluation a = evaluate(measured, {.seed = 3, .resamples = 200, .random_runs = 10});
  const Evaluation b = evaluate(measured, {.seed = 3, .resamples = 200, .random_runs = 10});
  EXPECT_EQ(to_json(a, {}), to_json(b, {}));
  EXPECT_NEAR(a.random.edges.apgr, 0.5, 0.05);
  EXPECT_GT(a.router.edges.apgr, a.random.edges.apgr);
  EXPECT_GT(a.oracle.edges.apgr, a.router.edges.apgr);
  ASSERT_TRUE(a.router.apgr && a.apgr_over_length);
  EXPECT_LT(a.router.apgr->low, a.router.edges.apgr);
  EXPECT_GT(a.router.apgr->high, a.router.edges.apgr);
  EXPECT_GT(a.apgr_over_length->low, 0);
}

TEST(Evaluate, OneQueryAndNoGapGiveNullsInPlaceOfFigures) {
  const Measured measured{.score = {0.5}, .length = {3}, .weak = {1}, .strong = {1}};
  const auto document = json::Document::parse(
      to_json(evaluate(measured, {.seed = 0, .resamples = 20, .random_runs = 2}), {}));
  ASSERT_TRUE(document);
  EXPECT_THAT(to_svg(evaluate(measured, {.seed = 0, .resamples = 20, .random_runs = 2}), {}),
              testing::Not(testing::HasSubstr("nan")));
  EXPECT_TRUE(document->root()["apgr"].is_null());
  EXPECT_TRUE(document->root()["ci95"]["apgr"].is_null());
  EXPECT_EQ(document->root()["queries"].as_int64(), 1);
}

TEST(Report, JsonHasThePromisedKeys) {
  const auto document = json::Document::parse(
      to_json(evaluate(made_up(200, 0.3), {.seed = 0, .resamples = 50, .random_runs = 2}), {}));
  ASSERT_TRUE(document);
  const json::Value root = document->root();
  for (const char* key : {"queries", "weak_quality", "strong_quality", "apgr", "cpt20", "cpt50",
                          "cpt80", "ci95", "baselines", "curve"}) {
    EXPECT_TRUE(root[key].exists()) << key;
    for (const char* name : {"random", "length", "oracle"})
      EXPECT_TRUE(std::string_view(key) == "baselines" || root["baselines"][name][key].exists())
          << name << " " << key;
  }
  for (const char* key : {"threshold", "strong_share", "quality"})
    EXPECT_TRUE(root["curve"].at(0)[key].exists()) << key;
  for (const char* key : {"apgr", "cpt50", "cpt80"})
    EXPECT_EQ(root["ci95"][key].size(), 2U);
}

TEST(Report, TextNamesBothRulesAndTheComparisonWithLength) {
  const Evaluation evaluation =
      evaluate(made_up(800, 0.8), {.seed = 0, .resamples = 100, .random_runs = 2});
  const std::string text = to_text(evaluation, {.router = "a router"});
  EXPECT_THAT(text, testing::HasSubstr("11 quantile edges"));
  EXPECT_THAT(text, testing::HasSubstr("full resolution"));
  EXPECT_THAT(text, testing::HasSubstr("the router is better than length"));
}

TEST(Report, SvgIsBalancedAndNamesTheCurves) {
  const std::string svg =
      to_svg(evaluate(made_up(100, 0.5), {.seed = 0, .resamples = 10, .random_runs = 2}), {});
  EXPECT_THAT(svg, testing::StartsWith("<svg"));
  EXPECT_THAT(svg, testing::HasSubstr("</svg>"));
  for (const char* name : {"router", "length", "random", "oracle"})
    EXPECT_THAT(svg, testing::HasSubstr(std::string("<path class=\"") + name));
  EXPECT_THAT(svg, testing::Not(testing::HasSubstr("nan")));
}

struct Pin {
  const char* file;
  int64_t queries;
  double apgr, cpt50, cpt80, full;  // full < 0: not pinned
};

// Published rows of RouteLLM's benchmarks, scored by the number of characters of the query.
TEST(RealData, LengthBaselineGivesThePinnedFigures) {
  const char* shared = std::getenv("WEIR_SHARED");
  const auto folder =
      std::filesystem::path(shared != nullptr ? shared : "../shared") / "data/bench";
  for (const Pin& pin :
       {Pin{"routellm_mmlu.public.jsonl.gz", 7012, 0.58111, 36.718, 68.759, 0.58419},
        Pin{"routellm_gsm8k.public.jsonl.gz", 660, 0.59057, 40.390, 65.255, 0.59721},
        Pin{"routellm_mtbench.public.jsonl.gz", 36, 0.59635, -1, -1, -1}}) {
    if (!std::filesystem::exists(folder / pin.file)) {
      const char* required = std::getenv("WEIR_REQUIRE_DATA");
      ASSERT_FALSE(required != nullptr && std::string_view(required) == "1")
          << (folder / pin.file) << " is missing";
      GTEST_SKIP() << "evaluation data missing: " << (folder / pin.file);
    }
    const auto rows = train::read_labelled_rows(
        {{folder / pin.file,
          train::ModelPair{"mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"}}},
        {});
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(static_cast<int64_t>(rows->rows.size()), pin.queries);
    std::vector<double> scores, weak, strong;
    for (const auto& row : rows->rows) {
      scores.push_back(static_cast<double>(count_utf8(row.query)));
      weak.push_back(row.weak_score);
      strong.push_back(row.strong_score);
    }
    const Ranked by_length = ranked(scores, weak, strong);
    const Summary edges = summarize(edge_points(by_length), Crossing::kInterpolated);
    EXPECT_NEAR(edges.apgr, pin.apgr, 5e-6) << pin.file;
    if (pin.full < 0) continue;
    EXPECT_NEAR(edges.cpt50, pin.cpt50, 5e-4) << pin.file;
    EXPECT_NEAR(edges.cpt80, pin.cpt80, 5e-4) << pin.file;
    EXPECT_NEAR(summarize(full_points(by_length), Crossing::kFirst).apgr, pin.full, 5e-6)
        << pin.file;
  }
}

}  // namespace
}  // namespace weir::eval
