#include "quality/signals.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "quality/stated_confidence.h"

namespace weir::quality {
namespace {

std::string without_line(std::string_view answer) {
  const StatedConfidence found = find_confidence(answer);
  std::string text(answer);
  text.erase(found.cut_begin, found.cut_end - found.cut_begin);
  return text;
}

TEST(StatedConfidence, LineIsReadAndTakenOut) {
  struct Case {
    std::string_view answer;
    double value;
    std::string_view left;
  };
  constexpr auto kCases = std::to_array<Case>({
      {"Paris.\nCONFIDENCE: 0.9", 0.9, "Paris."},
      {"Paris.\n\nconfidence: 0.25\n", 0.25, "Paris."},
      {"Paris.\n**Confidence:** 0.8", 0.8, "Paris."},
      {"Paris.\n**CONFIDENCE: 0.8**", 0.8, "Paris."},
      {"Paris.\nCONFIDENCE: 85%", 0.85, "Paris."},
      {"Paris.\nCONFIDENCE: 7", 1.0, "Paris."},
      {"Paris.\nCONFIDENCE: -1", 0.5, "Paris."},
      {"Paris.\nCONFIDENCE: 0.8.", 0.8, "Paris."},
      {"Paris.\nCONFIDENCE: 0.8.1", 0.5, "Paris."},
      {"Paris.\nCONFIDENCE: <0.7> (fairly sure)", 0.7, "Paris."},
      {"Paris.\nCONFIDENCE:\n0.6", 0.6, "Paris."},
      {"Paris.\nCONFIDENCE: high", 0.5, "Paris."},
      {"Paris. CONFIDENCE: 0.4", 0.4, "Paris."},
      {"CONFIDENCE: 0.3", 0.3, ""},
      {"Paris.\nCONFIDENCE: 0.9\nIt lies on the Seine.", 0.9, "Paris.\nIt lies on the Seine."},
      {"CONFIDENCE: 0.1\nis wrong.\nCONFIDENCE: 0.9", 0.9, "CONFIDENCE: 0.1\nis wrong."},
      {"Paris.", 0.5, "Paris."},
      {"I say this with confidence.", 0.5, "I say this with confidence."},
      {"", 0.5, ""},
  });
  for (const Case& c : kCases) {
    EXPECT_DOUBLE_EQ(find_confidence(c.answer).value, c.value) << c.answer;
    EXPECT_EQ(without_line(c.answer), c.left) << c.answer;
  }
}

TEST(Signals, NamesAreUniqueAndParse) {
  for (const SignalInfo& row : signals()) {
    EXPECT_EQ(parse_signal(row.name), row.signal);
    EXPECT_EQ(signal_info(row.signal).name, row.name);
  }
  EXPECT_EQ(parse_signal("nothing"), std::nullopt);
}

TEST(Signals, ConfidenceIsTheLeastGradedOne) {
  JudgedAnswer answer{.text = "42"};
  answer.stated = 0.9;
  answer.tokens = {.tokens = 2,
                   .mean_logprob = std::log(0.8),
                   .min_logprob = std::log(0.5),
                   .margins = 2,
                   .mean_margin = 0.6};
  const std::array all{Signal::kStated, Signal::kLogprobMean, Signal::kMargin};
  EXPECT_DOUBLE_EQ(*read_signals(all, answer).confidence, 0.6);
  const std::array mean{Signal::kLogprobMean};
  EXPECT_NEAR(*read_signals(mean, answer).confidence, 0.8, 1e-12);
  const std::array least{Signal::kLogprobMin};
  EXPECT_NEAR(*read_signals(least, answer).confidence, 0.5, 1e-12);
}

TEST(Signals, AMissingGradedSignalMeansNothingIsKnown) {
  const JudgedAnswer answer{.text = "42"};
  const std::array chosen{Signal::kLogprobMean, Signal::kEmpty};
  EXPECT_EQ(read_signals(chosen, answer).confidence, std::nullopt);
  const std::array alarms{Signal::kEmpty};
  EXPECT_EQ(read_signals(alarms, answer).confidence, 1.0);
}

TEST(Signals, AlarmsAreRaised) {
  const std::array chosen{Signal::kRefusal, Signal::kEmpty, Signal::kFormat, Signal::kUncertainty,
                          Signal::kChecker};
  std::vector<std::string> phrases{"i'm not sure"};
  const auto alarm = [&](JudgedAnswer answer) {
    answer.uncertainty_phrases = phrases;
    if (!answer.checker_says_good) answer.checker_says_good = true;
    return read_signals(chosen, answer).alarm;
  };
  EXPECT_EQ(alarm({.text = "42"}), "");
  EXPECT_EQ(alarm({.text = "I can't help with that."}), "refusal");
  EXPECT_EQ(alarm({.text = "42", .declined = true}), "refusal");
  EXPECT_EQ(alarm({.text = " \n"}), "empty");
  EXPECT_EQ(alarm({.text = "", .has_tool_calls = true}), "");
  EXPECT_EQ(alarm({.text = "no JSON", .wants_json = true}), "format");
  EXPECT_EQ(alarm({.text = "```json\n{\"a\": 1}\n```", .wants_json = true}), "");
  EXPECT_EQ(alarm({.text = "I\xE2\x80\x99m not sure, perhaps 42"}), "uncertainty");
  EXPECT_EQ(alarm({.text = "42", .checker_says_good = false}), "checker");
}

TEST(Signals, SamplesAgreeByWhatTheyState) {
  EXPECT_EQ(answer_key("2 + 3 = 5. The answer is 5."), answer_key("The answer is 5"));
  EXPECT_NE(answer_key("The answer is 5."), answer_key("The answer is 6."));
  EXPECT_EQ(answer_key("Paris."), answer_key("  paris"));
}

}  // namespace
}  // namespace weir::quality
