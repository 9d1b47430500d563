// Vectors from an OpenAI-compatible embeddings endpoint, for the commands that train, evaluate and
// try routers. (The gateway asks for its own, on its workers.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/router.h"

namespace weir::apps {

inline constexpr size_t kEmbedBatchTexts = 64;  // at most, of one request

struct EmbedEndpoint {
  std::string url;    // base URL: "https://api.openai.com/v1"
  std::string model;  // sent as "model"
  std::string key;    // secret, may be empty: never logged nor stored
};

// The key for `url`: WEIR_EMBED_API_KEY, or for OpenAI's own host OPENAI_API_KEY, else "".
std::string embed_key_for(const std::string& url);

struct Vectors {
  uint32_t dimension = 0;
  std::vector<float> values;  // [texts, dimension]
};

// One row a text, in order; an empty text is not sent and gets zeros. Requests of up to
// kEmbedBatchTexts texts, one after the other on the calling thread; 429, 5xx and connection
// failures are tried three times in all. Fails: kInvalidArgument (URL), kConnection, kTimeout,
// kUnauthorized (401, 403), kUnsupported (another error status, with the endpoint's message),
// kCorrupt (an answer that is not what was asked for: too few vectors, differing sizes, numbers
// that are not finite).
[[nodiscard]] std::expected<Vectors, Error> embed_texts(const EmbedEndpoint& endpoint,
                                                        std::span<const std::string> texts);

// Scores of texts (own words) by `router`, which asks its endpoint when it has one.
[[nodiscard]] std::expected<std::vector<model::Score>, Error> score_texts(
    const model::Router& router, std::span<const std::string> texts);

}  // namespace weir::apps
