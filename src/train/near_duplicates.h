// Finds texts that say nearly the same: the guard against measuring a router on what it was trained
// on. Two texts are near when, of their shingles of 8 words, the Jaccard similarity is at least
// 0.5, or at least 5 shingles and 80 % of the shorter text's are shared. Shorter texts are one
// shingle: equal but for case, punctuation and white space. A character of Chinese, Japanese or
// Korean counts as a word. Method: Broder 1997 (resemblance and containment); an exact inverted
// index in place of MinHash, as training data fits in memory. Shingles that very many texts share
// (templates) are not followed. An index belongs to one thread while texts are added; find() is
// const and thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::train {

struct NearMatch {
  size_t index = 0;       // of the text, in the order of add()
  double similarity = 0;  // Jaccard, of the shingles
};

class ShingleIndex {
 public:
  void add(std::string_view text);
  size_t size() const { return counts_.size(); }
  // The most similar text that is near; nullopt: none is.
  std::optional<NearMatch> find(std::string_view text) const;
  // The same among the texts before `index`, for near-duplicates within one set.
  std::optional<NearMatch> find_before(std::string_view text, size_t index) const;

 private:
  std::vector<uint32_t> counts_;  // shingles of each text
  std::unordered_map<uint64_t, std::vector<uint32_t>> where_;
};

}  // namespace weir::train
