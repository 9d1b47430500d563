#include "text/features.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/utf8.h"
#include "text/word_scanner.h"

namespace weir::text {
namespace {

bool is_ascii_block(const char* bytes) {
  uint64_t block;
  std::memcpy(&block, bytes, sizeof block);
  return (block & 0x8080808080808080u) == 0;
}

// Moves `position` past characters until it reaches `end_byte` or has passed `max_chars`; gives the
// number of characters passed.
uint64_t skip_chars(std::string_view text, size_t& position, size_t end_byte, uint64_t max_chars) {
  uint64_t chars = 0;
  while (position < end_byte && chars < max_chars) {
    if (position + 8 <= end_byte && chars + 8 <= max_chars &&
        is_ascii_block(text.data() + position)) {
      position += 8, chars += 8;
    } else {
      decode_utf8(text, position);
      ++chars;
    }
  }
  return chars;
}

struct Windows {
  std::string_view head;
  std::string_view tail;  // empty when head is the whole text
  uint64_t chars = 0;     // of the whole text
};

Windows cut_windows(std::string_view text) {
  // The tail's characters are at most 4 bytes each, so it begins after this byte; one more
  // character's worth because the walk stops only between characters.
  constexpr size_t kTailBytes = (kTailChars + 1) * 4;
  size_t position = 0;
  const uint64_t head_chars = skip_chars(text, position, text.size(), kHeadChars);
  const size_t head_end = position;
  const size_t tail_bound = text.size() > kTailBytes ? text.size() - kTailBytes : 0;
  const uint64_t before_mark =
      head_chars + skip_chars(text, position, tail_bound, std::string_view::npos);
  const size_t mark = position;
  const uint64_t chars =
      before_mark + skip_chars(text, position, text.size(), std::string_view::npos);
  if (chars <= kHeadChars + kTailChars) return {text, {}, chars};
  position = mark;
  skip_chars(text, position, text.size(), chars - kTailChars - before_mark);
  return {text.substr(0, head_end), text.substr(position), chars};
}

enum class Block : uint8_t {
  kNone,
  kLatin,
  kCyrillic,
  kHan,
  kKanaHangul,
  kArabic,
  kOther,
  kMaths,
};
constexpr size_t kBlockCount = 8;

// A range reaches from the one before it to `last`. After the block names of Unicode 15.
struct BlockRange {
  char32_t last;
  Block block;
};
constexpr BlockRange kBlockRanges[] = {
    {0x00A9, Block::kNone},        {0x00AA, Block::kLatin},      {0x00B0, Block::kNone},
    {0x00B1, Block::kMaths},       {0x00B9, Block::kNone},       {0x00BA, Block::kLatin},
    {0x00BF, Block::kNone},        {0x00D6, Block::kLatin},      {0x00D7, Block::kMaths},
    {0x00F6, Block::kLatin},       {0x00F7, Block::kMaths},      {0x02AF, Block::kLatin},
    {0x036F, Block::kNone},        {0x03FF, Block::kOther},      {0x052F, Block::kCyrillic},
    {0x05FF, Block::kOther},       {0x06FF, Block::kArabic},     {0x074F, Block::kOther},
    {0x077F, Block::kArabic},      {0x086F, Block::kOther},      {0x08FF, Block::kArabic},
    {0x10FF, Block::kOther},       {0x11FF, Block::kKanaHangul}, {0x1C7F, Block::kOther},
    {0x1C8F, Block::kCyrillic},    {0x1DFF, Block::kOther},      {0x1EFF, Block::kLatin},
    {0x1FFF, Block::kOther},       {0x206F, Block::kNone},       {0x209F, Block::kMaths},
    {0x21FF, Block::kNone},        {0x22FF, Block::kMaths},      {0x27BF, Block::kNone},
    {0x27EF, Block::kMaths},       {0x297F, Block::kNone},       {0x2AFF, Block::kMaths},
    {0x2BFF, Block::kNone},        {0x2C5F, Block::kOther},      {0x2C7F, Block::kLatin},
    {0x2DDF, Block::kOther},       {0x2DFF, Block::kCyrillic},   {0x2E7F, Block::kNone},
    {0x2FDF, Block::kHan},         {0x3004, Block::kNone},       {0x3007, Block::kHan},
    {0x303F, Block::kNone},        {0x30FF, Block::kKanaHangul}, {0x312F, Block::kOther},
    {0x318F, Block::kKanaHangul},  {0x31EF, Block::kNone},       {0x31FF, Block::kKanaHangul},
    {0x33FF, Block::kNone},        {0x4DBF, Block::kHan},        {0x4DFF, Block::kNone},
    {0x9FFF, Block::kHan},         {0xA63F, Block::kOther},      {0xA69F, Block::kCyrillic},
    {0xA71F, Block::kOther},       {0xA7FF, Block::kLatin},      {0xA95F, Block::kOther},
    {0xA97F, Block::kKanaHangul},  {0xAB2F, Block::kOther},      {0xAB6F, Block::kLatin},
    {0xABFF, Block::kOther},       {0xD7FF, Block::kKanaHangul}, {0xF8FF, Block::kNone},
    {0xFAFF, Block::kHan},         {0xFB06, Block::kLatin},      {0xFB4F, Block::kOther},
    {0xFDFF, Block::kArabic},      {0xFE6F, Block::kNone},       {0xFEFF, Block::kArabic},
    {0xFF20, Block::kNone},        {0xFF5A, Block::kLatin},      {0xFF65, Block::kNone},
    {0xFFDC, Block::kKanaHangul},  {0xFFFF, Block::kNone},       {0x1AFEF, Block::kOther},
    {0x1B16F, Block::kKanaHangul}, {0x1CFFF, Block::kOther},     {0x1D3FF, Block::kNone},
    {0x1D7FF, Block::kMaths},      {0x1EDFF, Block::kOther},     {0x1EEFF, Block::kArabic},
    {0x1FFFF, Block::kNone},       {0x3FFFF, Block::kHan},       {0x10FFFF, Block::kNone},
};

// Text stays within one range for long stretches, so the last range is tried first.
class BlockFinder {
 public:
  Block find(char32_t character) {
    if (character > last_ || character < first_) {
      const auto* range = std::ranges::lower_bound(kBlockRanges, character, {}, &BlockRange::last);
      first_ = range == std::begin(kBlockRanges) ? 0 : std::prev(range)->last + 1;
      last_ = range->last;
      block_ = range->block;
    }
    return block_;
  }

 private:
  char32_t first_ = 1;
  char32_t last_ = 0;
  Block block_ = Block::kNone;
};

bool is_digit(uint8_t byte) {
  return byte >= '0' && byte <= '9';
}

// Counts characters of the raw text; several windows may be added.
class CharCounter {
 public:
  void add(std::string_view window) {
    bool in_number = false;
    for (size_t position = 0; position < window.size();) {
      const auto byte = static_cast<uint8_t>(window[position]);
      if (byte < 0x80) {
        ++position;
        ++ascii_[byte];
        numbers_ += static_cast<uint32_t>(is_digit(byte) && !in_number);
        in_number = is_digit(byte);
      } else {
        add_wide(decode_utf8(window, position));
        in_number = false;
      }
    }
    for (size_t at = window.find(kFence); at != std::string_view::npos;
         at = window.find(kFence, at + kFence.size())) {
      ++fences_;
    }
  }

  void write(PromptFeatures& out) const {
    out.newlines = ascii_['\n'];
    for (uint8_t byte = '0'; byte <= '9'; ++byte)
      out.digits += ascii_[byte];
    for (uint8_t byte = 'A'; byte <= 'Z'; ++byte)
      out.uppercase += ascii_[byte];
    for (uint8_t byte = 'a'; byte <= 'z'; ++byte)
      out.latin += ascii_[byte];
    out.latin += out.uppercase + blocks_[static_cast<size_t>(Block::kLatin)];
    out.punctuation = sum("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    out.code_symbols = sum("{}[]<>;=_`#\\|&~@");
    out.maths_symbols = sum("+-*/=<>^%") + blocks_[static_cast<size_t>(Block::kMaths)];
    out.questions = sum("?") + wide_questions_;
    out.numbers = numbers_;
    out.code_fences = fences_;
    out.non_ascii = non_ascii_;
    out.cyrillic = blocks_[static_cast<size_t>(Block::kCyrillic)];
    out.han = blocks_[static_cast<size_t>(Block::kHan)];
    out.kana_hangul = blocks_[static_cast<size_t>(Block::kKanaHangul)];
    out.arabic = blocks_[static_cast<size_t>(Block::kArabic)];
    out.other_script = blocks_[static_cast<size_t>(Block::kOther)];
    out.window_chars = non_ascii_;
    for (const uint32_t count : ascii_)
      out.window_chars += count;
  }

 private:
  static constexpr std::string_view kFence = "```";

  void add_wide(char32_t character) {
    ++non_ascii_;
    ++blocks_[static_cast<size_t>(finder_.find(character))];
    wide_questions_ +=
        static_cast<uint32_t>(character == 0xFF1F || character == 0x061F || character == 0x037E);
  }

  uint32_t sum(std::string_view bytes) const {
    uint32_t total = 0;
    for (const char byte : bytes)
      total += ascii_[static_cast<uint8_t>(byte)];
    return total;
  }

  std::array<uint32_t, 128> ascii_{};
  std::array<uint32_t, kBlockCount> blocks_{};
  BlockFinder finder_;
  uint32_t numbers_ = 0;
  uint32_t fences_ = 0;
  uint32_t non_ascii_ = 0;
  uint32_t wide_questions_ = 0;
};

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio, odd

uint64_t mix(uint64_t value) {
  value *= kMultiplier;
  return value ^ (value >> 32);
}

uint64_t hash_word(std::string_view bytes) {
  static_assert(std::endian::native == std::endian::little, "the hash reads words of memory");
  uint64_t hash = bytes.size();
  for (; bytes.size() > 8; bytes.remove_prefix(8)) {
    uint64_t block;
    std::memcpy(&block, bytes.data(), 8);
    hash = mix(hash ^ block);
  }
  uint64_t block = 0;
  std::memcpy(&block, bytes.data(), bytes.size());
  return mix(mix(hash ^ block));
}

uint32_t bucket_of(uint64_t hash) {
  return static_cast<uint32_t>(mix(hash) >> (64 - kNgramBits));
}

}  // namespace

// Counts buckets in a small open-addressed table, so that no sort is needed.
class BucketCounter {
 public:
  BucketCounter(std::vector<Ngram>& ngrams, std::vector<uint32_t>& slots, size_t most_ngrams)
      : ngrams_(ngrams), slots_(slots) {
    ngrams_.clear();
    slots_.assign(std::bit_ceil(most_ngrams * 3 / 2 + 1), 0);
    mask_ = slots_.size() - 1;
  }

  void add(uint32_t bucket) {
    for (size_t slot = bucket & mask_;; slot = (slot + 1) & mask_) {
      uint32_t& index = slots_[slot];
      if (index == 0) {
        ngrams_.push_back({bucket, 1});
        index = static_cast<uint32_t>(ngrams_.size());
        return;
      }
      if (ngrams_[index - 1].bucket == bucket) return void(++ngrams_[index - 1].count);
    }
  }

 private:
  std::vector<Ngram>& ngrams_;
  std::vector<uint32_t>& slots_;
  size_t mask_;
};

class NgramCounter {
 public:
  // Every word has at least one character; a word of n characters counts itself, a pair, and up to
  // n 3-grams and n - 1 4-grams.
  NgramCounter(Features& out, Ngrams which, size_t chars)
      : which_(which),
        words_(out.ngrams, out.slots_, which == Ngrams::kNone ? 0 : 2 * chars),
        chars_(out.char_ngrams, out.char_slots_, which == Ngrams::kWordsAndChars ? 2 * chars : 0) {}

  void begin_window() { previous_ = 0; }

  void add(const Word& word) {
    if (which_ == Ngrams::kNone) return;
    const uint64_t hash = hash_word(word.bytes());
    words_.add(bucket_of(hash));
    if (previous_ != 0) words_.add(bucket_of(std::rotl(previous_, 23) + hash));
    previous_ = hash;
    if (which_ == Ngrams::kWordsAndChars && word.kind() == WordKind::kWord) add_chars(word.bytes());
  }

 private:
  static constexpr size_t kLeastChars = 3;  // shorter words are their own n-grams
  static constexpr uint64_t kCharDomain = 0x6368617273000000u;

  void add_chars(std::string_view word) {
    std::array<char, 4 * Word::kMaxChars + 2> padded;
    std::array<uint16_t, Word::kMaxChars + 3> starts;  // of the characters, and the end
    padded[0] = ' ';
    std::ranges::copy(word, padded.begin() + 1);
    padded[word.size() + 1] = ' ';
    const size_t bytes = word.size() + 2;
    size_t chars = 0;
    for (size_t at = 0; at < bytes; ++at)
      if ((static_cast<uint8_t>(padded[at]) & 0xC0u) != 0x80u)
        starts[chars++] = static_cast<uint16_t>(at);
    if (chars < kLeastChars + 2) return;
    starts[chars] = static_cast<uint16_t>(bytes);
    for (const size_t length : {size_t{3}, size_t{4}}) {
      for (size_t i = 0; i + length <= chars; ++i) {
        const std::string_view gram(&padded[starts[i]], size_t{starts[i + length]} - starts[i]);
        chars_.add(bucket_of(hash_word(gram) ^ kCharDomain));
      }
    }
  }

  Ngrams which_;
  BucketCounter words_, chars_;
  uint64_t previous_ = 0;
};

namespace {

class FeatureSink {
 public:
  FeatureSink(const Vocabulary& vocabulary, Features& out, NgramCounter& ngrams)
      : vocabulary_(vocabulary), out_(out), ngrams_(ngrams) {}

  size_t special(std::string_view rest) {
    const Vocabulary::Match match = vocabulary_.special_prefix(rest);
    if (match.bytes != 0) out_.token_ids.push_back(match.id);
    return match.bytes;
  }

  void word(const Word& word) {
    append_pieces(vocabulary_, word, out_.token_ids);
    ngrams_.add(word);
    out_.prompt.words += static_cast<uint32_t>(word.kind() != WordKind::kPunctuation);
  }

 private:
  const Vocabulary& vocabulary_;
  Features& out_;
  NgramCounter& ngrams_;
};

}  // namespace

void featurize(const Vocabulary& vocabulary, std::string_view text, Features& out, Ngrams which) {
  const Windows windows = cut_windows(text);
  out.prompt = {};
  CharCounter counter;
  counter.add(windows.head);
  counter.add(windows.tail);
  counter.write(out.prompt);
  out.prompt.chars = windows.chars;
  out.token_ids.clear();
  NgramCounter ngrams(out, which, out.prompt.window_chars);
  FeatureSink sink(vocabulary, out, ngrams);
  for (const std::string_view window : {windows.head, windows.tail}) {
    ngrams.begin_window();
    WordScanner<FeatureSink>(sink).scan(window);
  }
  const auto is_known = [&](int32_t id) { return !vocabulary.is_special(id); };
  out.known_tokens = static_cast<uint32_t>(std::ranges::count_if(out.token_ids, is_known));
}

const std::array<std::string_view, PromptFeatures::kDenseCount>& PromptFeatures::dense_names() {
  static constexpr std::array<std::string_view, kDenseCount> kNames = {
      "log_chars",         "log_words",         "log_newlines",      "log_questions",
      "log_numbers",       "log_code_fences",   "words_share",       "digits_share",
      "uppercase_share",   "punctuation_share", "code_share",        "maths_share",
      "non_ascii_share",   "latin_share",       "cyrillic_share",    "han_share",
      "kana_hangul_share", "arabic_share",      "other_script_share"};
  return kNames;
}

void PromptFeatures::dense(std::span<float> out) const {
  CHECK(out.size() == kDenseCount);
  size_t next = 0;
  const auto put = [&](double value) { out[next++] = static_cast<float>(value); };
  for (const uint64_t count : {chars, uint64_t{words}, uint64_t{newlines}, uint64_t{questions},
                               uint64_t{numbers}, uint64_t{code_fences}}) {
    put(std::log1p(static_cast<double>(count)));
  }
  const double per_char = window_chars == 0 ? 0 : 1.0 / window_chars;
  for (const uint32_t count :
       {words, digits, uppercase, punctuation, code_symbols, maths_symbols, non_ascii}) {
    put(count * per_char);
  }
  const uint32_t letters = latin + cyrillic + han + kana_hangul + arabic + other_script;
  const double per_letter = letters == 0 ? 0 : 1.0 / letters;
  for (const uint32_t count : {latin, cyrillic, han, kana_hangul, arabic, other_script}) {
    put(count * per_letter);
  }
}

}  // namespace weir::text
