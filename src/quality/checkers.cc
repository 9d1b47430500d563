#include "quality/checkers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "base/files.h"
#include "base/json.h"
#include "quality/extract.h"
#include "quality/json_schema.h"
#include "quality/refusal.h"

namespace weir::quality {
namespace {

constexpr double kDefaultTolerance = 1e-6;
constexpr int64_t kPatternMemoryBytes = 1 << 20;
constexpr size_t kSchemaLimitBytes = 1 << 20;
constexpr size_t kQuoted = 60;

constexpr std::array<std::string_view, 9> kKinds{
    "any", "exact", "numeric", "choice", "regex", "json", "json_schema", "command", "http"};
constexpr std::array<std::string_view, 6> kOutcomes{"good",    "wrong", "wrong_format",
                                                    "refused", "empty", "unknown"};

std::unexpected<Error> invalid(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

// A piece of a text for a message, on one line.
std::string quote(std::string_view text) {
  const std::string line = folded(text.substr(0, kQuoted));
  return fmt::format("'{}{}'", line, text.size() > kQuoted ? "..." : "");
}

std::string comparable(std::string_view text) {
  std::string out = folded(text);
  constexpr std::string_view kWrapping = ".*`\"'";
  while (!out.empty() && kWrapping.contains(out.back()))
    out.pop_back();
  out.erase(0, std::min(out.find_first_not_of("*`\"'"), out.size()));
  return out;
}

// Splits at spaces; ' and " keep what is between them together.
std::expected<std::vector<std::string>, Error> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote_mark = 0;
  for (const char c : text) {
    if (quote_mark != 0) {
      if (c == quote_mark)
        quote_mark = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote_mark = c;
      in_word = true;
    } else if (c == ' ' || c == '\t') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote_mark != 0) return invalid("checker 'command': a quotation mark is not closed");
  if (in_word) words.push_back(std::move(word));
  if (words.empty()) return invalid("checker 'command' needs a program: command ARGV...");
  return words;
}

Checked wrong(std::string why) {
  return {Outcome::kWrong, std::move(why)};
}
Checked unknown(std::string why) {
  return {Outcome::kUnknown, std::move(why)};
}
Checked no_format(std::string why) {
  return {Outcome::kWrongFormat, std::move(why)};
}
Checked right() {
  return {Outcome::kGood, ""};
}

Checked check_exact(std::string_view answer, std::string_view reference) {
  const std::string wanted = comparable(reference);
  if (wanted.empty()) return unknown("the reference is empty");
  if (comparable(answer) == wanted) return right();
  const auto stated = stated_answer(answer);
  if (stated && comparable(*stated) == wanted) return right();
  return wrong(fmt::format("is {}, not {}", quote(stated.value_or(answer)), quote(reference)));
}

Checked check_number(std::string_view answer, std::string_view reference, double tolerance) {
  const auto wanted = extract_number(reference);
  if (!wanted) return unknown(fmt::format("the reference {} holds no number", quote(reference)));
  const auto given = extract_number(answer);
  if (!given) return no_format("holds no number");
  if (*given == *wanted) return right();
  const double allowed = tolerance * std::max(1.0, std::abs(*wanted));
  if (std::abs(*given - *wanted) <= allowed) return right();
  return wrong(fmt::format("is {}, not {}", *given, *wanted));
}

Checked check_choice(std::string_view answer, std::string_view reference) {
  const auto wanted = extract_choice(reference);
  if (!wanted) return unknown(fmt::format("the reference {} holds no letter", quote(reference)));
  const auto given = extract_choice(answer);
  if (!given) return no_format("chooses no letter");
  if (*given == *wanted) return right();
  return wrong(fmt::format("chooses {}, not {}", *given, *wanted));
}

}  // namespace

std::string_view to_string(CheckKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}
std::string_view to_string(Outcome outcome) {
  return kOutcomes[static_cast<size_t>(outcome)];
}

struct Checker::Rule {
  CheckKind kind = CheckKind::kAny;
  std::string text = "any";
  double tolerance = kDefaultTolerance;
  std::unique_ptr<const re2::RE2> pattern = {};
  std::optional<JsonSchema> schema = {};
  std::vector<std::string> argv = {};
  std::string url = {};

  std::expected<void, Error> take(std::string_view argument);
  std::expected<void, Error> take_pattern(std::string_view argument);
  std::expected<void, Error> take_schema(std::string_view argument);
  std::expected<void, Error> take_tolerance(std::string_view argument);
  Checked compare(std::string_view answer, std::string_view reference) const;
  Checked check_json(std::string_view answer) const;
};

std::expected<void, Error> Checker::Rule::take_pattern(std::string_view argument) {
  if (argument.empty()) return invalid("checker 'regex' needs a pattern: regex PATTERN");
  re2::RE2::Options options;
  options.set_max_mem(kPatternMemoryBytes);
  options.set_log_errors(false);
  pattern = std::make_unique<re2::RE2>(re2::StringPiece(argument.data(), argument.size()), options);
  if (!pattern->ok()) return invalid(fmt::format("checker 'regex': {}", pattern->error()));
  return {};
}

std::expected<void, Error> Checker::Rule::take_schema(std::string_view argument) {
  if (argument.empty()) return invalid("checker 'json_schema' needs a file or a {...}");
  std::string source(argument);
  if (!argument.starts_with('{')) {
    TRY_ASSIGN(source, read_file(std::filesystem::path(argument), kSchemaLimitBytes));
  }
  auto made = JsonSchema::parse(std::move(source));
  if (!made)
    return fail(made.error().code, fmt::format("checker 'json_schema': {}", made.error().message));
  schema.emplace(std::move(*made));
  return {};
}

std::expected<void, Error> Checker::Rule::take_tolerance(std::string_view argument) {
  if (argument.empty()) return {};
  const char* end = argument.data() + argument.size();
  const auto read = std::from_chars(argument.data(), end, tolerance);
  if (read.ec != std::errc() || read.ptr != end || !(tolerance >= 0 && tolerance < 1))
    return invalid(fmt::format("checker 'numeric': '{}' is no tolerance from 0 to 1", argument));
  return {};
}

std::expected<void, Error> Checker::Rule::take(std::string_view argument) {
  switch (kind) {
    case CheckKind::kNumeric:
      return take_tolerance(argument);
    case CheckKind::kRegex:
      return take_pattern(argument);
    case CheckKind::kJsonSchema:
      return take_schema(argument);
    case CheckKind::kCommand: {
      TRY_ASSIGN(argv, split_command(argument));
      return {};
    }
    case CheckKind::kHttp:
      url = argument;
      if (!url.starts_with("http://") && !url.starts_with("https://"))
        return invalid("checker 'http' needs a URL: http http://HOST/PATH");
      return {};
    case CheckKind::kAny:
    case CheckKind::kExact:
    case CheckKind::kChoice:
    case CheckKind::kJson:
      break;
  }
  if (argument.empty()) return {};
  return invalid(fmt::format("checker '{}' takes no argument", to_string(kind)));
}

Checked Checker::Rule::check_json(std::string_view answer) const {
  const auto document = json::Document::parse(std::string(extract_json(answer)));
  if (!document) return no_format("is no JSON: " + document.error().message);
  if (!schema) return right();
  if (const auto violation = schema->violation(document->root())) return wrong(*violation);
  return right();
}

Checked Checker::Rule::compare(std::string_view answer, std::string_view reference) const {
  switch (kind) {
    case CheckKind::kExact:
      return check_exact(answer, reference);
    case CheckKind::kNumeric:
      return check_number(answer, reference, tolerance);
    case CheckKind::kChoice:
      return check_choice(answer, reference);
    case CheckKind::kRegex:
      if (re2::RE2::PartialMatch(re2::StringPiece(answer.data(), answer.size()), *pattern))
        return right();
      return wrong("does not match the pattern");
    case CheckKind::kJson:
    case CheckKind::kJsonSchema:
      return check_json(answer);
    case CheckKind::kAny:
    case CheckKind::kCommand:
    case CheckKind::kHttp:
      break;
  }
  return check_presence(answer);
}

std::expected<Checker, Error> Checker::parse(std::string_view text) {
  const std::string_view all = trimmed(text);
  const size_t space = std::min(all.find_first_of(" \t"), all.size());
  const std::string_view word = all.substr(0, space);
  const auto found = std::ranges::find(kKinds, word);
  if (found == kKinds.end())
    return invalid(fmt::format("no checker '{}'; there are {}", word, fmt::join(kKinds, ", ")));
  auto rule = std::make_shared<Rule>();
  rule->kind = static_cast<CheckKind>(found - kKinds.begin());
  rule->text = all;
  TRY(rule->take(trimmed(all.substr(space))));
  Checker checker;
  checker.rule_ = std::move(rule);
  return checker;
}

Checker::Checker() : rule_(std::make_shared<Rule>()) {}
Checker::Checker(const Checker&) = default;
Checker::Checker(Checker&&) noexcept = default;
Checker& Checker::operator=(const Checker&) = default;
Checker& Checker::operator=(Checker&&) noexcept = default;
Checker::~Checker() = default;

CheckKind Checker::kind() const {
  return rule_->kind;
}
const std::string& Checker::text() const {
  return rule_->text;
}
bool Checker::needs_reference() const {
  return kind() == CheckKind::kExact || kind() == CheckKind::kNumeric ||
         kind() == CheckKind::kChoice;
}
bool Checker::asks_outside() const {
  return kind() == CheckKind::kCommand || kind() == CheckKind::kHttp;
}
std::span<const std::string> Checker::argv() const {
  return rule_->argv;
}
const std::string& Checker::url() const {
  return rule_->url;
}

Checked Checker::check(std::string_view answer, std::string_view reference) const {
  CHECK(!asks_outside());
  if (trimmed(answer).empty()) return check_presence(answer);
  Checked checked = rule_->compare(answer, reference);
  const bool failed =
      checked.outcome == Outcome::kWrong || checked.outcome == Outcome::kWrongFormat;
  // A refusal is looked for last: the right answer may quote one.
  if (failed && looks_like_refusal(answer)) return check_presence(answer);
  return checked;
}

Checked check_presence(std::string_view answer) {
  if (trimmed(answer).empty()) return {Outcome::kEmpty, "is empty"};
  if (looks_like_refusal(answer)) return {Outcome::kRefused, "is a refusal"};
  return right();
}

Checked judge_command(int exit_status, std::string_view output) {
  const std::string_view text = trimmed(output);
  const std::string first(text.substr(0, text.find('\n')));
  switch (exit_status) {
    case 0:
      return right();
    case 1:
      return wrong(first.empty() ? "the command says so" : first);
    case 2:
      return no_format(first.empty() ? "the command says so" : first);
    default:
      return unknown(exit_status < 0
                         ? fmt::format("the command was ended ({})", exit_status)
                         : fmt::format("the command ended with status {}", exit_status));
  }
}

std::string outside_request(std::string_view query, std::string_view answer,
                            std::string_view reference) {
  json::Writer out;
  out.begin_object().member("query", query).member("answer", answer);
  out.member("reference", reference).end_object();
  return out.take();
}

Checked judge_http(int status, std::string_view body) {
  if (status != 200)
    return unknown(fmt::format("the checker's URL answers with status {}", status));
  const auto document = json::Document::parse(std::string(body));
  const auto good =
      document ? document->root()["good"].as_bool() : std::optional<bool>(std::nullopt);
  if (!good) return unknown("the checker's URL does not answer {\"good\": true or false}");
  if (*good) return right();
  return wrong(document->root()["why"].string_or("the URL says so"));
}

}  // namespace weir::quality
