#include "wire/usage.h"

#include <algorithm>
#include <string>

namespace weir::wire {
namespace {

using catalog::Usage;
using catalog::UsageSource;

std::optional<int64_t> count_in(json::Value object, std::string_view name) {
  const auto count = object[name].as_int64();
  if (!count) return std::nullopt;
  return std::max<int64_t>(*count, 0);
}

// A server that counted for itself says so by `"estimated": true`, as weir replay does.
UsageSource source_of(json::Value object) {
  return object["estimated"].as_bool() == true ? UsageSource::kEstimated : UsageSource::kReported;
}

Usage read_openai(json::Value object) {
  Usage usage;
  const auto prompt = count_in(object, "prompt_tokens");
  const auto completion = count_in(object, "completion_tokens");
  if (!prompt && !completion) return usage;
  const json::Value input_details = object["prompt_tokens_details"];
  // DeepSeek names its cache hits at the top.
  const int64_t cached = count_in(input_details, "cached_tokens")
                             .value_or(count_in(object, "prompt_cache_hit_tokens").value_or(0));
  const int64_t all_input = prompt.value_or(0);
  usage.cache_read_tokens = std::min(cached, all_input);
  usage.cache_write_tokens = std::min(count_in(input_details, "cache_write_tokens").value_or(0),
                                      all_input - usage.cache_read_tokens);
  usage.input_tokens = all_input - usage.cache_read_tokens - usage.cache_write_tokens;
  usage.output_tokens = completion.value_or(0);
  const int64_t reasoning =
      count_in(object["completion_tokens_details"], "reasoning_tokens").value_or(0);
  // xAI leaves reasoning out of completion_tokens; its total tells.
  if (reasoning > 0 &&
      count_in(object, "total_tokens") == all_input + usage.output_tokens + reasoning)
    usage.output_tokens += reasoning;
  usage.reasoning_tokens = std::min(reasoning, usage.output_tokens);
  usage.source = source_of(object);
  return usage;
}

void read_anthropic(json::Value object, Usage& usage) {
  const auto input = count_in(object, "input_tokens");
  const auto output = count_in(object, "output_tokens");
  if (input || output) usage.source = source_of(object);
  usage.input_tokens = input.value_or(usage.input_tokens);
  usage.output_tokens = output.value_or(usage.output_tokens);
  usage.cache_read_tokens =
      count_in(object, "cache_read_input_tokens").value_or(usage.cache_read_tokens);
  const auto hour = count_in(object["cache_creation"], "ephemeral_1h_input_tokens");
  if (const auto written = count_in(object, "cache_creation_input_tokens")) {
    // The split stands in message_start only; the later total must not lose it.
    usage.cache_write_1h_tokens = std::min(hour.value_or(usage.cache_write_1h_tokens), *written);
    usage.cache_write_tokens = *written - usage.cache_write_1h_tokens;
  } else if (hour) {
    usage.cache_write_1h_tokens = *hour;
    usage.cache_write_tokens =
        count_in(object["cache_creation"], "ephemeral_5m_input_tokens").value_or(0);
  }
  usage.reasoning_tokens =
      count_in(object["output_tokens_details"], "thinking_tokens").value_or(usage.reasoning_tokens);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.output_tokens);
}

}  // namespace

Usage read_usage(Dialect provider, json::Value object) {
  Usage usage;
  if (!object.is_object()) return usage;
  if (provider == Dialect::kOpenAi)
    usage = read_openai(object);
  else
    read_anthropic(object, usage);
  if (usage.source != UsageSource::kNone) usage.raw = object.raw();
  return usage;
}

void merge_anthropic_delta(json::Value object, Usage& usage) {
  if (!object.is_object()) return;
  read_anthropic(object, usage);
  if (usage.source == UsageSource::kNone) return;
  std::string raw = "[";
  if (!usage.raw.empty()) {
    // Some servers repeat message_delta: its last usage counts, behind that of message_start.
    raw += usage.raw.front() == '[' ? usage.raw.substr(1, usage.raw.size() - 2) : usage.raw;
    raw += ',';
  }
  usage.raw = raw.append(object.raw()).append("]");
}

void write_usage(Dialect client, const Usage& usage, json::Writer& out) {
  const int64_t written = usage.cache_write_tokens + usage.cache_write_1h_tokens;
  out.begin_object();
  if (client == Dialect::kAnthropic) {
    out.member("input_tokens", usage.input_tokens)
        .member("cache_creation_input_tokens", written)
        .member("cache_read_input_tokens", usage.cache_read_tokens)
        .member("output_tokens", usage.output_tokens);
  } else {
    const int64_t input = usage.all_input_tokens();
    out.member("prompt_tokens", input)
        .member("completion_tokens", usage.output_tokens)
        .member("total_tokens", input + usage.output_tokens);
    out.key("prompt_tokens_details")
        .begin_object()
        .member("cached_tokens", usage.cache_read_tokens)
        .member("cache_write_tokens", written)
        .end_object();
    out.key("completion_tokens_details")
        .begin_object()
        .member("reasoning_tokens", usage.reasoning_tokens)
        .end_object();
  }
  out.end_object();
}

}  // namespace weir::wire
