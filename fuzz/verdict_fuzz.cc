// What models write, read by every reader of quality: verdicts, grades, numbers, letters, JSON for
// a schema; and judge prompts around hostile answers, which must give their parts back.
// The whole input plays each role in turn.
#include <cmath>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "quality/checkers.h"
#include "quality/extract.h"
#include "quality/json_schema.h"
#include "quality/judge.h"
#include "quality/refusal.h"

namespace {

using namespace weir::quality;

void check_readers(const std::string& text) {
  if (const auto grades = read_grades(text)) {
    CHECK(grades->task_completion >= 0 && grades->task_completion <= 1);
    CHECK(grades->accuracy >= 0 && grades->accuracy <= 1);
  }
  (void)read_preference(text);
  (void)read_yes_no(text);
  if (const auto number = extract_number(text)) CHECK(!std::isnan(*number));
  if (const auto choice = extract_choice(text)) CHECK(*choice >= 'A' && *choice <= 'J');
  if (const auto stated = stated_answer(text)) CHECK(stated->size() <= text.size());
  CHECK(folded(folded(text)) == folded(text));
}

void check_prompts(const std::string& text) {
  for (const JudgeForm form : {JudgeForm::kPairwise, JudgeForm::kPointwise}) {
    const JudgeTask task{.form = form,
                         .query = text,
                         .reference = text,
                         .first = text,
                         .second = form == JudgeForm::kPairwise ? "the second" : ""};
    const auto read = read_judge_prompt(judge_prompt(task));
    CHECK(read && read->form == form && read->second == task.second);
    CHECK(read->first.size() >= text.size());
  }
  (void)read_judge_prompt(text);
}

void check_checkers(const std::string& text) {
  for (const char* name : {"any", "exact", "numeric", "choice", "json"}) {
    const auto checker = Checker::parse(name);
    CHECK(checker.has_value());
    const Checked checked = checker->check(text, text);
    CHECK(checked.good() == checked.why.empty());
  }
  if (const auto checker = Checker::parse(text); checker && !checker->asks_outside())
    (void)checker->check("an answer", "42");
  const size_t line = std::min(text.find('\n'), text.size());
  const auto schema = JsonSchema::parse(text.substr(0, line));
  const auto value = weir::json::Document::parse(text.substr(std::min(line + 1, text.size())));
  if (schema && value) (void)schema->violation(value->root());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // A checker's text may name a file; none but the input itself is read.
  if (text.find("json_schema") != std::string::npos) return 0;
  check_readers(text);
  check_prompts(text);
  check_checkers(text);
  return 0;
}
