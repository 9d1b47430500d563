#include "apps/token_counter.h"

#include <memory>

#include "apps/data_options.h"
#include "text/wordpiece.h"

namespace weir::apps {

std::expected<simulate::CountTokens, Error> load_token_counter() {
  TRY_ASSIGN(model::StaticEmbedder embedder, load_static_embedder());
  const auto shared = std::make_shared<const model::StaticEmbedder>(std::move(embedder));
  return [shared](std::string_view text) {
    thread_local text::TokenBuffer buffer;
    text::tokenize(shared->vocabulary(), text, buffer);
    return static_cast<int64_t>(buffer.ids.size());
  };
}

}  // namespace weir::apps
