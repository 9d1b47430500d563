// What a judge model is asked and how its words are read. Text in, text out; nobody is called here.
//   - pairwise: which of two answers is better, or are they the same, by a written rubric;
//   - yes/no: "Is Response B meaningfully better than Response A", for small or cheap judges;
//   - pointwise: two scores from 0 to 1, task completion and accuracy.
// An answer that is not in the asked form is no verdict (nullopt): callers count it and never take
// it for "same" or "good". Rules: docs/labels.md.
// Pure functions, thread-safe, linear in the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::quality {

enum class JudgeForm : uint8_t { kPairwise, kYesNo, kPointwise };

struct JudgeTask {
  JudgeForm form = JudgeForm::kPairwise;
  std::string query = {};
  std::string reference = {};  // a right answer, "" when none is known
  std::string first = {};      // the answer shown first, or the only one
  std::string second = {};     // unused by kPointwise
  std::string rubric = {};     // "": default_rubric(form); unused by kYesNo
};

// The standard that the judge is told to apply.
std::string_view default_rubric(JudgeForm form);

// The whole question to the judge, one user message. Lines of the query and the answers that look
// like the frame around them are defused, so that an answer cannot pose as the end of itself.
std::string judge_prompt(const JudgeTask& task);

// The inverse, for providers of our own that play a judge; nullopt: it is no such prompt. The
// rubric is not given back.
std::optional<JudgeTask> read_judge_prompt(std::string_view prompt);

// Output tokens that the form needs: 5 for yes/no.
int64_t judge_max_tokens(JudgeForm form);

enum class Preference : uint8_t { kFirst, kSecond, kSame };

// The last line "VERDICT: A", "B" or "SAME". Two lines that differ are no verdict.
std::optional<Preference> read_preference(std::string_view answer);

// YES (true) or NO as the first word; an answer that holds both words is no verdict.
std::optional<bool> read_yes_no(std::string_view answer);

struct Grades {
  double task_completion = 0;  // 0 to 1
  double accuracy = 0;         // 0 to 1
  double mean() const { return (task_completion + accuracy) / 2; }
};

// The lines "TASK_COMPLETION: 0.8" and "ACCURACY: 0.9" in any order and case, or a JSON object with
// both. Missing, outside 0 to 1 or given twice with different values: no verdict.
std::optional<Grades> read_grades(std::string_view answer);

}  // namespace weir::quality
