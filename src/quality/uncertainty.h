// Phrases by which a model says that it does not know. Pure, thread-safe.
#pragma once

#include <span>
#include <string_view>

namespace weir::quality {

// The English phrases that ship; lower case, straight apostrophes.
std::span<const std::string_view> uncertainty_phrases();

// Whether one of the phrases (lower case, straight apostrophes) stands in the answer, in any case,
// with straight or curly apostrophes.
bool says_uncertain(std::string_view answer, std::span<const std::string_view> phrases);

}  // namespace weir::quality
