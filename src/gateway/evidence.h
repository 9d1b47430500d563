// The awaited step between decode and estimate: what a router needs from the outside world. Routers
// in process need nothing, and the step costs nothing; a router whose embedding comes from a URL
// (OpenAI-compatible, POST .../embeddings) gets the vector of the words here, under a deadline and
// with a price of its own; a router that is a language model (kinds causal and llm) gives its
// answer here; a router with a transformer gets its vector from a thread of encode_pool.h. A
// failure is evidence too: then nothing can be judged, which means strong.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "gateway/resolve.h"
#include "gateway/snapshot.h"
#include "http/server.h"
#include "policy/choose.h"
#include "store/records.h"

namespace weir::gateway {

struct Evidence {
  std::vector<float> embedding;  // or what a model's answer gave; empty for routers on the worker
  std::optional<Error> failure;
  std::vector<store::CallRecord> calls;  // what asking took and cost
  int64_t waited_us = 0;
};

// Asks only if the score can change anything (policy::needs_score) and there are words to judge.
http::Task<Evidence> ask(http::Exchange& exchange, const Snapshot& snapshot, Random& random,
                         const Asked& asked, const policy::Inputs& inputs, std::string_view words);

}  // namespace weir::gateway
