#include "upstream/provider.h"

#include <algorithm>
#include <array>

namespace weir::upstream {
namespace {

constexpr std::string_view kAnthropicVersion = "2023-06-01";
constexpr size_t kUserAgentLimit = 256;

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         http::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_for_provider(std::string_view name, wire::Dialect dialect) {
  if (http::equals_ignoring_case(name, "idempotency-key") ||
      http::equals_ignoring_case(name, "traceparent"))
    return true;
  return starts_with_ignoring_case(name,
                                   dialect == wire::Dialect::kAnthropic ? "anthropic-" : "openai-");
}

bool is_for_client(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {"request-id",     "x-request-id",
                                                      "retry-after",    "retry-after-ms",
                                                      "x-should-retry", "x-ms-retry-after-ms"};
  constexpr std::array<std::string_view, 2> kPrefixes = {"x-ratelimit-", "anthropic-ratelimit-"};
  return std::ranges::any_of(kNames, [&](auto n) { return http::equals_ignoring_case(name, n); }) ||
         std::ranges::any_of(kPrefixes, [&](auto p) { return starts_with_ignoring_case(name, p); });
}

void add_credential(const Provider& provider, wire::Dialect dialect, http::Headers& out) {
  if (dialect == wire::Dialect::kAnthropic) {
    if (!provider.api_key.empty()) out.set("x-api-key", provider.api_key);
    if (!out.contains("anthropic-version")) out.add("anthropic-version", kAnthropicVersion);
  } else if (!provider.api_key.empty()) {
    out.set("authorization", "Bearer " + provider.api_key);
  }
}

}  // namespace

std::string request_target(const http::Endpoint& endpoint, wire::Dialect dialect,
                           std::string_view path, std::string_view query) {
  constexpr std::string_view kVersion = "/v1";
  const bool prefix_has_version = dialect == wire::Dialect::kOpenAi
                                      ? !endpoint.path_prefix.empty()
                                      : endpoint.path_prefix.ends_with(kVersion);
  if (prefix_has_version && path.starts_with(kVersion)) path.remove_prefix(kVersion.size());
  std::string target(path);
  if (!query.empty()) target.append(1, '?').append(query);
  return target;
}

http::Headers request_headers(const Provider& provider, wire::Dialect dialect,
                              const http::Headers& client, std::string_view instance) {
  http::Headers out;
  std::string agent, hops;
  for (const auto& [name, value] : client) {
    if (is_for_provider(name, dialect)) {
      out.add(name, value);
    } else if (agent.empty() && http::equals_ignoring_case(name, "user-agent")) {
      agent = value.substr(0, kUserAgentLimit) + ' ';
    } else if (http::equals_ignoring_case(name, kHopHeader)) {
      hops += value + ", ";
    }
  }
  out.add("user-agent", agent + "weir/" WEIR_VERSION);
  out.add("content-type", "application/json");
  add_credential(provider, dialect, out);
  for (const auto& [name, value] : provider.extra_headers)
    out.set(name, value);
  out.add(kHopHeader, hops.append(instance));
  return out;
}

void copy_answer_headers(const http::Headers& provider, http::Headers& out) {
  for (const auto& [name, value] : provider)
    if (is_for_client(name)) out.add(name, value);
}

std::string_view provider_request_id(const http::Headers& provider) {
  const std::string_view id = provider.get("x-request-id");
  return id.empty() ? provider.get("request-id") : id;
}

}  // namespace weir::upstream
