#include "simulate/judge.h"

#include <fmt/format.h>

#include "quality/judge.h"
#include "simulate/question.h"

namespace weir::simulate {
namespace {

using quality::JudgeForm;

constexpr std::string_view kBiased = "judge-first";

std::string pairwise_verdict(bool first, bool second) {
  return fmt::format("Answer A is {}, answer B is {}.\nVERDICT: {}", first ? "right" : "wrong",
                     second ? "right" : "wrong",
                     first == second ? "SAME"
                     : first         ? "A"
                                     : "B");
}

}  // namespace

std::optional<std::string> judge_reply(std::string_view prompt, std::string_view model) {
  const auto task = quality::read_judge_prompt(prompt);
  if (!task) return std::nullopt;
  const auto solved = solve(task->query);
  const std::string right = solved ? solved->answer : task->reference;
  const auto is_right = [&](const std::string& answer) {
    return !right.empty() && is_correct(answer, right);
  };
  const bool first = is_right(task->first), second = is_right(task->second);
  const bool biased = model.contains(kBiased);
  switch (task->form) {
    case JudgeForm::kPairwise:
      return biased ? pairwise_verdict(true, false) : pairwise_verdict(first, second);
    case JudgeForm::kYesNo:
      return !biased && second && !first ? "YES" : "NO";
    case JudgeForm::kPointwise:
      return fmt::format("TASK_COMPLETION: {}\nACCURACY: {}", task->first.empty() ? 0 : 1,
                         first ? 1 : 0);
  }
  return std::nullopt;
}

}  // namespace weir::simulate
