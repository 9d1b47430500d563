#include "gateway/admit.h"

#include <algorithm>
#include <string_view>

namespace weir::gateway {
namespace {

constexpr int kHopLimit = 8;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The key as OpenAI's or as Anthropic's clients send it.
std::string_view presented_key(const http::Headers& headers) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = headers.get("authorization");
  if (authorization.size() > kBearer.size() &&
      http::equals_ignoring_case(authorization.substr(0, kBearer.size()), kBearer))
    return trimmed(authorization.substr(kBearer.size()));
  return trimmed(headers.get("x-api-key"));
}

bool is_json(std::string_view content_type) {
  return http::equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))),
                                    "application/json");
}

// Load balancers that check health hold no key, and browsers send none with a preflight.
bool needs_key(const http::Request& request) {
  return request.method != "OPTIONS" && request.path != "/health" &&
         !request.path.starts_with("/health/");
}

bool has_looped(const http::Headers& headers, std::string_view instance) {
  int hops = 0;
  for (const auto& [name, value] : headers) {
    if (!http::equals_ignoring_case(name, upstream::kHopHeader)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      if (trimmed(rest.substr(0, comma)) == instance || ++hops > kHopLimit) return true;
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
  }
  return false;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1) == "[::1]";
  const std::string_view name = host.substr(0, host.find(':'));
  if (http::equals_ignoring_case(name, "localhost")) return true;
  return name.starts_with("127.") &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::expected<Caller, Refusal> admit(const Snapshot& snapshot, const http::Request& request) {
  const Options& options = snapshot.options();
  const http::Headers& headers = request.headers;
  Caller caller;
  if (headers.contains("origin") &&
      std::ranges::find(options.allowed_origins, headers.get("origin")) ==
          options.allowed_origins.end())
    return refuse(403,
                  "requests from web pages are refused; list the origin under server.cors to "
                  "allow it");
  if (!options.keys.empty()) {
    const ClientKey* key = nullptr;
    if (needs_key(request)) {
      key = snapshot.find_key(presented_key(headers));
      if (key == nullptr)
        return std::unexpected(Refusal{401,
                                       "missing or unknown API key; send a key made by `weir keys "
                                       "new` as 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
                                       "www-authenticate", "Bearer"});
      caller.key_id = key->id;
    }
  } else if (!options.insecure && headers.contains("host") &&
             !is_loopback_host(headers.get("host"))) {
    return refuse(403,
                  "without API keys weir answers only on loopback names such as localhost or "
                  "127.0.0.1; `weir keys new` makes a key");
  }
  if (request.method == "POST" && !is_json(headers.get("content-type")))
    return refuse(415, "POST needs 'content-type: application/json'");
  if (has_looped(headers, snapshot.instance()))
    return refuse(508,
                  "the request has passed through this weir before: a provider's base_url "
                  "leads back to it");
  return caller;
}

}  // namespace weir::gateway
