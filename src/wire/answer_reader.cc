#include "wire/answer_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/utf8.h"
#include "wire/failure.h"
#include "wire/usage.h"
#include "wire/values.h"

namespace weir::wire {
namespace {

constexpr size_t kToolLimit = 1'024;

}  // namespace

AnswerView view_of(const AnswerFacts& facts) {
  return {.text = facts.text,
          .tokens = facts.tokens,
          .has_tool_calls = facts.has_tool_calls,
          .has_refusal = facts.has_refusal,
          .finish_reason = facts.finish_reason};
}

void AnswerReader::start(json::Value message, std::vector<ChatEvent>& out) {
  if (facts_.id.empty()) facts_.id = message["id"].string_or("");
  if (facts_.model.empty()) facts_.model = message["model"].string_or("");
  if (std::exchange(started_, true)) return;
  out.push_back({ChatEventKind::kStart, {}, {}, {}, 0});
}

void AnswerReader::add_text(ChatEventKind kind, json::Value text, std::vector<ChatEvent>& out) {
  auto piece = text.as_string();
  if (!piece || piece->empty()) return;
  facts_.has_content = true;
  facts_.output_characters += static_cast<int64_t>(count_utf8(*piece));
  if (collect_ && kind == ChatEventKind::kText) facts_.text += *piece;
  if (text_cut_ && kind == ChatEventKind::kText) *piece = cut_text(text, std::move(*piece));
  if (!piece->empty()) out.push_back({kind, std::move(*piece), {}, {}, 0});
}

// The piece without its part of the cut; notes the edit where they overlap.
std::string AnswerReader::cut_text(json::Value source, std::string piece) {
  const size_t begin = text_bytes_, end = begin + piece.size();
  text_bytes_ = end;
  const size_t from = std::clamp(text_cut_->begin, begin, end) - begin;
  const size_t to = std::clamp(text_cut_->end, begin, end) - begin;
  if (from >= to) return piece;
  piece.erase(from, to - from);
  edits_.push_back({source.range(), json::quoted(piece)});
  return piece;
}

void AnswerReader::read_logprobs(json::Value choice) {
  const json::Value logprobs = choice["logprobs"];
  if (!logprobs.is_object()) return;
  if (drop_logprobs_) edits_.push_back({logprobs.range(), "null"});
  TokenStats& stats = facts_.tokens;
  for (const json::Value token : logprobs["content"]) {
    const auto logprob = token["logprob"].as_double();
    if (!logprob) continue;
    stats.logprob_min = stats.tokens++ == 0 ? *logprob : std::min(stats.logprob_min, *logprob);
    stats.logprob_sum += *logprob;
    const std::string text = token["token"].string_or("");
    std::optional<double> runner_up;
    bool own_seen = false;  // the token itself stands among the most likely ones
    for (const json::Value other : token["top_logprobs"]) {
      const auto value = other["logprob"].as_double();
      if (!value) continue;
      if (!own_seen && other["token"].string_or("") == text) {
        own_seen = true;
        continue;
      }
      runner_up = std::max(runner_up.value_or(*value), *value);
    }
    if (!runner_up) continue;
    const double margin = std::exp(*logprob) - std::exp(*runner_up);
    ++stats.margins;
    stats.margin_sum += margin;
    stats.margin_min = std::min(stats.margin_min, margin);
  }
}

void AnswerReader::add_arguments(int tool, std::string text, std::vector<ChatEvent>& out) {
  if (text.empty()) return;
  facts_.output_characters += static_cast<int64_t>(count_utf8(text));
  out.push_back({ChatEventKind::kToolArguments, std::move(text), {}, {}, tool});
}

int AnswerReader::open_tool(int64_t index, std::string id, std::string name,
                            std::vector<ChatEvent>& out) {
  close_tools(out);
  const int tool = static_cast<int>(tools_.size());
  tools_.push_back({index, id, true});
  facts_.has_content = facts_.has_tool_calls = true;
  facts_.output_characters += static_cast<int64_t>(name.size());
  out.push_back({ChatEventKind::kToolStart, {}, std::move(id), std::move(name), tool});
  return tool;
}

void AnswerReader::close_tools(std::vector<ChatEvent>& out) {
  // Only the last one can be open: each start closes the one before.
  if (tools_.empty() || !std::exchange(tools_.back().open, false)) return;
  out.push_back({ChatEventKind::kToolEnd, {}, {}, {}, static_cast<int>(tools_.size()) - 1});
}

void AnswerReader::finish(std::string reason, std::vector<ChatEvent>& out) {
  close_tools(out);
  facts_.finish_reason = std::move(reason);
  facts_.has_content = true;
  out.push_back({ChatEventKind::kFinish, {}, {}, {}, 0});
}

std::expected<void, Error> AnswerReader::read_event(json::Value data, std::vector<ChatEvent>& out) {
  if (facts_.ended || facts_.failure) return {};
  if (!data.is_object())
    return fail(ErrorCode::kCorrupt, "an event of the provider's stream is not a JSON object");
  if (is_error_body(data)) {
    facts_.failure = classify_error_value(200, data);
    return {};
  }
  if (provider_ == Dialect::kAnthropic) {
    read_anthropic_event(data, out);
    return {};
  }
  if (const json::Value usage = data["usage"]; usage.is_object())
    facts_.usage = read_usage(Dialect::kOpenAi, usage);
  const json::Value choices = data["choices"];
  if (choices.size() > 0) start(data, out);
  return read_openai_choices(choices, "delta", out);
}

void AnswerReader::read_done(std::vector<ChatEvent>& out) {
  if (facts_.ended || facts_.failure) return;
  close_tools(out);
  facts_.ended = true;
  out.push_back({ChatEventKind::kEnd, {}, {}, {}, 0});
}

std::expected<void, Error> AnswerReader::read_openai_choices(json::Value choices,
                                                             std::string_view message_key,
                                                             std::vector<ChatEvent>& out) {
  for (const json::Value choice : choices) {
    const json::Value message = choice[message_key];
    // Further choices (n > 1) exist in the same dialect only, where no steps are needed.
    if (choice["index"].as_int64().value_or(0) != 0) {
      count_further_choice(message);
      continue;
    }
    TRY(read_openai_message(message, out));
    if (collect_ || drop_logprobs_) read_logprobs(choice);
    if (auto reason = choice["finish_reason"].as_string()) finish(std::move(*reason), out);
  }
  return {};
}

void AnswerReader::count_further_choice(json::Value message) {
  for (const char* name : {"content", "refusal", "reasoning_content"})
    if (const auto text = message[name].as_string(); text && !text->empty()) {
      facts_.has_content = true;
      facts_.output_characters += static_cast<int64_t>(count_utf8(*text));
    }
  for (const json::Value call : message["tool_calls"]) {
    facts_.has_content = true;
    facts_.output_characters +=
        static_cast<int64_t>(count_utf8(call["function"]["arguments"].string_or("")));
  }
}

// A delta and a whole message have the same members.
std::expected<void, Error> AnswerReader::read_openai_message(json::Value message,
                                                             std::vector<ChatEvent>& out) {
  // Compatible servers spell the readable reasoning in two ways.
  const json::Value reasoning = message["reasoning_content"];
  add_text(ChatEventKind::kThinking, given(reasoning) ? reasoning : message["reasoning"], out);
  add_text(ChatEventKind::kText, message["content"], out);
  if (const json::Value refusal = message["refusal"]; refusal.is_string()) {
    facts_.has_refusal = facts_.has_refusal || !is_empty(refusal);
    add_text(ChatEventKind::kRefusal, refusal, out);
  }
  if (message["audio"].is_object()) facts_.has_content = true;
  int64_t position = 0;
  for (const json::Value call : message["tool_calls"]) {
    if (tools_.size() > kToolLimit)
      return fail(ErrorCode::kTooLarge, "the provider's answer has more than 1,024 tool calls");
    read_openai_call(call, position++, out);
  }
  if (const json::Value legacy = message["function_call"]; legacy.is_object()) {
    facts_.has_content = true;
    facts_.output_characters += static_cast<int64_t>(count_utf8(legacy["arguments"].string_or("")));
  }
  return {};
}

void AnswerReader::read_openai_call(json::Value call, int64_t position,
                                    std::vector<ChatEvent>& out) {
  const json::Value function = call["function"];
  const int64_t index = call["index"].as_int64().value_or(position);
  std::string id = call["id"].string_or("");
  const auto known = std::find_if(tools_.rbegin(), tools_.rend(),
                                  [&](const Tool& tool) { return tool.index == index; });
  // Some servers give every call the index 0; a new id tells them apart.
  const bool is_new = known == tools_.rend() || (!id.empty() && id != known->id);
  const int tool = is_new ? open_tool(index, std::move(id), function["name"].string_or(""), out)
                          : static_cast<int>(tools_.rend() - known) - 1;
  add_arguments(tool, function["arguments"].string_or(""), out);
}

void AnswerReader::read_anthropic_event(json::Value event, std::vector<ChatEvent>& out) {
  const std::string type = event["type"].string_or("");
  const int64_t index = event["index"].as_int64().value_or(0);
  if (type == "content_block_delta") {
    read_anthropic_delta(event["delta"], index, out);
  } else if (type == "content_block_start") {
    read_anthropic_block(event["content_block"], index, out);
  } else if (type == "content_block_stop") {
    if (!tools_.empty() && tools_.back().index == index) close_tools(out);
  } else if (type == "message_start") {
    const json::Value message = event["message"];
    facts_.usage = read_usage(Dialect::kAnthropic, message["usage"]);
    // The output is not known before message_delta: a stream that is cut has an estimate.
    if (facts_.usage.source == catalog::UsageSource::kReported)
      facts_.usage.source = catalog::UsageSource::kEstimated;
    start(message, out);
  } else if (type == "message_delta") {
    merge_anthropic_delta(event["usage"], facts_.usage);
    if (auto reason = event["delta"]["stop_reason"].as_string()) finish(std::move(*reason), out);
  } else if (type == "message_stop") {
    read_done(out);
  }
  estimate_output();
}

void AnswerReader::estimate_output() {
  catalog::Usage& usage = facts_.usage;
  if (usage.source != catalog::UsageSource::kEstimated) return;
  usage.output_tokens = std::max(usage.output_tokens, (facts_.output_characters + 3) / 4);
}

// The start of a block in a stream, or a whole block of an answer.
void AnswerReader::read_anthropic_block(json::Value block, int64_t index,
                                        std::vector<ChatEvent>& out) {
  const std::string type = block["type"].string_or("");
  if (type == "text") {
    add_text(ChatEventKind::kText, block["text"], out);
  } else if (type == "thinking") {
    add_text(ChatEventKind::kThinking, block["thinking"], out);
  } else if (type == "tool_use") {
    const int tool = open_tool(index, block["id"].string_or(""), block["name"].string_or(""), out);
    // In a stream the input is {} here and follows in pieces.
    const json::Value input = block["input"];
    if (input.is_object() && input.size() > 0) add_arguments(tool, std::string(input.raw()), out);
  } else {
    facts_.has_content = true;
  }
}

void AnswerReader::read_anthropic_delta(json::Value delta, int64_t index,
                                        std::vector<ChatEvent>& out) {
  const std::string type = delta["type"].string_or("");
  if (type == "text_delta") {
    add_text(ChatEventKind::kText, delta["text"], out);
  } else if (type == "thinking_delta") {
    add_text(ChatEventKind::kThinking, delta["thinking"], out);
  } else if (type == "input_json_delta" && !tools_.empty() && tools_.back().open &&
             tools_.back().index == index) {
    add_arguments(static_cast<int>(tools_.size()) - 1, delta["partial_json"].string_or(""), out);
  }
}

std::expected<void, Error> AnswerReader::read_answer(json::Value root,
                                                     std::vector<ChatEvent>& out) {
  if (is_error_body(root)) {
    facts_.failure = classify_error_value(200, root);
    return {};
  }
  const bool openai = provider_ == Dialect::kOpenAi;
  const json::Value content = root[openai ? "choices" : "content"];
  if (!content.is_array())
    return fail(ErrorCode::kCorrupt, openai ? "the provider's answer has no choices"
                                            : "the provider's answer has no content");
  start(root, out);
  if (openai) {
    TRY(read_openai_choices(content, "message", out));
  } else {
    int64_t index = 0;
    for (const json::Value block : content)
      read_anthropic_block(block, index++, out);
    if (auto reason = root["stop_reason"].as_string()) finish(std::move(*reason), out);
  }
  facts_.usage = read_usage(provider_, root["usage"]);
  read_done(out);
  return {};
}

}  // namespace weir::wire
