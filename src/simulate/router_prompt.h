// The simulated models as judges of other prompts: when a request asks for a label from [[1]] to
// [[5]], or for YES or NO on whether a stronger model is needed, the answer comes from the error
// rate of sim-weak at the difficulty of the question inside. Pure, thread-safe.
#pragma once

#include <optional>

#include "simulate/prompt.h"
#include "simulate/reply.h"

namespace weir::simulate {

// Whether the prompt asks for a label or for YES or NO on a stronger model.
bool asks_router(const Prompt& prompt);

// The answer to such a prompt. Of a label: "[[4]]" in three tokens with the probabilities of the
// five digits; what no question is found in counts as difficulty 5.
Reply make_router_reply(const Prompt& prompt);

}  // namespace weir::simulate
