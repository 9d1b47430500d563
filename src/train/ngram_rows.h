// Hashed n-grams of many texts, packed: one 32-bit word each, so that 100,000 queries of 100 tokens
// fit in about 400 MB. A value belongs to one thread while it is filled, then reading is
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/features.h"

namespace weir::train {

class PackedNgram {
 public:
  static constexpr uint32_t kMostCount = (1u << (32 - text::kNgramBits)) - 1;

  explicit PackedNgram(text::Ngram ngram)
      : bits_(ngram.bucket | (ngram.count < kMostCount ? ngram.count : kMostCount)
                                 << text::kNgramBits) {}
  uint32_t bucket() const { return bits_ & (text::kNgramBuckets - 1); }
  uint32_t count() const { return bits_ >> text::kNgramBits; }

 private:
  uint32_t bits_;
};

class NgramRows {
 public:
  void push(const text::Features& features);
  size_t size() const { return starts_.size() / 2; }

  std::span<const PackedNgram> words(size_t row) const { return between(2 * row); }
  std::span<const PackedNgram> chars(size_t row) const { return between(2 * row + 1); }

  // Replaces the n-grams in `out` by those of the row.
  void unpack(size_t row, text::Features& out) const;

 private:
  std::span<const PackedNgram> between(size_t at) const {
    return std::span(ngrams_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
  }

  std::vector<PackedNgram> ngrams_;
  std::vector<size_t> starts_{0};  // of words and chars of each row in turn, and the end
};

}  // namespace weir::train
