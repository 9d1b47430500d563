// POST /v1/embeddings of the simulator: vectors of hashed words, so that similar texts are near and
// the same text always gives the same vector. Pure, thread-safe.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "simulate/server.h"

namespace weir::simulate {

inline constexpr size_t kEmbeddingDimension = 64;

// Length 1, or all zero for a text without words.
std::vector<float> embed_words(std::string_view text);

// The answer to a request body (input: text or list of text; encoding_format: float or base64).
// Fails: kInvalidArgument.
[[nodiscard]] std::expected<std::string, Error> answer_embeddings(std::string body,
                                                                  const CountTokens& count_tokens);

}  // namespace weir::simulate
