// A request as the ledger sees it, and as the client sees it in the x-weir-* headers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catalog/usage.h"
#include "gateway/admit.h"
#include "gateway/decide.h"
#include "http/message.h"
#include "store/records.h"
#include "upstream/call.h"
#include "wire/chat.h"

namespace weir::gateway {

// Made when a request arrives; names it from then on.
struct Visit {
  std::string id;          // UUIDv7
  int64_t arrived_us = 0;  // steady clock: first byte
  int64_t started_us = 0;  // steady clock: weir has the whole request
  int64_t started_unix_us = 0;
};

// How the answer went, once all but its last bytes are out.
struct Ending {
  std::string outcome = "ok";       // "ok" | "error" | "client_gone" | "cut"
  std::string call_outcome = "ok";  // of the call that served
  int status = 200;
  catalog::Usage usage = {};                     // of the call that served
  std::optional<int64_t> first_content_us = {};  // steady clock
  int64_t waited_us = 0;                         // for providers and the client
};

// What a station knows that has seen the request up to `choose`.
struct Decided {
  const Snapshot& snapshot;
  const Visit& visit;
  const Caller& caller;
  const http::Request& request;
  const wire::Chat& chat;
  const Asked& asked;
  const Question& question;
  const Evidence& evidence;
  const Decision& decision;
};

store::StartRecord start_record(const Decided& decided);
store::EndRecord end_record(const Decided& decided, const upstream::Outcome& outcome,
                            const Ending& ending, const Clock& clock);

// The provider's count, or weir's estimate (four characters a token) when it gave none.
catalog::Usage usage_or_estimate(const catalog::Usage& reported, const wire::Chat& chat,
                                 int64_t output_characters);

// The same of an answer that has been read to its end.
catalog::Usage usage_of(const upstream::Opened& opened, const wire::Chat& chat);

// Sum of all calls; nullopt when one of them has an unknown price.
std::optional<int64_t> total_cost_nanousd(const store::EndRecord& end);

// x-weir-* as far as they are known before the first byte goes out.
http::Headers weir_headers(const Decided& decided, const upstream::Outcome& outcome,
                           const Clock& clock);

}  // namespace weir::gateway
