// Reads the messages of a request into turns, for decode_chat alone. Pure.
#pragma once

#include <expected>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "wire/chat.h"

namespace weir::wire {

// Fails: kInvalidArgument naming the message ("messages[3].content").
[[nodiscard]] std::expected<std::vector<Turn>, Error> read_turns(Dialect dialect,
                                                                 json::Value messages);

// The parts of a content value that is a string, an array of parts, or null. Anything else is
// kInvalidArgument with `where` in front.
[[nodiscard]] std::expected<std::vector<Part>, Error> read_parts(json::Value content,
                                                                 std::string_view where);

}  // namespace weir::wire
