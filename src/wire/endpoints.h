// Bodies of the smaller endpoints: token counts and the list of models. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "wire/dialect.h"

namespace weir::wire {

struct ModelEntry {
  std::string id;
  std::string owned_by = "weir";
  int64_t created_unix_s = 0;
  int64_t context_tokens = 0;     // 0: unknown, left out
  int64_t max_output_tokens = 0;  // 0: unknown, left out
};

// GET /v1/models in the client's shape.
std::string encode_models(Dialect client, std::span<const ModelEntry> models);

enum class TokenCountSource { kReported, kEstimated };

// POST /v1/messages/count_tokens; an estimate says so in a member "estimated": true. The request
// body is decoded by decode_chat(kAnthropic, ...), which does not ask for max_tokens.
std::string encode_token_count(int64_t input_tokens, TokenCountSource source);

}  // namespace weir::wire
