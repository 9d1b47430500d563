#include "base/json.h"
#include "wire/answer.h"

namespace weir::wire {
namespace {

struct TypeRow {
  int status;
  std::string_view openai, anthropic;
};

constexpr TypeRow kTypes[] = {
    {401, "authentication_error", "authentication_error"},
    {402, "insufficient_quota", "billing_error"},
    {403, "permission_error", "permission_error"},
    {404, "not_found_error", "not_found_error"},
    {408, "timeout_error", "timeout_error"},
    {413, "invalid_request_error", "request_too_large"},
    {429, "rate_limit_error", "rate_limit_error"},
    {503, "overloaded_error", "overloaded_error"},
    {504, "timeout_error", "timeout_error"},
    {529, "overloaded_error", "overloaded_error"},
};

}  // namespace

std::string_view error_type(Dialect client, int status) {
  const bool openai = client == Dialect::kOpenAi;
  for (const TypeRow& row : kTypes)
    if (row.status == status) return openai ? row.openai : row.anthropic;
  if (status >= 400 && status < 500) return "invalid_request_error";
  return openai ? "server_error" : "api_error";
}

std::string encode_error(Dialect client, int status, std::string_view type,
                         std::string_view message) {
  if (type.empty()) type = error_type(client, status);
  json::Writer out;
  out.begin_object();
  if (client == Dialect::kAnthropic) out.member("type", "error");
  out.key("error").begin_object();
  if (client == Dialect::kAnthropic) {
    out.member("type", type).member("message", message);
  } else {
    out.member("message", message).member("type", type);
    out.key("param").null();
    out.key("code").null();
  }
  out.end_object().end_object();
  return out.take();
}

std::string encode_stream_error(Dialect client, std::string_view type, std::string_view message) {
  // OpenAI's stream ends without [DONE]: that would make a cut answer look whole.
  const std::string body = encode_error(client, 500, type, message);
  return (client == Dialect::kAnthropic ? "event: error\ndata: " : "data: ") + body + "\n\n";
}

}  // namespace weir::wire
