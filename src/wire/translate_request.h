// Request bodies from one dialect into the other, for encode_chat alone. Strings, schemas, numbers
// and tool arguments are copied as they stand. docs/wire.md lists every field. Pure.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "wire/chat.h"
#include "wire/values.h"

namespace weir::wire {

// Fail: kUnsupported naming the field that the target cannot express.
[[nodiscard]] std::expected<Encoded, Error> write_anthropic_request(const Chat& openai_chat,
                                                                    const EncodeTarget& target);
[[nodiscard]] std::expected<Encoded, Error> write_openai_request(const Chat& anthropic_chat,
                                                                 const EncodeTarget& target);

// What becomes of a member of a request when it crosses dialects.
enum class Fate : uint8_t {
  kTranslated,  // the translator reads it
  kDropped,     // a hint: named in Encoded::dropped
  kRefused,     // changes the answer: kUnsupported, unless its value is the default
};

struct FieldRule {
  std::string_view name;
  Fate fate = Fate::kTranslated;
  bool (*is_default)(json::Value) = nullptr;  // kRefused: harmless values are ignored
};

enum class Unknown : uint8_t { kRefused, kDropped };

// Applies the rules to every member of `object` that is not null. `path` ("tools", "" at the top)
// stands before the names in messages and in `dropped`.
[[nodiscard]] std::expected<void, Error> apply_rules(json::Value object, std::string_view path,
                                                     std::span<const FieldRule> rules,
                                                     Unknown unknown,
                                                     std::vector<std::string>& dropped);

// `field`: the other dialect cannot express it.
std::unexpected<Error> inexpressible(std::string_view field, std::string_view why = "");

// At most 32 names of letters, digits, `.` and `_`, each once: they go into a header.
void note_dropped(std::string name, std::vector<std::string>& dropped);

bool is_blank(json::Value text);  // a string without a visible character

// Tool call ids that the target refuses (characters, length) become a digest of themselves, the
// same for the call and its result. As a JSON string.
std::string tool_id(Dialect target, json::Value id);

}  // namespace weir::wire
