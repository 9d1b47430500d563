// Sentences with holes, written once and used both ways: fill() makes the sentence, match() reads
// it. "{n}" is a whole number, "{w}" words (letters, digits, spaces and '-). Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::simulate {

struct Match {
  size_t begin = 0, end = 0;
  std::vector<std::string> values;  // of the holes, in order
};

// Requires as many values as holes.
std::string fill(std::string_view pattern, const std::vector<std::string>& values);

// The sentence at exactly `position`.
std::optional<Match> match_at(std::string_view pattern, std::string_view text, size_t position);

// The last place in `text` where the sentence stands.
std::optional<Match> find_last(std::string_view pattern, std::string_view text);

// A whole number that fits; nullopt otherwise.
std::optional<int64_t> to_number(std::string_view text);

}  // namespace weir::simulate
