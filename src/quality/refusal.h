// Whether an answer declines the task. Pure, thread-safe.
#pragma once

#include <string_view>

namespace weir::quality {

// English phrases by which models refuse ("I can't help with", "as an AI language model" ...),
// looked for in the first 400 bytes, where refusals stand. An answer may quote one: a checker that
// finds the right answer is asked first.
bool looks_like_refusal(std::string_view answer);

}  // namespace weir::quality
