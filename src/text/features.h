// From the bytes of a prompt to what routers read: token ids, hashed n-grams of words and of
// characters, and a dense vector. One function, featurize, serves training and serving alike. What
// is counted, and how the text is cut: docs/text.md. Thread-safe: no shared state; a Features value
// belongs to one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/wordpiece.h"

namespace weir::text {

// Stands in every model file. Must change whenever the output of featurize changes for any text
// (features_test.cc pins a digest of it, so that this is not forgotten).
inline constexpr std::string_view kFeatureSpec = "weir-text-1";

// A text of more than kHeadChars + kTailChars characters is read only at its two ends.
inline constexpr size_t kHeadChars = 2000;
inline constexpr size_t kTailChars = 2000;

inline constexpr uint32_t kNgramBits = 18;
inline constexpr uint32_t kNgramBuckets = 1u << kNgramBits;

// Counts over the characters of the windows, except `chars`, which counts the whole text.
struct PromptFeatures {
  uint64_t chars = 0;         // Unicode characters of the whole text
  uint32_t window_chars = 0;  // characters read: chars, or at most kHeadChars + kTailChars
  uint32_t words = 0;         // words of the tokenizer without punctuation; an ideograph is one
  uint32_t newlines = 0;
  uint32_t digits = 0;         // 0-9
  uint32_t numbers = 0;        // runs of digits
  uint32_t uppercase = 0;      // A-Z
  uint32_t punctuation = 0;    // ASCII punctuation
  uint32_t code_symbols = 0;   // { } [ ] < > ; = _ ` # \ | & ~ @
  uint32_t maths_symbols = 0;  // + - * / = < > ^ % and the mathematical blocks of Unicode
  uint32_t questions = 0;      // ? and its full-width and Arabic forms
  uint32_t code_fences = 0;    // ```
  uint32_t non_ascii = 0;
  // Letters by script. ASCII letters are Latin; marks, digits and symbols belong to none.
  uint32_t latin = 0;
  uint32_t cyrillic = 0;
  uint32_t han = 0;
  uint32_t kana_hangul = 0;
  uint32_t arabic = 0;
  uint32_t other_script = 0;

  static constexpr size_t kDenseCount = 19;
  // Names of the dense values, in order.
  static const std::array<std::string_view, kDenseCount>& dense_names();
  // Writes kDenseCount values: ln(1 + x) of counts, shares in [0, 1]; all 0 for the empty text.
  // Requires out.size() == kDenseCount.
  void dense(std::span<float> out) const;
};

struct Ngram {
  uint32_t bucket = 0;  // < kNgramBuckets
  uint32_t count = 0;   // >= 1

  bool operator==(const Ngram&) const = default;
};

// Which n-grams featurize counts; those that are not asked for are left empty and cost nothing.
enum class Ngrams : uint8_t { kNone, kWords, kWordsAndChars };

struct Features {
  PromptFeatures prompt;
  std::vector<Ngram> ngrams;       // words (punctuation too) and pairs; each bucket once, in the
                                   // order of first appearance
  std::vector<Ngram> char_ngrams;  // 3 and 4 characters inside " word ", likewise
  std::vector<int32_t> token_ids;  // unknown ids included
  uint32_t known_tokens = 0;       // tokens that are neither unknown nor special

  // Nothing that an embedding could judge by: every router answers "strong".
  bool empty() const { return known_tokens == 0; }

 private:
  friend class NgramCounter;
  // Scratch: hash tables from bucket to index in ngrams and in char_ngrams, plus one.
  std::vector<uint32_t> slots_, char_slots_;
};

// Replaces `out`. No allocation once `out` has met a text as large (at most a few hundred kB, since
// the windows are bounded). Linear in the text; beyond the windows only characters are counted.
void featurize(const Vocabulary& vocabulary, std::string_view text, Features& out,
               Ngrams ngrams = Ngrams::kWords);

}  // namespace weir::text
