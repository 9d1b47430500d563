// What the user said, without what their program put around it. Coding agents wrap reminders,
// command output, open files and environment reports into the user turn; a router must judge the
// question, not the wrapping. Which blocks go: the table in own_words.cc, with cases in
// own_words_test.cc. Pure functions, thread-safe; hostile input costs linear time.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace re2 {
class RE2;
}

namespace weir::text {

// The text parts of one user turn (no tool results, images or documents), harness blocks removed,
// trimmed, joined by a newline. Empty when nothing of the user's own is left: the caller then
// cannot judge and answers "strong".
std::string own_words(std::span<const std::string_view> text_parts);

// Where a route finds the question (the setting routes.<r>.query_from).
struct QueryFrom {
  enum class Kind {
    kLastUser,     // own_words of the last user turn
    kHeader,       // the value of the header x-weir-query
    kRegex,        // the first group of the first match in own_words, or the match without groups
    kAfterMarker,  // what follows the last occurrence of the marker in own_words
  };
  Kind kind = Kind::kLastUser;
  std::string argument;  // the pattern (RE2 syntax) or the marker
};

// A QueryFrom made ready. Copies are cheap and share the compiled pattern.
class QueryExtractor {
 public:
  QueryExtractor() = default;  // kLastUser
  // Fails with kInvalidArgument: a bad or too large pattern, an empty pattern or marker.
  [[nodiscard]] static std::expected<QueryExtractor, Error> make(QueryFrom from);

  const QueryFrom& from() const { return from_; }

 private:
  friend std::string extract_query(const QueryExtractor&, std::span<const std::string_view>,
                                   std::optional<std::string_view>);
  QueryFrom from_;
  std::shared_ptr<const re2::RE2> pattern_;
};

// The words to score. Empty when the rule finds nothing (no header, no match, no marker), which
// like an empty turn means "cannot judge"; it does not fall back to the whole turn.
std::string extract_query(const QueryExtractor& extractor,
                          std::span<const std::string_view> text_parts,
                          std::optional<std::string_view> header_value);

}  // namespace weir::text
