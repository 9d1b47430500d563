#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.h"
#include "wire/answer.h"
#include "wire/answer_reader.h"
#include "wire/answer_writer.h"
#include "wire/sse.h"
#include "wire/values.h"

namespace weir::wire {
namespace {

// Where `"usage":null` stands in a chunk, together with one comma. nullopt when it is not there.
std::optional<json::Range> null_usage(const json::Document& chunk) {
  const json::Value usage = chunk.root()["usage"];
  if (!usage.is_null()) return std::nullopt;
  const std::string& text = chunk.text();
  constexpr std::string_view kKey = R"("usage")";
  const size_t colon = text.rfind(':', usage.range().begin);
  const size_t quote = text.find_last_not_of(" \t\r\n", colon - 1);
  json::Range range{quote + 1 - kKey.size(), usage.range().end};
  // An escaped spelling of the key: not worth cutting.
  if (std::string_view(text).substr(range.begin, kKey.size()) != kKey) return std::nullopt;
  if (const size_t before = text.find_last_not_of(" \t\r\n", range.begin - 1); text[before] == ',')
    range.begin = before;
  else if (const size_t after = text.find_first_not_of(" \t\r\n", range.end); text[after] == ',')
    range.end = after + 1;
  return range;
}

// The frame with its data edited. Data over several lines is written as one: JSON's line breaks are
// only space.
void append_edited(const SseReader::Frame& frame, const std::string& data,
                   std::vector<json::Edit> edits, std::string& out) {
  if (edits.empty()) {
    out += frame.raw;
    return;
  }
  std::string edited = json::apply_edits(data, std::move(edits));
  if (const size_t at = frame.raw.find(data); at != std::string_view::npos) {
    out += frame.raw.substr(0, at);
    out += edited;
    out += frame.raw.substr(at + data.size());
    return;
  }
  std::ranges::replace(edited, '\n', ' ');
  if (!frame.event.empty()) out += fmt::format("event: {}\n", frame.event);
  out += fmt::format("data: {}\n\n", edited);
}

}  // namespace

struct StreamRelay::State {
  explicit State(RelayOptions relay_options)
      : options(std::move(relay_options)), reader(options), writer(options) {}

  std::expected<void, Error> take(const SseReader::Frame& frame, std::string& out);
  std::expected<void, Error> take_json(const SseReader::Frame& frame, std::string& out);
  Step step(std::string bytes) const {
    const AnswerFacts& facts = reader.facts();
    return {std::move(bytes), facts.has_content, facts.ended, facts.failure};
  }

  bool translates() const { return options.provider != options.client; }
  bool closed() const { return reader.facts().ended || reader.facts().failure; }

  RelayOptions options;
  SseReader sse;
  AnswerReader reader;
  StreamWriter writer;
  std::vector<ChatEvent> events;
  bool withheld = false;       // the last frame, and so its late LF as well
  std::optional<Error> error;  // met already, told by the next call
};

std::expected<void, Error> StreamRelay::State::take(const SseReader::Frame& frame,
                                                    std::string& out) {
  if (!translates() && !withheld) out += frame.lead;
  withheld = false;
  if (!frame.has_data || frame.data.empty()) {
    if (!translates()) out += frame.raw;
    return {};
  }
  events.clear();
  if (options.provider == Dialect::kOpenAi && frame.data.starts_with("[DONE]")) {
    reader.read_done(events);
    if (!translates()) out += frame.raw;
  } else {
    TRY(take_json(frame, out));
  }
  if (translates())
    for (const ChatEvent& event : events)
      TRY(writer.write(event, reader.facts(), out));
  return {};
}

std::expected<void, Error> StreamRelay::State::take_json(const SseReader::Frame& frame,
                                                         std::string& out) {
  const auto document = json::Document::parse(std::string(frame.data), kBodyLimits);
  if (!document)
    return fail(ErrorCode::kCorrupt, fmt::format("an event of the provider's stream is no JSON: {}",
                                                 document.error().message));
  TRY(reader.read_event(document->root(), events));
  std::vector<json::Edit> edits = reader.take_edits();
  if (translates() || reader.facts().failure) return {};
  const bool adds_usage = options.usage_was_added && options.client == Dialect::kOpenAi;
  if (!adds_usage && edits.empty()) {
    out += frame.raw;
    return {};
  }
  const json::Value root = document->root();
  if (adds_usage && root["usage"].is_object() && root["choices"].is_array() &&
      root["choices"].size() == 0) {
    withheld = true;
    return {};
  }
  if (const auto added = adds_usage ? null_usage(*document) : std::nullopt)
    edits.push_back({*added, ""});
  append_edited(frame, document->text(), std::move(edits), out);
  return {};
}

StreamRelay::StreamRelay(RelayOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
StreamRelay::StreamRelay(StreamRelay&&) noexcept = default;
StreamRelay& StreamRelay::operator=(StreamRelay&&) noexcept = default;
StreamRelay::~StreamRelay() = default;

std::expected<StreamRelay::Step, Error> StreamRelay::feed(std::string_view upstream_bytes) {
  State& state = *state_;
  if (state.error) return std::unexpected(*state.error);
  if (state.closed()) return state.step({});
  std::string out;
  const bool had_content_before = state.reader.facts().has_content;
  state.sse.feed(upstream_bytes);
  while (!state.closed()) {
    auto frame = state.sse.next();
    if (frame && !*frame) break;
    const bool had_content = state.reader.facts().has_content;
    auto taken = frame ? state.take(**frame, out) : std::unexpected(frame.error());
    if (taken) continue;
    // What was whole before the fault still goes out, however the bytes were cut.
    state.error = std::move(taken.error());
    if (out.empty() && had_content == had_content_before) return std::unexpected(*state.error);
    Step step = state.step(std::move(out));
    step.has_content = had_content;
    return step;
  }
  return state.step(std::move(out));
}

std::expected<StreamRelay::Step, Error> StreamRelay::finish() {
  State& state = *state_;
  if (state.error) return std::unexpected(*state.error);
  std::string out;
  if (state.closed()) return state.step({});
  if (const auto frame = state.sse.finish()) {
    TRY(state.take(*frame, out));
    // The client's parser needs the blank line that the provider left out.
    if (!out.empty() && !out.ends_with("\n\n")) out += out.ends_with('\n') ? "\n" : "\n\n";
  }
  return state.step(std::move(out));
}

const catalog::Usage& StreamRelay::usage() const {
  return state_->reader.facts().usage;
}
const std::string& StreamRelay::model() const {
  return state_->reader.facts().model;
}
const std::string& StreamRelay::finish_reason() const {
  return state_->reader.facts().finish_reason;
}
AnswerView StreamRelay::view() const {
  return view_of(state_->reader.facts());
}
int64_t StreamRelay::output_characters() const {
  return state_->reader.facts().output_characters;
}

}  // namespace weir::wire
