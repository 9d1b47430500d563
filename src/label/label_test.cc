#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <set>

#include "base/files.h"
#include "label/budget.h"
#include "label/caller.h"
#include "label/compare.h"
#include "label/evaluate.h"
#include "label/query_file.h"
#include "label/row_log.h"

namespace weir::label {
namespace {

// A file that goes with the test.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-label-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
  std::string read() const { return read_file(path_).value_or("?"); }

 private:
  std::filesystem::path path_;
};

TEST(BudgetTest, NeverGrantsMoreThanIsLeft) {
  Budget budget(100, 30);
  EXPECT_TRUE(budget.reserve(50));
  EXPECT_FALSE(budget.reserve(21));
  EXPECT_TRUE(budget.may_fit(70));
  EXPECT_FALSE(budget.may_fit(71));
  EXPECT_TRUE(budget.reserve(20));
  budget.settle(50, 10);
  EXPECT_EQ(budget.spent_nanousd(), 40);
  EXPECT_TRUE(budget.reserve(40));
  EXPECT_FALSE(budget.reserve(1));
  Budget unlimited;
  EXPECT_TRUE(unlimited.reserve(INT64_MAX / 2));
}

TEST(WorstCaseTest, TakesTheDearestTierAndBucket) {
  Model model;
  model.price.tiers = {{.input_picousd = 1'000'000, .output_picousd = 4'000'000},
                       {.above_input_tokens = 1000,
                        .input_picousd = 2'000'000,
                        .output_picousd = 6'000'000,
                        .cache_write_picousd = 2'500'000}};
  // (36 bytes + 64 tokens of template) * $2.5 + 10 tokens * $6 a million.
  EXPECT_EQ(worst_case_nanousd(model, 36, 10), 100 * 2500 + 10 * 6000);
  EXPECT_EQ(worst_case_nanousd(Model{}, 36, 10), 0);
}

TEST(RowLogTest, KeepsWholeRowsAndCutsATornOne) {
  const TemporaryFile file;
  file.write("{\"query\": \"a\"}\n{\"query\": \"b");
  {
    auto log = RowLog::open(file.path());
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_TRUE(log->cut_torn_line());
    EXPECT_EQ(log->earlier(), std::vector<std::string>{"{\"query\": \"a\"}"});
    ASSERT_TRUE(log->append("{\"query\": \"c\"}"));
    const auto other = RowLog::open(file.path());
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  }
  EXPECT_EQ(file.read(), "{\"query\": \"a\"}\n{\"query\": \"c\"}\n");
}

TEST(RowLogTest, RefusesAFileThatIsNone) {
  const TemporaryFile file;
  file.write("my notes\n");
  const auto log = RowLog::open(file.path());
  ASSERT_FALSE(log);
  EXPECT_TRUE(log.error().message.contains(":1:")) << log.error().message;
  EXPECT_EQ(file.read(), "my notes\n");
}

TEST(QueryFileTest, ReadsReferencesAndLeavesOutRepeats) {
  const TemporaryFile file;
  file.write(
      "{\"query\": \"a\", \"answer\": 42, \"id\": 7}\n\n{\"query\": \"a\", \"gold\": \"42\"}\n"
      "{\"query\": \"a\", \"reference\": \"43\", \"human\": {\"m\": 0.5}}\n{\"query\": \" \"}\n");
  const auto read = read_queries({file.path()});
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->queries.size(), 2U);
  EXPECT_EQ(read->queries[0].reference, "42");
  EXPECT_EQ(read->queries[0].id, "7");
  EXPECT_EQ(read->queries[1].human.at("m"), 0.5);
  EXPECT_EQ((std::pair{read->repeated, read->empty}), (std::pair<int64_t, int64_t>{1, 1}));
  for (const char* bad :
       {"{\"text\": \"a\"}", "[1]", "{\"query\": \"a\", \"human\": {\"m\": 2}}"}) {
    file.write(bad);
    const auto failed = read_queries({file.path()});
    ASSERT_FALSE(failed) << bad;
    EXPECT_TRUE(failed.error().message.contains(":1: ")) << failed.error().message;
  }
}

TEST(SampleTest, IsUniformAndRepeatable) {
  std::vector<Query> queries;
  for (int i = 0; i < 10; ++i)
    queries.push_back({.text = std::to_string(i)});
  std::array<int, 10> taken{};
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const auto some = sample(queries, 3, seed);
    ASSERT_EQ(some.size(), 3U);
    std::set<std::string> different;
    for (const Query& query : some) {
      ++taken[static_cast<size_t>(std::stoi(query.text))];
      different.insert(query.text);
    }
    EXPECT_EQ(different.size(), 3U);
  }
  // 600 expected each, standard deviation 20.5.
  for (const int count : taken)
    EXPECT_NEAR(count, 600, 100);
  EXPECT_EQ(sample(queries, 5, 4)[2].text, sample(queries, 5, 4)[2].text);
  EXPECT_EQ(sample(queries, 50, 1).size(), 10U);
}

std::string judged(std::string_view first, std::string_view second) {
  const std::string one = R"({"first":"weak","winner":")" + std::string(first) + "\"}";
  const std::string two = R"({"first":"strong","winner":")" + std::string(second) + "\"}";
  return R"({"query":"q","label":0,"verdict":"same","discordant":true,"malformed":0,"verdicts":[)" +
         one + "," + two + "]}";
}

TEST(CompareSummaryTest, PositionBiasIsTheShareOfFirstPlacesAboveHalf) {
  const std::string first_always = judged("weak", "strong"), fair = judged("strong", "strong"),
                    last_always = judged("strong", "weak"), half = judged("weak", "same");
  const auto bias = [](const std::vector<std::string>& rows) {
    return summarize_comparison(rows)->position_bias;
  };
  EXPECT_DOUBLE_EQ(bias({first_always, first_always}), 0.5);
  EXPECT_DOUBLE_EQ(bias({fair, fair}), 0);
  EXPECT_DOUBLE_EQ(bias({last_always}), -0.5);
  EXPECT_DOUBLE_EQ(bias({half}), 0.25);
  EXPECT_DOUBLE_EQ(bias({first_always, fair, fair, fair}), 0.125);
  const auto sum = summarize_comparison(std::vector<std::string>(20, first_always));
  EXPECT_TRUE(sum->biased());
  EXPECT_EQ(sum->swapped_pairs, 20);
  EXPECT_FALSE(summarize_comparison(std::vector<std::string>(20, fair))->biased());
}

TEST(GapTest, IsThePairedDifferenceAtEachThreshold) {
  std::vector<GradedQuery> queries;
  // The router ranks well: weak fails where the score is high.
  for (int i = 0; i < 100; ++i)
    queries.push_back({.first = i < 80 ? 1.0 : 0.0,
                       .strong = 1,
                       .first_usd = 1,
                       .strong_usd = 10,
                       .prob_strong_needed = i / 100.0});
  const GapPoint all_strong = gap_at(queries, 0, 1);
  EXPECT_EQ(all_strong.strong_share, 1);
  EXPECT_EQ(all_strong.gap_points, 0);
  EXPECT_DOUBLE_EQ(all_strong.cost_reduction, 1);
  const GapPoint good = gap_at(queries, 0.8, 1);
  EXPECT_NEAR(good.strong_share, 0.2, 1e-12);
  EXPECT_NEAR(good.gap_points, 0, 1e-9);
  EXPECT_NEAR(good.cost_reduction, 1000.0 / (20 * 10 + 80), 1e-9);
  EXPECT_TRUE(good.acceptable() && good.shown());
  const GapPoint close = gap_at(queries, 0.84, 1);
  EXPECT_NEAR(close.gap_points, 4, 1e-9);
  EXPECT_TRUE(close.acceptable());
  EXPECT_FALSE(close.shown());
  const GapPoint all_weak = gap_at(queries, 1, 1);
  EXPECT_NEAR(all_weak.gap_ratio, 0.2, 1e-9);
  EXPECT_FALSE(all_weak.acceptable());
  ASSERT_TRUE(all_weak.gap_points_ci95);
  // Binomial: sd 4 points.
  EXPECT_NEAR(all_weak.gap_points_ci95->low, 20 - 7.8, 2);
  EXPECT_NEAR(all_weak.gap_points_ci95->high, 20 + 7.8, 2);
  EXPECT_FALSE(all_weak.human_gap_points);
}

TEST(GapTest, HumanScoresCorrectTheJudge) {
  std::vector<GradedQuery> queries;
  // The judge sees no gap; people see one in every fourth query.
  for (int i = 0; i < 200; ++i) {
    queries.push_back(
        {.first = 1, .strong = 1, .first_usd = 1, .strong_usd = 2, .prob_strong_needed = 0});
    if (i >= 100) continue;
    queries.back().human_first = i % 4 == 0 ? 0 : 1;
    queries.back().human_strong = 1;
  }
  const GapPoint point = gap_at(queries, 0.5, 1);
  EXPECT_EQ(point.gap_points, 0);
  ASSERT_TRUE(point.human_gap_points);
  EXPECT_NEAR(*point.human_gap_points, 25, 1e-9);
  EXPECT_LT(point.human_gap_points_ci95->low, 25);
}

}  // namespace
}  // namespace weir::label
