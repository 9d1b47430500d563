// Finds the answer inside what a model wrote: the number, the letter of a multiple choice, the JSON
// text. Models wrap answers in sentences, LaTeX and code fences; what is recognised stands in
// docs/labels.md and, as cases, in extract_test.cc.
// Pure functions, thread-safe, linear in the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::quality {

// Without white space at the ends.
std::string_view trimmed(std::string_view text);

// Lower-case ASCII, curly apostrophes straight, runs of white space one space, trimmed.
std::string folded(std::string_view text);

// What the model says its answer is: the content of the last \boxed{}, else what follows the last
// "####" (GSM8K), "answer is" or "answer:" up to the end of that line; nullopt without such a mark.
std::optional<std::string_view> stated_answer(std::string_view text);

// The number that a text gives as its answer: the first one in stated_answer(), else the last one
// in the text. Reads signs (also U+2212), 1,234.50, $5, 12 %, 1.5e3, .5, \frac{1}{2} and 3/4.
// "12 %" is 12. nullopt: there is none.
std::optional<double> extract_number(std::string_view text);

// The letter, 'A' to 'J', that a text chooses: the one in stated_answer(), else a text that is or
// begins with one ("B", "(b)", "B. Paris"), else the last that stands in brackets, else the last
// capital that stands alone, where "A" and "I" do not count as they are English words.
std::optional<char> extract_choice(std::string_view text);

// The JSON text of an answer: the content of the only or first code fence marked json or not at
// all, else the whole answer, trimmed. Not checked.
std::string_view extract_json(std::string_view text);

}  // namespace weir::quality
