// The arithmetic of kind ngram that training and serving share: how the counts of a query's n-grams
// become two vectors of length 1, one of words and pairs, one of characters. A component is
// (1 + ln count) * idf; both the logarithm and the length keep what one repeated or rare word can
// do small (docs/routers.md says against what). Pure, thread-safe.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::model {

// What is stored of a bucket. Only the ratio of two idf matters, as vectors are scaled to length 1.
struct NgramBucket {
  uint8_t idf = 0;    // idf * kIdfSteps, rounded; 0: not in the training data
  int8_t weight = 0;  // in units of the table's scale
};
static_assert(sizeof(NgramBucket) == 2);

inline constexpr double kIdfSteps = 20;

namespace section {
inline constexpr std::string_view kNgramTable = "ngram_table";        // bytes: NgramBucket of each
inline constexpr std::string_view kNgramScales = "ngram_scales";      // of words, of characters
inline constexpr std::string_view kToProbability = "to_probability";  // slope > 0, offset
}  // namespace section

// 1 + ln count.
class TermFrequency {
 public:
  static float of(uint32_t count) { return kTable[count < kTable.size() ? count : kMost]; }

 private:
  static constexpr uint32_t kMost = 1023;
  static const std::array<float, kMost + 1> kTable;
};

}  // namespace weir::model
