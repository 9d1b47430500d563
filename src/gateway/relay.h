// Station 7: the answer goes to the client. A stream is passed on event by event as it comes, all
// but its last bytes; from here on there is no retry. The last bytes, and whole answers, are given
// back, because they leave only after the end record is written (station 8).
#pragma once

#include <string>

#include "gateway/records.h"
#include "http/server.h"
#include "upstream/call.h"

namespace weir::gateway {

// What is still to be sent.
struct Relayed {
  Ending ending;
  bool streaming = false;   // a stream has begun; `response` is its head
  http::Response response;  // else: the whole answer
  std::string last;         // of a stream
  std::string transcript;   // what a stream has sent before, kept for log_texts only
};

// `headers`: x-weir-*. Moves the answer out of `outcome`.
http::Task<Relayed> relay(http::Exchange& exchange, upstream::Outcome& outcome,
                          const Decided& decided, http::Headers headers);

// Sends what is left, and lets the provider's connection return to its pool.
http::Task<void> finish(http::Exchange& exchange, upstream::Outcome& outcome, Relayed relayed);

}  // namespace weir::gateway
