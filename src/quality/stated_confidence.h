// The line `CONFIDENCE: <0..1>` that a model was asked to end its answer with. Small models state
// about the same number whether they are right or not (Xiong et al., arXiv 2306.13063): calibrate
// before trusting it. Pure functions, thread-safe, linear in the text.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::quality {

// What is added behind the question, with the blank line before it.
std::string_view confidence_request();

inline constexpr double kUnstatedConfidence = 0.5;

struct StatedConfidence {
  double value = kUnstatedConfidence;  // where the line is missing or holds no number
  // The bytes to take out of the answer: the line, the white space before it, and what is left of
  // the text behind it if that is white space. Equal when there is no line.
  size_t cut_begin = 0, cut_end = 0;
};

// The last such line counts, in any case, also in Markdown emphasis; `80%` means 0.8, and what is
// outside [0, 1] is clamped.
StatedConfidence find_confidence(std::string_view answer);

}  // namespace weir::quality
