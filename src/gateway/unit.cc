#include "gateway/unit.h"

#include <array>

#include "base/digest.h"
#include "base/json.h"
#include "text/own_words.h"

namespace weir::gateway {
namespace {

constexpr std::array<std::string_view, 4> kSessionHeaders = {
    "x-session-id", "x-conversation-id", "x-litellm-session-id", "x-claude-code-session-id"};

// Hash of several texts of which none can run into the next.
class PartsHash {
 public:
  explicit PartsHash(const Snapshot& snapshot, std::string_view use)
      : snapshot_(snapshot), use_(use) {}
  PartsHash& add(std::string_view part) {
    add(snapshot_.keyed_hash(use_, part));
    return *this;
  }
  PartsHash& add(uint64_t number) {
    parts_.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  uint64_t result() const { return snapshot_.keyed_hash(use_, parts_); }

 private:
  const Snapshot& snapshot_;
  std::string_view use_;
  std::string parts_;
};

std::string explicit_session(const http::Headers& headers, const wire::Chat& chat) {
  for (const auto name : kSessionHeaders)
    if (const auto value = headers.get(name); !value.empty()) return std::string(value);
  std::string session = session_in_user_id(chat.end_user);
  return session.empty() ? session_in_user_id(chat.prompt_cache_key) : session;
}

// The first user turn without what a harness puts around it, since that may change between turns.
std::string opening_words(const wire::Chat& chat) {
  const std::vector<std::string_view> parts(chat.first_user_text.begin(),
                                            chat.first_user_text.end());
  std::string words = text::own_words(parts);
  if (words.empty())
    for (const auto& part : chat.first_user_text)
      words += part;
  return words;
}

}  // namespace

std::string session_in_user_id(const std::string& user_id) {
  constexpr std::string_view kMark = "_session_";
  if (user_id.starts_with('{')) {
    const auto parsed = json::Document::parse(user_id);
    return parsed ? parsed->root()["session_id"].string_or("") : "";
  }
  const size_t mark = user_id.rfind(kMark);
  return mark == std::string::npos ? "" : user_id.substr(mark + kMark.size());
}

Unit identify(const Snapshot& snapshot, std::string_view key_id, const http::Headers& headers,
              const wire::Chat& chat) {
  Unit unit;
  PartsHash id(snapshot, "unit");
  id.add(key_id);
  if (const std::string session = explicit_session(headers, chat); !session.empty()) {
    id.add("session").add(session);
    unit.conversation_hash = to_hex(snapshot.keyed_hash("session", session));
  } else {
    id.add("opening").add(chat.system_text).add(opening_words(chat));
    id.add(chat.end_user).add(chat.prompt_cache_key);
  }
  unit.id = id.result();
  unit.draw = to_unit_interval(snapshot.keyed_hash("draw", to_hex(unit.id)));
  unit.explore_draw = to_unit_interval(snapshot.keyed_hash("explore", to_hex(unit.id)));
  unit.turn_count = chat.user_turn_count;
  PartsHash turn(snapshot, "turn");
  turn.add(static_cast<uint64_t>(chat.user_turn_count));
  for (const auto& part : chat.last_user_text)
    turn.add(part);
  unit.turn = turn.result();
  if (!chat.end_user.empty())
    unit.end_user_hash = to_hex(snapshot.keyed_hash("end user", chat.end_user));
  return unit;
}

}  // namespace weir::gateway
