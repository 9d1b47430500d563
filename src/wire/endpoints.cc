#include "wire/endpoints.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "base/json.h"

namespace weir::wire {
namespace {

std::string rfc3339(int64_t unix_s) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(unix_s)));
}

void write_entry(Dialect client, const ModelEntry& model, json::Writer& out) {
  out.begin_object();
  if (client == Dialect::kOpenAi) {
    out.member("id", model.id).member("object", "model").member("created", model.created_unix_s);
    out.member("owned_by", model.owned_by);
  } else {
    out.member("type", "model").member("id", model.id).member("display_name", model.id);
    out.member("created_at", rfc3339(model.created_unix_s)).member("lifecycle", "active");
    if (model.context_tokens > 0) out.member("max_input_tokens", model.context_tokens);
    if (model.max_output_tokens > 0) out.member("max_tokens", model.max_output_tokens);
  }
  out.end_object();
}

}  // namespace

std::string encode_models(Dialect client, std::span<const ModelEntry> models) {
  json::Writer out;
  out.begin_object();
  if (client == Dialect::kOpenAi) out.member("object", "list");
  out.key("data").begin_array();
  for (const ModelEntry& model : models)
    write_entry(client, model, out);
  out.end_array();
  if (client == Dialect::kAnthropic) {
    out.member("has_more", false);
    for (const bool first : {true, false}) {
      out.key(first ? "first_id" : "last_id");
      if (models.empty())
        out.null();
      else
        out.value(first ? models.front().id : models.back().id);
    }
  }
  return out.end_object().take();
}

std::string encode_token_count(int64_t input_tokens, TokenCountSource source) {
  json::Writer out;
  out.begin_object().member("input_tokens", input_tokens);
  if (source == TokenCountSource::kEstimated) out.member("estimated", true);
  return out.end_object().take();
}

}  // namespace weir::wire
