#include "gateway/refusal.h"

#include <fmt/format.h>

#include "base/json.h"
#include "wire/answer.h"

namespace weir::gateway {
namespace {

using wire::FailureClass;

int client_status(const wire::Failure& failure) {
  const bool has_status = failure.status >= 400;
  switch (failure.failure_class) {
    case FailureClass::kCaller:
      return has_status && failure.status < 500 ? failure.status : 400;
    case FailureClass::kModelGone:
      return 404;
    case FailureClass::kRateLimited:
    case FailureClass::kQuota:
      return 429;
    case FailureClass::kOverloaded:
      return has_status && failure.status >= 500 ? failure.status : 503;
    case FailureClass::kTimeout:
      return 504;
    case FailureClass::kCredential:
    case FailureClass::kBroken:
      return 502;
  }
  return 502;
}

std::string client_message(const wire::Failure& failure, std::string_view provider) {
  switch (failure.failure_class) {
    case FailureClass::kCredential:
      return fmt::format(
          "provider '{}' refused weir's API key (status {}); check it in weir's "
          "settings",
          provider, failure.status);
    case FailureClass::kQuota:
      return fmt::format("the account at provider '{}' has no quota or balance left", provider);
    case FailureClass::kTimeout:
      return fmt::format("provider '{}' did not answer in time: {}", provider, failure.message);
    case FailureClass::kBroken:
      return fmt::format("provider '{}' failed: {}", provider, failure.message);
    default:
      return failure.message;
  }
}

// Classes whose error answer is about the client's own request.
bool may_pass_unchanged(FailureClass c) {
  return c == FailureClass::kCaller || c == FailureClass::kRateLimited ||
         c == FailureClass::kOverloaded;
}

bool repeats_key(std::string_view text, const upstream::Provider& provider) {
  return !provider.api_key.empty() && text.find(provider.api_key) != std::string_view::npos;
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthorized:
      return 401;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kUnsupported:
      return 400;
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kConnection:
    case ErrorCode::kCorrupt:
      return 502;
    case ErrorCode::kCancelled:
      return 499;
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

wire::Dialect error_dialect(const http::Request& request) {
  const bool anthropic =
      request.path.starts_with("/v1/messages") || (!request.path.ends_with("/chat/completions") &&
                                                   request.headers.contains("anthropic-version"));
  return anthropic ? wire::Dialect::kAnthropic : wire::Dialect::kOpenAi;
}

http::Response error_response(wire::Dialect dialect, const Refusal& refusal) {
  http::Response response;
  response.status = refusal.status;
  response.headers.add("content-type", "application/json");
  if (!refusal.header_name.empty()) response.headers.add(refusal.header_name, refusal.header_value);
  response.body = wire::encode_error(dialect, refusal.status,
                                     wire::error_type(dialect, refusal.status), refusal.message);
  return response;
}

http::Response failure_response(wire::Dialect client, const upstream::Provider& provider,
                                const upstream::Failed& failed) {
  const wire::Failure& failure = failed.failure;
  const int status = client_status(failure);
  std::string message = client_message(failure, provider.name);
  if (repeats_key(message, provider))
    message = fmt::format("provider '{}' refused the request, in words that repeat weir's API key",
                          provider.name);
  http::Response response = error_response(client, {status, std::move(message)});
  const bool unchanged = client == provider.spoken_to(client) &&
                         may_pass_unchanged(failure.failure_class) && failure.status == status &&
                         failed.headers.get("content-type").starts_with("application/json") &&
                         !repeats_key(failed.body, provider) &&
                         json::Document::parse(failed.body).has_value();
  if (unchanged) response.body = failed.body;
  upstream::copy_answer_headers(failed.headers, response.headers);
  response.headers.set("x-should-retry", "false");
  return response;
}

}  // namespace weir::gateway
