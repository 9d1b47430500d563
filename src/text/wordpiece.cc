#include "text/wordpiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/utf8.h"

namespace weir::text {
namespace {

constexpr std::array<std::string_view, 5> kSpecialTokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                                            "[MASK]"};
constexpr std::string_view kContinuation = "##";
constexpr size_t kMaxTokens = 1u << 20;
constexpr size_t kMaxTokenBytes = kMaxWordChars * 4 + kContinuation.size();

bool is_well_formed(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    const size_t start = position;
    if (decode_utf8(text, position) != kReplacementCharacter) continue;
    if (text.substr(start, position - start) != "\uFFFD") return false;
  }
  return true;
}

std::unexpected<Error> bad_token(size_t index, std::string_view what) {
  return fail(ErrorCode::kCorrupt, fmt::format("vocabulary line {}: {}", index + 1, what));
}

}  // namespace

// Places the trie's nodes depth first. A node's children need slots base + byte that are all free.
class Vocabulary::TrieBuilder {
 public:
  explicit TrieBuilder(Vocabulary& vocabulary) : vocabulary_(vocabulary) {
    order_.resize(static_cast<size_t>(vocabulary.size()));
    std::iota(order_.begin(), order_.end(), 0);
    std::ranges::sort(order_, {}, [&](int32_t id) { return vocabulary.token(id); });
  }

  // The id of a token that occurs twice, or -1.
  int32_t find_repeated() const {
    const auto equal = [&](int32_t a, int32_t b) {
      return vocabulary_.token(a) == vocabulary_.token(b);
    };
    const auto found = std::ranges::adjacent_find(order_, equal);
    return found == order_.end() ? -1 : *std::next(found);
  }

  std::vector<Node> build() {
    reserve_up_to(kFirstBase + 256);
    nodes_[kRoot].check = kRoot;
    std::vector<Range> open = {{kRoot, 0, order_.size(), 0}};
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      place_children(range, open);
    }
    return std::move(nodes_);
  }

 private:
  // Tokens order_[begin, end) share the path to `node`, `depth` bytes long.
  struct Range {
    int32_t node;
    size_t begin, end, depth;
  };
  static constexpr int32_t kFirstBase = 1;

  void place_children(Range range, std::vector<Range>& open) {
    size_t begin = range.begin;
    // Sorted, so only the first token of a range can end here.
    if (vocabulary_.token(order_[begin]).size() == range.depth) {
      nodes_[static_cast<size_t>(range.node)].id = order_[begin++];
    }
    if (begin == range.end) return;
    labels_.clear();
    const size_t first_child = open.size();
    while (begin < range.end) {
      const uint8_t label = label_at(begin, range.depth);
      size_t end = begin + 1;
      while (end < range.end && label_at(end, range.depth) == label)
        ++end;
      labels_.push_back(label);
      open.push_back({0, begin, end, range.depth + 1});
      begin = end;
    }
    const int32_t base = find_base();
    nodes_[static_cast<size_t>(range.node)].base = base;
    for (size_t i = 0; i < labels_.size(); ++i) {
      const int32_t child = base + labels_[i];
      nodes_[static_cast<size_t>(child)].check = range.node;
      open[first_child + i].node = child;
    }
  }

  uint8_t label_at(size_t index, size_t depth) const {
    return static_cast<uint8_t>(vocabulary_.token(order_[index])[depth]);
  }

  // Only children take the first hole. Families search from a cursor that moves on once many places
  // were tried in vain, which costs a few per cent of memory and keeps the build linear in
  // practice.
  int32_t find_base() {
    constexpr int kPatience = 32;
    int32_t& first = labels_.size() == 1 ? first_hole_ : first_room_;
    while (nodes_[static_cast<size_t>(first)].check != -1)
      reserve_up_to(++first);
    int tries = 0;
    for (int32_t base = std::max(kFirstBase, first - labels_.front());; ++base) {
      reserve_up_to(base + 256);
      const auto is_free = [&](uint8_t label) {
        return nodes_[static_cast<size_t>(base + label)].check == -1;
      };
      if (!std::ranges::all_of(labels_, is_free)) {
        ++tries;
        continue;
      }
      if (tries > kPatience) first = base + labels_.front();
      return base;
    }
  }

  // Every base + byte of a lookup must lie inside the array.
  void reserve_up_to(int32_t slot) {
    if (static_cast<size_t>(slot) >= nodes_.size()) nodes_.resize(static_cast<size_t>(slot) + 1);
  }

  const Vocabulary& vocabulary_;
  std::vector<int32_t> order_;
  std::vector<Node> nodes_;
  std::vector<uint8_t> labels_;
  int32_t first_hole_ = 1;
  int32_t first_room_ = 1;
};

std::expected<Vocabulary, Error> Vocabulary::from_tokens(std::span<const std::string_view> tokens) {
  if (tokens.size() > kMaxTokens) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("vocabulary of {} tokens, at most {} are supported", tokens.size(),
                            kMaxTokens));
  }
  Vocabulary vocabulary;
  vocabulary.starts_.assign(1, 0);
  for (size_t index = 0; index < tokens.size(); ++index) {
    const std::string_view token = tokens[index];
    if (token.empty()) return bad_token(index, "empty token");
    if (token.size() > kMaxTokenBytes) return bad_token(index, "token too long");
    if (!is_well_formed(token)) return bad_token(index, "token is not UTF-8");
    vocabulary.bytes_ += token;
    vocabulary.starts_.push_back(static_cast<uint32_t>(vocabulary.bytes_.size()));
  }
  if (tokens.empty()) return fail(ErrorCode::kCorrupt, "vocabulary is empty");
  TrieBuilder builder(vocabulary);
  if (const int32_t id = builder.find_repeated(); id >= 0) {
    return bad_token(static_cast<size_t>(id),
                     fmt::format("token '{}' occurs twice", vocabulary.token(id)));
  }
  vocabulary.nodes_ = builder.build();
  for (size_t i = 0; i < kSpecialTokens.size(); ++i) {
    vocabulary.special_ids_[i] = vocabulary.find(kSpecialTokens[i]).value_or(-1);
  }
  if (vocabulary.unk_id() < 0) return fail(ErrorCode::kCorrupt, "vocabulary has no [UNK] token");
  int32_t node = kRoot;
  for (const char byte : kContinuation)
    node = node < 0 ? node : vocabulary.step(node, byte);
  vocabulary.continuation_ = node;
  return vocabulary;
}

std::expected<Vocabulary, Error> Vocabulary::from_text(std::string_view text) {
  std::vector<std::string_view> tokens;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    tokens.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return from_tokens(tokens);
}

std::string_view Vocabulary::token(int32_t id) const {
  DCHECK(id >= 0 && id < size());
  const auto index = static_cast<size_t>(id);
  return std::string_view(bytes_).substr(starts_[index], starts_[index + 1] - starts_[index]);
}

int32_t Vocabulary::step(int32_t node, char byte) const {
  const int32_t child = nodes_[static_cast<size_t>(node)].base + static_cast<uint8_t>(byte);
  return nodes_[static_cast<size_t>(child)].check == node ? child : -1;
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  int32_t node = kRoot;
  for (const char byte : token) {
    node = step(node, byte);
    if (node < 0) return std::nullopt;
  }
  const int32_t id = nodes_[static_cast<size_t>(node)].id;
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Vocabulary::is_special(int32_t id) const {
  return id >= 0 && std::ranges::find(special_ids_, id) != special_ids_.end();
}

Vocabulary::Match Vocabulary::longest_prefix(std::string_view rest, Place place) const {
  Match match;
  int32_t node = place == Place::kWordStart ? kRoot : continuation_;
  for (size_t i = 0; i < rest.size() && node >= 0; ++i) {
    node = step(node, rest[i]);
    if (node < 0) break;
    const int32_t id = nodes_[static_cast<size_t>(node)].id;
    if (id >= 0) match = {id, i + 1};
  }
  return match;
}

Vocabulary::Match Vocabulary::special_prefix(std::string_view rest) const {
  for (size_t i = 0; i < kSpecialTokens.size(); ++i) {
    if (special_ids_[i] >= 0 && rest.starts_with(kSpecialTokens[i])) {
      return {special_ids_[i], kSpecialTokens[i].size()};
    }
  }
  return {};
}

void append_pieces(const Vocabulary& vocabulary, const Word& word, std::vector<int32_t>& ids) {
  const size_t first = ids.size();
  std::string_view rest = word.bytes();
  auto place = Vocabulary::Place::kWordStart;
  bool known = !word.overlong();
  while (known && !rest.empty()) {
    const Vocabulary::Match match = vocabulary.longest_prefix(rest, place);
    known = match.bytes != 0;
    ids.push_back(match.id);
    rest.remove_prefix(match.bytes);
    place = Vocabulary::Place::kInsideWord;
  }
  if (known) return;
  ids.resize(first);
  ids.push_back(vocabulary.unk_id());
}

namespace {

class TokenSink {
 public:
  TokenSink(const Vocabulary& vocabulary, std::vector<int32_t>& ids)
      : vocabulary_(vocabulary), ids_(ids) {}

  size_t special(std::string_view rest) {
    const Vocabulary::Match match = vocabulary_.special_prefix(rest);
    if (match.bytes != 0) ids_.push_back(match.id);
    return match.bytes;
  }
  void word(const Word& word) { append_pieces(vocabulary_, word, ids_); }

 private:
  const Vocabulary& vocabulary_;
  std::vector<int32_t>& ids_;
};

}  // namespace

void tokenize(const Vocabulary& vocabulary, std::string_view text, TokenBuffer& out) {
  out.ids.clear();
  TokenSink sink(vocabulary, out.ids);
  WordScanner<TokenSink>(sink).scan(text);
}

}  // namespace weir::text
