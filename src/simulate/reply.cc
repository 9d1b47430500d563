#include "simulate/reply.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "simulate/judge.h"

namespace weir::simulate {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// "getWeather" and "get_weather" -> {"get", "weather"}.
std::vector<std::string> name_words(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool letter = upper || (c >= 'a' && c <= 'z');
    if ((!letter || upper) && !words.back().empty()) words.emplace_back();
    if (letter) words.back() += lower({&c, 1});
  }
  return words;
}

const Tool* find_tool(const Prompt& prompt) {
  constexpr size_t kShortest = 5;
  const std::string question = lower(prompt.question);
  for (const Tool& tool : prompt.tools)
    for (const std::string& word : name_words(tool.name))
      if (word.size() >= kShortest && question.find(word) != std::string::npos) return &tool;
  return nullptr;
}

// "... in Paris?" -> "Paris"; without such a place the whole question.
std::string argument_text(std::string_view question) {
  const size_t in = question.rfind(" in ");
  if (in == std::string_view::npos) return std::string(question);
  std::string_view place = question.substr(in + 4);
  place = place.substr(0, std::min(place.find_first_of("?.!,\n"), place.size()));
  return std::string(place);
}

ToolCall call_tool(const Tool& tool, std::string_view question) {
  json::Writer arguments;
  arguments.begin_object();
  for (const ToolParameter& parameter : tool.required) {
    arguments.key(parameter.name);
    if (parameter.type == "number" || parameter.type == "integer") {
      arguments.value(1);
    } else if (parameter.type == "boolean") {
      arguments.value(true);
    } else if (parameter.type == "array") {
      arguments.begin_array().end_array();
    } else if (parameter.type == "object") {
      arguments.begin_object().end_object();
    } else {
      arguments.value(argument_text(question));
    }
  }
  arguments.end_object();
  return {tool.name, arguments.take()};
}

constexpr double kPoliteCertainty = 0.9;

Reply text_reply(std::string text) {
  Reply reply;
  reply.text = std::move(text);
  return reply;
}

// What the line says has been said already: its tokens are certain.
void append_line(const std::string& line, Reply& reply) {
  for (Token& token : tokens_of(line, 0.98, 0))
    reply.tokens.push_back(std::move(token));
  reply.text += line;
}

}  // namespace

Reply make_reply(const Prompt& prompt, Tier tier, uint64_t seed) {
  if (prompt.tool_result) return text_reply(fmt::format("The tool says: {}", *prompt.tool_result));
  if (auto verdict = judge_reply(prompt.question, prompt.model))
    return text_reply(*std::move(verdict));
  if (const auto solved = solve(prompt.question)) {
    std::string text;
    if (tier == Tier::kStrong)
      for (const std::string& step : solved->working)
        text += step + " ";
    text += fmt::format("The answer is {}.", answer_of(tier, *solved, seed));
    Reply reply = text_reply(std::move(text));
    reply.tokens = tokens_of(reply.text, belief(tier, solved->difficulty), seed);
    if (prompt.asks_confidence)
      append_line(confidence_line(stated_confidence(tier, *solved, seed)), reply);
    return reply;
  }
  if (const Tool* tool = find_tool(prompt))
    return {"", call_tool(*tool, prompt.question), Finish::kTool, {}};
  Reply reply = text_reply(
      "I am weir's simulator. I can answer sums, short stories with numbers, conversions, "
      "dates, a few facts, small Python programs and customer-support questions; "
      "docs/simulator.md lists them.");
  reply.tokens = tokens_of(reply.text, kPoliteCertainty, seed);
  if (prompt.asks_confidence) append_line(confidence_line(kPoliteCertainty), reply);
  return reply;
}

std::string confidence_line(double confidence) {
  return fmt::format("\nCONFIDENCE: {:.2f}", confidence);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] != ' ' || text[i - 1] == ' ') continue;
    words.push_back(text.substr(begin, i - begin));
    begin = i;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

std::vector<std::string_view> pieces_of(const Reply& reply) {
  if (reply.tokens.empty()) return split_words(reply.text);
  std::vector<std::string_view> pieces;
  for (const Token& token : reply.tokens)
    pieces.push_back(token.text);
  return pieces;
}

}  // namespace weir::simulate
