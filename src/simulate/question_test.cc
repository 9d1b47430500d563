#include "simulate/question.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "simulate/expression.h"
#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

constexpr int kEach = 1000;

class EveryFamily : public ::testing::TestWithParam<Family> {};

// The generator knows the answer from how it built the question, the solver only reads the text.
TEST_P(EveryFamily, GeneratorAndSolverAgree) {
  Random random(11);
  for (int i = 0; i < kEach; ++i) {
    const Question question = make_question(GetParam(), i % kMostDifficult + 1, random);
    const auto solved = solve(question.text);
    ASSERT_TRUE(solved) << question.text;
    EXPECT_EQ(solved->answer, question.answer) << question.text;
    EXPECT_EQ(solved->difficulty, question.difficulty) << question.text;
    EXPECT_EQ(solved->family, GetParam()) << question.text;
    EXPECT_EQ(solved->text, question.text);
  }
}

TEST_P(EveryFamily, IsSolvedInsideOtherText) {
  Random random(12);
  for (int i = 0; i < 200; ++i) {
    const Question question = make_question(GetParam(), i % kMostDifficult + 1, random);
    const std::string wrapped =
        "<system-reminder>\nWhat is the capital of France? Be brief.\n"
        "</system-reminder>\nHello! " +
        question.text + "\n\nThank you, that would help me a lot.";
    const auto solved = solve(wrapped);
    ASSERT_TRUE(solved) << wrapped;
    EXPECT_EQ(solved->answer, question.answer) << wrapped;
  }
}

TEST_P(EveryFamily, ComesNearTheWantedDifficulty) {
  Random random(13);
  std::set<int> seen;
  for (int wanted = 1; wanted <= kMostDifficult; ++wanted)
    for (int i = 0; i < 50; ++i) {
      const int difficulty = make_question(GetParam(), wanted, random).difficulty;
      EXPECT_GE(difficulty, 1);
      EXPECT_LE(difficulty, kMostDifficult);
      seen.insert(difficulty);
    }
  EXPECT_GE(seen.size(), 3u);
}

TEST_P(EveryFamily, WrongAnswersOnOfferAreWrong) {
  Random random(14);
  for (int i = 0; i < 200; ++i) {
    const auto solved = solve(make_question(GetParam(), i % kMostDifficult + 1, random).text);
    ASSERT_TRUE(solved);
    for (const std::string& other : solved->others)
      EXPECT_NE(other, solved->answer);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, EveryFamily, ::testing::ValuesIn(kFamilies),
                         [](const auto& instance) {
                           std::string name(to_string(instance.param));
                           std::erase(name, ' ');
                           return name;
                         });

// Oracle: postfix by the shunting-yard algorithm, unlike the recursive evaluator.
int64_t shunting_yard(const std::string& text) {
  const std::map<char, int> rank{{'+', 1}, {'-', 1}, {'*', 2}};
  std::vector<int64_t> values;
  std::vector<char> operators;
  const auto reduce = [&] {
    const int64_t b = values.back();
    values.pop_back();
    int64_t& a = values.back();
    const char op = operators.back();
    operators.pop_back();
    a = op == '+' ? a + b : op == '-' ? a - b : a * b;
  };
  std::istringstream in(text);
  char c = 0;
  while (in >> c) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      in.unget();
      int64_t value = 0;
      in >> value;
      values.push_back(value);
    } else if (c == '(') {
      operators.push_back(c);
    } else if (c == ')') {
      while (operators.back() != '(')
        reduce();
      operators.pop_back();
    } else {
      while (!operators.empty() && operators.back() != '(' &&
             rank.at(operators.back()) >= rank.at(c))
        reduce();
      operators.push_back(c);
    }
  }
  while (!operators.empty())
    reduce();
  return values.back();
}

TEST(Arithmetic, EqualsTheShuntingYard) {
  Random random(21);
  for (int i = 0; i < kEach; ++i) {
    const Question question = make_question(Family::kArithmetic, i % 10 + 1, random);
    const size_t begin = question.text.find_first_of("0123456789(");
    const std::string expression = question.text.substr(begin, question.text.size() - 1 - begin);
    EXPECT_EQ(question.answer, std::to_string(shunting_yard(expression))) << question.text;
  }
}

TEST(Arithmetic, ReadsPrecedenceSignsAndPythonDivision) {
  const std::pair<std::string_view, int64_t> cases[] = {
      {"2 + 3 * 4", 14},  {"(2 + 3) * 4", 20},  {"10 - 4 - 3", 3},
      {"-3 * 2 + 1", -5}, {"7 // 2", 3},        {"-7 // 2", -4},
      {"-7 % 3", 2},      {"2 + 3 - what?", 5}, {"8*7 apples", 56}};
  for (const auto& [text, value] : cases) {
    const auto result = evaluate(text);
    ASSERT_TRUE(result) << text;
    EXPECT_EQ(result->value, value) << text;
  }
  for (const std::string_view bad :
       {"", "what", "5 % 0", "9223372036854775807 + 1", "99999999999999999999"})
    EXPECT_FALSE(evaluate(bad)) << bad;
  EXPECT_FALSE(evaluate(std::string(1000, '(') + "1" + std::string(1000, ')')));
}

// Oracle: walks day by day with its own calendar.
struct Calendar {
  int day = 1, month = 1, year = 1950;
  int weekday = 0;  // 1950-01-01 was a Sunday
  void next() {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    weekday = (weekday + 1) % 7;
    if (++day > lengths[month - 1]) day = 1, ++month;
    if (month > 12) month = 1, ++year;
  }
  std::string text() const {
    const char* const names[] = {"January",   "February", "March",    "April",
                                 "May",       "June",     "July",     "August",
                                 "September", "October",  "November", "December"};
    return std::to_string(day) + " " + names[month - 1] + " " + std::to_string(year);
  }
};

TEST(Dates, EqualACalendarThatWalksDayByDay) {
  const char* const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                  "Thursday", "Friday", "Saturday"};
  std::vector<std::string> days;
  std::map<std::string, size_t> index;
  Calendar calendar;
  for (int i = 0; i < 31'000; ++i, calendar.next()) {
    index[calendar.text()] = days.size();
    days.push_back(calendar.text());
  }
  Random random(22);
  for (int i = 0; i < kEach; ++i) {
    const Question question = make_question(Family::kDates, i % 10 + 1, random);
    if (const auto m = find_last("What day of the week was {n} {w} {n}?", question.text)) {
      const size_t at = index.at(m->values[0] + " " + m->values[1] + " " + m->values[2]);
      EXPECT_EQ(question.answer, weekdays[at % 7]) << question.text;
    } else if (const auto a =
                   find_last("What is the date {n} days after {n} {w} {n}?", question.text)) {
      const size_t at = index.at(a->values[1] + " " + a->values[2] + " " + a->values[3]);
      EXPECT_EQ(question.answer, days[at + std::stoul(a->values[0])]) << question.text;
    } else {
      const auto b = find_last("How many days lie from {n} {w} {n} to {n} {w} {n}?", question.text);
      ASSERT_TRUE(b) << question.text;
      const size_t from = index.at(b->values[0] + " " + b->values[1] + " " + b->values[2]);
      const size_t to = index.at(b->values[3] + " " + b->values[4] + " " + b->values[5]);
      EXPECT_EQ(question.answer, std::to_string(to - from)) << question.text;
    }
  }
}

TEST(Dates, RefusesDaysThatDoNotExist) {
  EXPECT_FALSE(solve("What day of the week was 30 February 2021?"));
  EXPECT_TRUE(solve("What day of the week was 29 February 2020?"));
}

TEST(Pins, KnownQuestionsHaveKnownAnswers) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"What is 12 + 7 * 3?", "33"},
      {"What day of the week was 14 March 1987?", "Saturday"},
      {"What is the date 20 days after 20 February 2024?", "11 March 2024"},
      {"How many days lie from 1 January 2024 to 1 January 2025?", "366"},
      {"How many centimetres are in 3 metres?", "300"},
      {"Convert 2 hours, 3 minutes and 4 seconds to seconds.", "7384"},
      {"How warm are 100 degrees Celsius in Fahrenheit?", "212"},
      {"How warm are -40 degrees Celsius in Fahrenheit?", "-40"},
      {"What is the capital of Mongolia?", "Ulaanbaatar"},
      {"Who wrote Don Quixote?", "Miguel de Cervantes"},
      {"Do you ship internationally?", "yes, to 40 countries"},
      {"Maya has 6 apples. A friend brings 4 more. Half of them are donated to the school. How "
       "many apples does Maya have now?",
       "5"},
      {"I bought 3 items at 20 dollars each and want to return 2 of them after 45 days. How many "
       "dollars will I get back?",
       "20"},
      {"What does this Python program print?\n```python\nx = 1\nfor i in range(3):\n    if x > "
       "2:\n        x = x * 10\n    else:\n        x = x + 1\nprint(x)\n```",
       "30"}};
  for (const auto& [question, answer] : cases) {
    const auto solved = solve(question);
    ASSERT_TRUE(solved) << question;
    EXPECT_EQ(solved->answer, answer) << question;
  }
}

TEST(Solve, GivesUpOnOtherText) {
  for (const std::string_view text :
       {"", "Hello there", "What is love?", "What is the capital of Atlantis?",
        "How many apples does Maya have now?",
        "Maya has 5 apples. It rains. How many apples does "
        "Maya have now?",
        "What does this Python program print?\n```python\nimport os\n```",
        "What does this Python program print?\n```python\nfor i in range(999999999):\n    x = "
        "1\nprint(x)\n```"})
    EXPECT_FALSE(solve(text)) << text;
}

TEST(Solve, TakesTheLastOfSeveralQuestions) {
  EXPECT_EQ(solve("What is 1 + 1? And what about this: What is the capital of Japan?")->answer,
            "Tokyo");
}

TEST(Solve, ReadsOnlyTheEndOfALongText) {
  const std::string text = std::string(1 << 20, 'x') + " What is 20 + 22?";
  EXPECT_EQ(solve(text)->answer, "42");
}

TEST(IsCorrect, ComparesWhatFollowsTheLastMark) {
  EXPECT_TRUE(is_correct("The answer is 42.", "42"));
  EXPECT_TRUE(is_correct("First the answer is 7. No: the answer is paris.", "Paris"));
  EXPECT_FALSE(is_correct("The answer is 421.", "42"));
  EXPECT_FALSE(is_correct("42", "42"));
}

TEST(MixedQuestions, AreMostlyEasyAndSeeded) {
  Random random(5), again(5);
  int easy = 0;
  for (int i = 0; i < kEach; ++i) {
    const Question question = make_mixed_question(random);
    EXPECT_EQ(question.text, make_mixed_question(again).text);
    easy += question.difficulty <= 3 ? 1 : 0;
  }
  EXPECT_GT(easy, kEach * 0.55);
  EXPECT_LT(easy, kEach * 0.75);
}

}  // namespace
}  // namespace weir::simulate
