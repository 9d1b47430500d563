// Which conversation a request belongs to: the unit that the experiment assigns. The same for the
// first and for later turns, different between client keys. Source of the order of headers:
// docs/api.md, "Conversations". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/snapshot.h"
#include "http/message.h"
#include "wire/chat.h"

namespace weir::gateway {

struct Unit {
  uint64_t id = 0;                // keyed hash of the conversation
  double draw = 0;                // keyed hash in [0, 1), decides the control group
  double explore_draw = 0;        // another, for routers that draw
  uint64_t turn = 0;              // names the last user turn, so that a tool step is not a new one
  int turn_count = 0;             // user turns so far
  std::string conversation_hash;  // of an explicit session, "" without
  std::string end_user_hash;      // "" without
};

Unit identify(const Snapshot& snapshot, std::string_view key_id, const http::Headers& headers,
              const wire::Chat& chat);

// The session inside a harness's user id, "" when there is none: "user_..._session_<id>" or a JSON
// text with a "session_id".
std::string session_in_user_id(const std::string& user_id);

}  // namespace weir::gateway
