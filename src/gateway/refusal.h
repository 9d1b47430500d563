// Answers that weir itself gives instead of a model: refused requests and failed calls, in the
// error shape of the client's dialect. Pure functions.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/message.h"
#include "upstream/call.h"
#include "wire/dialect.h"

namespace weir::gateway {

// Why a station does not let a request pass.
struct Refusal {
  int status = 400;
  std::string message;
  std::string header_name = {}, header_value = {};  // one more header ("allow", ...), "" for none
};

inline std::unexpected<Refusal> refuse(int status, std::string message) {
  return std::unexpected(Refusal{status, std::move(message)});
}

// The status that tells a client about an error of a station.
int http_status(ErrorCode code);
inline Refusal refusal_of(const Error& error) {
  return {http_status(error.code), error.message};
}

// The dialect in which a request expects errors: that of its path, else Anthropic's when it sends
// anthropic-version.
wire::Dialect error_dialect(const http::Request& request);

http::Response error_response(wire::Dialect dialect, const Refusal& refusal);

// What the client is told when no model answered. A provider's own answer to a request that is at
// fault passes unchanged where the dialects agree, it is JSON and does not repeat the credential; a
// problem between weir and the provider (its
// credential, its quota) is told without the provider's words. Always x-should-retry: false, as
// weir has retried by itself.
http::Response failure_response(wire::Dialect client, const upstream::Provider& provider,
                                const upstream::Failed& failed);

}  // namespace weir::gateway
