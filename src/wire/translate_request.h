// Request bodies from one dialect into the other, for encode_chat alone. Pure.
// Fails: kUnsupported naming the field that the target cannot express (docs/wire.md lists them).
#pragma once

#include <expected>

#include "base/error.h"
#include "wire/chat.h"

namespace weir::wire {

[[nodiscard]] std::expected<Encoded, Error> write_anthropic_request(const Chat& openai_chat,
                                                                    const EncodeTarget& target);
[[nodiscard]] std::expected<Encoded, Error> write_openai_request(const Chat& anthropic_chat,
                                                                 const EncodeTarget& target);

}  // namespace weir::wire
