#include "quality/extract.h"

#include <gtest/gtest.h>

namespace weir::quality {
namespace {

struct NumberCase {
  const char* text;
  std::optional<double> number;
};

TEST(ExtractNumberTest, FindsTheNumberThatIsTheAnswer) {
  const NumberCase cases[] = {
      {"42", 42},
      {"The answer is 42.", 42},
      {"12 + 30 = 42", 42},
      {"We add 12 and 30. So **42**.", 42},
      {"The total is $1,234.50.", 1234.5},
      {"1,234,567 people", 1234567},
      {"first 1,2,3 then 4", 4},
      {"\\boxed{42} (see step 3)", 42},
      {"\\boxed{\\frac{1}{2}}", 0.5},
      {"\\boxed{-\\frac{3}{4}}", -0.75},
      {"\\boxed{1,000}", 1000},
      {"He has 3.\n#### 18\n", 18},
      {"The answer is: -7, since 3 - 10 = -7 in 2024", -7},
      {"Answer: 3/4", 0.75},
      {"3 - 10", 10},
      {"3-10", 10},
      {"(-10)", -10},
      {"\xE2\x88\x92"
       "5",
       -5},
      {"-$5", -5},
      {"18.00", 18},
      {"It is .5", 0.5},
      {"1.5e3 m", 1500},
      {"12 %", 12},
      {"room B12", std::nullopt},
      {"on 3/4/2024", 2024},
      {"", std::nullopt},
      {"none", std::nullopt},
      {"The answer is unknown, about 5", 5},
      {"\\boxed{x}, that is 9", 9},
      {"1,23", 23},
      {"Step 1: add. Step 2: 4 + 4 = 8.", 8},
  };
  for (const auto& c : cases)
    EXPECT_EQ(extract_number(c.text), c.number) << c.text;
}

struct ChoiceCase {
  const char* text;
  std::optional<char> choice;
};

TEST(ExtractChoiceTest, FindsTheLetterThatIsChosen) {
  const ChoiceCase cases[] = {
      {"B", 'B'},
      {"b", 'B'},
      {"(c)", 'C'},
      {"B.", 'B'},
      {"B. Paris", 'B'},
      {"D) all of them", 'D'},
      {"**C**", 'C'},
      {"The answer is (B).", 'B'},
      {"The answer is B because A is wrong.", 'B'},
      {"A is wrong, so the correct answer is D", 'D'},
      {"Answer: A", 'A'},
      {"answer is option C", 'C'},
      {"\\boxed{\\text{E}}", 'E'},
      {"\\boxed{A}", 'A'},
      {"We exclude (A) and (B); (C) remains.", 'C'},
      {"I think that C", 'C'},
      {"A good question. I do not know.", std::nullopt},
      {"Because it is a bird", std::nullopt},
      {"", std::nullopt},
      {"K", std::nullopt},
      {"Answer: **(D)** since ...", 'D'},
      {"The answer is a bird, so B", 'B'},
  };
  for (const auto& c : cases)
    EXPECT_EQ(extract_choice(c.text), c.choice) << c.text;
}

TEST(ExtractJsonTest, TakesWhatAFenceHolds) {
  EXPECT_EQ(extract_json(" {\"a\": 1}\n"), "{\"a\": 1}");
  EXPECT_EQ(extract_json("Here:\n```json\n{\"a\": 1}\n```\nDone."), "{\"a\": 1}");
  EXPECT_EQ(extract_json("```\n[1]\n```"), "[1]");
  EXPECT_EQ(extract_json("{\"a\": \"```\"}"), "{\"a\": \"```\"}");
  EXPECT_EQ(extract_json("```"), "```");
}

}  // namespace
}  // namespace weir::quality
