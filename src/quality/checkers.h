// Whether an answer is right, without asking a model: the table of checkers that `weir label
// failures`, `weir evaluate` and cascades share. docs/labels.md describes each.
// A Checker is immutable and thread-safe; check() is pure and takes time linear in the answer.
// The two kinds that ask the outside world are not checked here: for kCommand run the command
// (quality/command.h) with checker.argv() and read its end with judge_command(); for kHttp POST
// outside_request() to checker.url() and read the answer with judge_http().
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::quality {

enum class CheckKind : uint8_t {
  kAny,         // anything but nothing and a refusal
  kExact,       // equals the reference: case, white space and a final full stop do not count
  kNumeric,     // gives the reference's number
  kChoice,      // chooses the reference's letter
  kRegex,       // matches a pattern (RE2, anywhere in the answer)
  kJson,        // is JSON
  kJsonSchema,  // is JSON that a schema accepts
  kCommand,     // a program says so: answer on standard input, exit status 0 is right
  kHttp,        // a URL says so
};
std::string_view to_string(CheckKind kind);  // the word in a checker's text: "json_schema"

enum class Outcome : uint8_t {
  kGood,
  kWrong,
  kWrongFormat,  // nothing that could be compared: no number, no letter, no JSON
  kRefused,
  kEmpty,
  kUnknown,  // the checker itself failed: never counted as good nor as wrong
};
std::string_view to_string(Outcome outcome);  // "good", "wrong", "wrong_format" ...

struct Checked {
  Outcome outcome = Outcome::kUnknown;
  std::string why = {};  // one line for people; "" when good
  bool good() const { return outcome == Outcome::kGood; }
};

class Checker {
 public:
  // From "exact", "numeric", "numeric 0.01" (relative tolerance), "choice", "regex PATTERN",
  // "json", "json_schema FILE" or "json_schema {...}", "command ARGV..." (split at spaces; quote
  // with ' or "), "http URL", "any". Reads the schema's file. Fails: kInvalidArgument with what is
  // wrong and what is possible; as read_file.
  [[nodiscard]] static std::expected<Checker, Error> parse(std::string_view text);

  Checker();  // kAny
  Checker(const Checker&);
  Checker(Checker&&) noexcept;
  Checker& operator=(const Checker&);
  Checker& operator=(Checker&&) noexcept;
  ~Checker();

  CheckKind kind() const;
  const std::string& text() const;  // as it was parsed
  bool needs_reference() const;     // kExact, kNumeric, kChoice
  bool asks_outside() const;        // kCommand, kHttp
  std::span<const std::string> argv() const;
  const std::string& url() const;

  // Requires !asks_outside(). `reference` is not read by kinds that need none; one without a number
  // or letter where those are compared gives kUnknown.
  Checked check(std::string_view answer, std::string_view reference = "") const;

 private:
  struct Rule;
  std::shared_ptr<const Rule> rule_;
};

// What is common to all kinds, before anything is compared or asked: kEmpty, or kRefused when the
// answer is a refusal; kGood otherwise.
Checked check_presence(std::string_view answer);

// How a command ended, as a verdict: 0 good, 1 wrong (its first line of output says why), 2 wrong
// format, anything else (a signal and a timeout too, as negative numbers) kUnknown.
Checked judge_command(int exit_status, std::string_view output);

// The body for a kHttp checker: {"query", "answer", "reference"}.
std::string outside_request(std::string_view query, std::string_view answer,
                            std::string_view reference);
// Its answer: status 200 and {"good": true or false, "why": "..."}; anything else is kUnknown.
Checked judge_http(int status, std::string_view body);

}  // namespace weir::quality
