// Any bytes through tokenizer, features and own words, checked against what must always hold:
// ASCII by either path gives the same words, ids are in range, windows agree with the tokenizer,
// stripping only removes.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/features.h"
#include "text/own_words.h"
#include "text/wordpiece.h"

namespace {

using namespace weir::text;

const Vocabulary& vocabulary() {
  static const Vocabulary kVocabulary = *Vocabulary::from_text(
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n[\n]\na\n##a\nb\n##b\nab\n##ab\n##aba\nthe\n##"
      "e\nss\n1\n##1\n"
      "?\n=\n\u4E2D\n\u1112\n##\u1161\n##\u11AB\n\u0438\n##\u302E\n");
  return kVocabulary;
}

struct WordList {
  size_t special(std::string_view rest) { return vocabulary().special_prefix(rest).bytes; }
  void word(const Word& word) {
    CHECK(!word.bytes().empty());
    bytes += word.bytes();
    bytes += static_cast<char>('0' + static_cast<int>(word.kind()) + (word.overlong() ? 4 : 0));
  }
  std::string bytes;
};

void check_features(std::string_view text) {
  static Features features;
  static TokenBuffer tokens;
  featurize(vocabulary(), text, features);
  tokenize(vocabulary(), text, tokens);
  CHECK(features.prompt.chars == weir::count_utf8(text));
  if (features.prompt.chars <= kHeadChars + kTailChars) CHECK(features.token_ids == tokens.ids);
  for (const int32_t id : tokens.ids)
    CHECK(id >= 0 && id < vocabulary().size());
  for (const Ngram& ngram : features.ngrams)
    CHECK(ngram.bucket < kNgramBuckets && ngram.count > 0);
  std::array<float, PromptFeatures::kDenseCount> dense;
  features.prompt.dense(dense);
  for (const float value : dense)
    CHECK(std::isfinite(value));
}

void check_words(std::string_view text) {
  const size_t half = text.size() / 2;
  const std::string_view parts[] = {text.substr(0, half), text.substr(half)};
  CHECK(own_words(parts).size() <= text.size() + 1);
  static const QueryExtractor kMarker =
      *QueryExtractor::make({QueryFrom::Kind::kAfterMarker, "Q:"});
  static const QueryExtractor kRegex = *QueryExtractor::make({QueryFrom::Kind::kRegex, "Q:(.*)"});
  CHECK(extract_query(kMarker, parts, {}).size() <= text.size());
  CHECK(extract_query(kRegex, parts, {}).size() <= text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_features(text);
  check_words(text);
  WordList fast, general;
  WordScanner<WordList, true>(fast).scan(text);
  WordScanner<WordList, false>(general).scan(text);
  CHECK(fast.bytes == general.bytes);
  // The same bytes as a vocabulary: refused with an error or usable.
  if (const auto own = Vocabulary::from_text(text)) {
    static TokenBuffer tokens;
    tokenize(*own, text, tokens);
    for (int32_t id = 0; id < own->size(); ++id)
      CHECK(own->find(own->token(id)) == id);
  }
  return 0;
}
