// The simulator as a judge: answers weir's own judge prompts (quality/judge.h) by knowing the right
// answer to the question inside. A model whose name holds "judge-first" prefers whatever stands
// first, as biased judges do. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::simulate {

// nullopt: it is no judge prompt. A question that the simulator cannot solve is judged by the
// reference answer, and without one all answers are the same to it.
std::optional<std::string> judge_reply(std::string_view prompt, std::string_view model);

}  // namespace weir::simulate
