#include "eval/robustness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/utf8.h"

namespace weir::eval {
namespace {

// Strong when the text holds many letters x: a scorer that a prefix can push.
Target letter_counter(double threshold) {
  return {.score =
              [](std::string_view text) {
                const auto count = static_cast<double>(std::ranges::count(text, 'x'));
                return count / (count + 4);
              },
          .threshold = threshold};
}

std::vector<std::string> queries(size_t count) {
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(std::string(i % 10, 'x') + " is it number " + std::to_string(i) + "?");
  return result;
}

const std::vector<std::string> kTokens{"alpha", "beta", "xenon", "xx", "gamma"};

TEST(Perturb, ChangesClothesAndKeepsUtf8) {
  Random random(1);
  const std::string query = "It's \"12\" caf\u00E9 things. Really now and then";
  for (const Perturbation p : all_perturbations()) {
    const std::string changed = perturb(p, query, random);
    EXPECT_EQ(count_utf8(changed) > 0, true);
    for (size_t at = 0; at < changed.size();)
      EXPECT_NE(decode_utf8(changed, at), kReplacementCharacter) << to_string(p);
  }
  EXPECT_EQ(perturb(Perturbation::kUpperCase, "aB c\u00E9", random), "AB C\u00E9");
  EXPECT_EQ(perturb(Perturbation::kUnicode, "1 don't", random), "\uFF11 don\u2019t");
  EXPECT_EQ(perturb(Perturbation::kWhitespace, "a b", random), " \na  b\t\n");
}

TEST(MeasureRobustness, AScorerThatIgnoresCaseDoesNotFlip) {
  Target target = letter_counter(0.5);
  const auto counted = target.score;
  target.score = [counted](std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return counted(lower);
  };
  const auto result = measure_robustness(target, queries(100), kTokens, {});
  EXPECT_EQ(result.flips[0].flip_rate, 0);
  const auto sensitive = measure_robustness(letter_counter(0.5), queries(100), kTokens, {});
  EXPECT_EQ(sensitive.flips[0].downgrade_rate, 1);  // X is no x
  EXPECT_EQ(sensitive.flips[0].upgrade_rate, 0);
  EXPECT_DOUBLE_EQ(sensitive.strong_share, 0.6);
}

TEST(GreedyGadget, FindsTheTokenThatPushesMost) {
  const auto all = queries(40);
  EXPECT_EQ(greedy_gadget(letter_counter(0.9), all, kTokens, {.gadget_tokens = 2}), "xx xx");
}

TEST(MeasureRobustness, AWhiteBoxPrefixUpgradesMoreThanARandomOne) {
  const auto result = measure_robustness(letter_counter(0.6), queries(300), kTokens, {});
  ASSERT_EQ(result.attacks.size(), 2u);
  EXPECT_GT(result.attacks[1].upgrade_rate, result.attacks[0].upgrade_rate);
  EXPECT_EQ(result.attacks[1].upgrade_rate, 1);
  EXPECT_EQ(result.attacks[1].strong_share_after, 1);
  EXPECT_THAT(to_text(result), testing::HasSubstr("xx xx"));
}

TEST(MeasureRobustness, EqualSeedsGiveEqualFigures) {
  const auto one = measure_robustness(letter_counter(0.5), queries(100), kTokens, {.seed = 3});
  const auto two = measure_robustness(letter_counter(0.5), queries(100), kTokens, {.seed = 3});
  EXPECT_EQ(to_json(one), to_json(two));
}

}  // namespace
}  // namespace weir::eval
