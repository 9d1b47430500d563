#include "train/near_duplicates.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/digest.h"
#include "base/utf8.h"

namespace weir::train {
namespace {

constexpr size_t kShingleWords = 8;
constexpr double kLeastJaccard = 0.5;
constexpr uint32_t kLeastShared = 5;
constexpr double kLeastContained = 0.8;
constexpr size_t kMostFollowed = 1'000;  // texts of one shingle
constexpr size_t kMostWords = 20'000;    // of one text that are read

bool is_separator(char32_t c) {
  const bool ascii_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  const bool punctuation = (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F) ||
                           (c >= 0xFF00 && c <= 0xFF0F) || c == 0xA0;
  return (c < 0x80 && !ascii_word) || punctuation;
}

// Written without spaces between words.
bool is_word_alone(char32_t c) {
  return (c >= 0x2E80 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7AF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

std::vector<uint64_t> word_hashes(std::string_view text) {
  std::vector<uint64_t> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(fnv1a(word));
    word.clear();
  };
  for (size_t i = 0; i < text.size() && words.size() < kMostWords;) {
    const size_t begin = i;
    char32_t c = decode_utf8(text, i);
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
    if (is_separator(c)) {
      end_word();
    } else if (c < 0x80) {
      word += static_cast<char>(c);
    } else {
      if (is_word_alone(c)) end_word();
      word += text.substr(begin, i - begin);
      if (is_word_alone(c)) end_word();
    }
  }
  end_word();
  return words;
}

std::vector<uint64_t> shingles(std::string_view text) {
  const std::vector<uint64_t> words = word_hashes(text);
  if (words.empty()) return {};
  std::vector<uint64_t> out;
  const size_t length = std::min(words.size(), kShingleWords);
  for (size_t i = 0; i + length <= words.size(); ++i) {
    uint64_t hash = words.size() < kShingleWords ? words.size() : kShingleWords;
    for (size_t j = i; j < i + length; ++j)
      hash = (hash ^ words[j]) * 0x9E3779B97F4A7C15 + (hash >> 29);
    out.push_back(hash);
  }
  std::ranges::sort(out);
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

}  // namespace

void ShingleIndex::add(std::string_view text) {
  const auto all = shingles(text);
  const auto index = static_cast<uint32_t>(counts_.size());
  counts_.push_back(static_cast<uint32_t>(all.size()));
  for (const uint64_t shingle : all) {
    std::vector<uint32_t>& texts = where_[shingle];
    if (texts.size() < kMostFollowed) texts.push_back(index);
  }
}

std::optional<NearMatch> ShingleIndex::find(std::string_view text) const {
  return find_before(text, std::numeric_limits<size_t>::max());
}

std::optional<NearMatch> ShingleIndex::find_before(std::string_view text, size_t index) const {
  const auto all = shingles(text);
  std::unordered_map<uint32_t, uint32_t> shared;
  for (const uint64_t shingle : all) {
    const auto found = where_.find(shingle);
    if (found == where_.end()) continue;
    for (const uint32_t other : found->second)
      if (other < index) ++shared[other];
  }
  std::optional<NearMatch> best;
  for (const auto& [other, count] : shared) {
    const auto own = static_cast<double>(all.size()), its = static_cast<double>(counts_[other]);
    const double jaccard = count / (own + its - count);
    const bool contained = count >= kLeastShared && count >= kLeastContained * std::min(own, its);
    if (jaccard < kLeastJaccard && !contained) continue;
    const bool better =
        !best || jaccard > best->similarity || (jaccard == best->similarity && other < best->index);
    if (better) best = NearMatch{other, jaccard};
  }
  return best;
}

}  // namespace weir::train
