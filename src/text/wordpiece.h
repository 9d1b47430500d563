// BERT WordPiece (uncased), equal token by token to the fast tokenizer of the Python package
// `tokenizers`: special tokens on the raw string, cleaning, ideographs apart, accents stripped,
// lower case, split on space and punctuation, greedy longest match. The steps and their source:
// docs/text.md. Ill-formed UTF-8 reads as U+FFFD, which cleaning removes.
// A Vocabulary is immutable and thread-safe; a TokenBuffer belongs to one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/word_scanner.h"

namespace weir::text {

// Longer words become one unknown token, whatever they contain.
inline constexpr size_t kMaxWordChars = Word::kMaxChars;

class Vocabulary {
 public:
  // Tokens in the order of their ids. Fails with kCorrupt, naming the line: no "[UNK]", an empty,
  // repeated, ill-formed or over-long token, or more than 2^20 of them.
  [[nodiscard]] static std::expected<Vocabulary, Error> from_tokens(
      std::span<const std::string_view> tokens);
  // One token a line, id = line index counted from 0; "\r\n" and a missing last "\n" are accepted.
  [[nodiscard]] static std::expected<Vocabulary, Error> from_text(std::string_view text);

  int32_t size() const { return static_cast<int32_t>(starts_.size()) - 1; }
  int32_t unk_id() const { return special_ids_[1]; }
  // Requires 0 <= id < size().
  std::string_view token(int32_t id) const;
  std::optional<int32_t> find(std::string_view token) const;
  // True for [PAD], [UNK], [CLS], [SEP] and [MASK]: ids that say nothing about the text.
  bool is_special(int32_t id) const;

  struct Match {
    int32_t id = 0;
    size_t bytes = 0;  // 0: nothing matches
  };
  enum class Place { kWordStart, kInsideWord };
  // The longest token that begins `rest` (inside a word: the longest "##" token).
  Match longest_prefix(std::string_view rest, Place place) const;
  // The special token that begins `rest`, if this vocabulary has it.
  Match special_prefix(std::string_view rest) const;

 private:
  // Double-array trie (Aoe 1989): the child of node s for byte b is t = base[s] + b if check[t] ==
  // s.
  struct Node {
    int32_t base = 0;
    int32_t check = -1;
    int32_t id = -1;
  };
  static constexpr int32_t kRoot = 0;
  class TrieBuilder;

  int32_t step(int32_t node, char byte) const;

  std::string bytes_;             // all tokens, one after the other
  std::vector<uint32_t> starts_;  // token i is bytes_[starts_[i] .. starts_[i + 1])
  std::vector<Node> nodes_;
  int32_t continuation_ = -1;             // the node of "##", -1 if no token begins so
  std::array<int32_t, 5> special_ids_{};  // -1: absent
};

struct TokenBuffer {
  std::vector<int32_t> ids;
};

// Appends the ids of one word: its pieces, or one unknown id when any part has no piece.
void append_pieces(const Vocabulary& vocabulary, const Word& word, std::vector<int32_t>& ids);

// Replaces out.ids by the ids of `text`, unknown ids included, without [CLS] and [SEP]. Linear in
// the text; allocates only when out.ids must grow.
void tokenize(const Vocabulary& vocabulary, std::string_view text, TokenBuffer& out);

}  // namespace weir::text
