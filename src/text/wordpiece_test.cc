#include "text/wordpiece.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "base/utf8.h"
#include "text/testdata/goldens.h"

namespace weir::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Vocabulary make_vocabulary(std::vector<std::string_view> tokens) {
  auto vocabulary = Vocabulary::from_tokens(tokens);
  EXPECT_TRUE(vocabulary.has_value()) << vocabulary.error().message;
  return std::move(*vocabulary);
}

std::vector<std::string> pieces(const Vocabulary& vocabulary, std::string_view text) {
  TokenBuffer buffer;
  tokenize(vocabulary, text, buffer);
  std::vector<std::string> out;
  for (const int32_t id : buffer.ids)
    out.emplace_back(vocabulary.token(id));
  return out;
}

std::vector<std::string> bert(std::string_view text) {
  return pieces(goldens().vocabulary, text);
}

// The words of a text, by the fast or the general way of reading ASCII.
template <bool kAsciiFastPath>
std::vector<std::string> words(std::string_view text) {
  struct Sink {
    size_t special(std::string_view rest) {
      const size_t bytes = goldens().vocabulary.special_prefix(rest).bytes;
      if (bytes != 0) out.push_back("special");
      return bytes;
    }
    void word(const Word& word) {
      out.push_back(fmt::format("{}{}{}", word.bytes(), static_cast<int>(word.kind()),
                                word.overlong() ? "!" : ""));
    }
    std::vector<std::string> out;
  } sink;
  WordScanner<Sink, kAsciiFastPath>(sink).scan(text);
  return sink.out;
}

TEST(Tokenize, EqualsTokenizersOnAllGoldens) {
  ASSERT_GE(goldens().rows.size(), 10'000u);
  TokenBuffer buffer;
  size_t different = 0;
  for (const Golden& row : goldens().rows) {
    tokenize(goldens().vocabulary, row.text, buffer);
    if (buffer.ids == row.ids) continue;
    if (++different > 5) continue;
    ADD_FAILURE() << fmt::format("text {}\nexpected {}\ngot      {}", json::quoted(row.text),
                                 row.ids, buffer.ids);
  }
  EXPECT_EQ(different, 0u);
}

TEST(Tokenize, TakesTheLongestPieceFirst) {
  EXPECT_THAT(bert("unaffable"), ElementsAre("una", "##ffa", "##ble"));
  const Vocabulary classic = make_vocabulary({"[UNK]", "un", "##aff", "##able", "ba", "##na"});
  EXPECT_THAT(pieces(classic, "unaffable"), ElementsAre("un", "##aff", "##able"));
  EXPECT_THAT(pieces(classic, "banana"), ElementsAre("ba", "##na", "##na"));
  EXPECT_THAT(pieces(classic, "nanana"), ElementsAre("[UNK]"));
  EXPECT_THAT(pieces(classic, "unaffablex un"), ElementsAre("[UNK]", "un"));
}

TEST(Tokenize, NormalisesEachCharacterAlone) {
  EXPECT_THAT(bert("Hello!?"), ElementsAre("hello", "!", "?"));
  EXPECT_THAT(bert(""), IsEmpty());
  EXPECT_THAT(bert("\u00E9"), ElementsAre("e"));
  EXPECT_EQ(bert("\u1E9E"), bert("\u00DF"));
  EXPECT_EQ(bert("\u0130"), bert("i"));
  EXPECT_EQ(words<true>("\u03A3\u0391\u03A3"), words<true>("\u03C3\u03B1\u03C3"));
  EXPECT_NE(words<true>("\u03C3\u03B1\u03C2"), words<true>("\u03C3\u03B1\u03C3"));
}

TEST(Tokenize, DropsControlsBeforeMappingSpace) {
  EXPECT_THAT(bert("do\u0085g"), ElementsAre("dog"));
  EXPECT_THAT(bert("do\x0Bg do\x0Cg"), ElementsAre("dog", "dog"));
  EXPECT_THAT(bert("do\u00ADg\u200Bs"), ElementsAre("dogs"));
  EXPECT_THAT(bert("dog\u3000dog\u00A0dog"), ElementsAre("dog", "dog", "dog"));
}

TEST(Tokenize, ReadsIllFormedBytesAsNothing) {
  EXPECT_THAT(bert("do\xFFg"), ElementsAre("dog"));
  EXPECT_THAT(bert("do\xED\xA0\x80g"), ElementsAre("dog"));
  EXPECT_THAT(bert("dog\xE2\x82"), ElementsAre("dog"));
  EXPECT_THAT(bert("\xF0\x9F"), IsEmpty());
}

TEST(Tokenize, MatchesSpecialTokensOnTheRawText) {
  EXPECT_THAT(bert("x[UNK]a"), ElementsAre("x", "[UNK]", "a"));
  EXPECT_THAT(bert("[cls]"), ElementsAre("[", "cl", "##s", "]"));
  EXPECT_THAT(bert("[[PAD]"), ElementsAre("[", "[PAD]"));
  EXPECT_THAT(bert("[CL\u200BS]"), ElementsAre("[", "cl", "##s", "]"));
  const Vocabulary without = make_vocabulary({"[UNK]", "[", "]", "mask"});
  EXPECT_THAT(pieces(without, "[MASK]"), ElementsAre("[", "mask", "]"));
}

TEST(Tokenize, CountsCharactersOfAWordNotBytes) {
  const Vocabulary letters = make_vocabulary({"[UNK]", "a", "##a", "\u044F", "##\u044F"});
  for (const std::string letter : {"a", "\u044F"}) {
    std::string word;
    for (int i = 0; i < 100; ++i)
      word += letter;
    EXPECT_EQ(pieces(letters, word).size(), 100u);
    EXPECT_THAT(pieces(letters, word + letter), ElementsAre("[UNK]"));
  }
}

TEST(Tokenize, OrdersCombiningMarksCanonically) {
  // U+302E has class 224, U+1B44 class 9; U+0301 (dropped, class 230) does not part them, but
  // U+034F (dropped, class 0) does.
  EXPECT_EQ(words<true>("o\u302E\u1B44"), words<true>("o\u1B44\u302E"));
  EXPECT_EQ(words<true>("o\u302E\u0301\u1B44"), words<true>("o\u1B44\u302E"));
  EXPECT_NE(words<true>("o\u302E\u034F\u1B44"), words<true>("o\u1B44\u302E"));
}

TEST(Scan, FastPathForAsciiChangesNothing) {
  for (const Golden& row : goldens().rows) {
    ASSERT_EQ(words<true>(row.text), words<false>(row.text)) << json::quoted(row.text);
  }
  Random random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (uint64_t i = random.below(40); i > 0; --i) {
      const uint64_t kind = random.below(8);
      if (kind == 0) {
        append_utf8(static_cast<char32_t>(random.below(0x3000)), text);
      } else if (kind == 1) {
        text += "[SEP]";
      } else {
        text += static_cast<char>(random.below(kind == 2 ? 256 : 128));
      }
    }
    ASSERT_EQ(words<true>(text), words<false>(text)) << json::quoted(text);
  }
}

TEST(Vocabulary, FindsExactlyItsTokens) {
  const Vocabulary& vocabulary = goldens().vocabulary;
  ASSERT_EQ(vocabulary.size(), 30'522);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.token(id);
    ASSERT_EQ(vocabulary.find(token), id) << token;
    ASSERT_EQ(vocabulary.find(std::string(token) + "\x01"), std::nullopt);
  }
  EXPECT_EQ(vocabulary.find(""), std::nullopt);
  EXPECT_EQ(vocabulary.unk_id(), 100);
  EXPECT_TRUE(vocabulary.is_special(0));
  EXPECT_FALSE(vocabulary.is_special(-1));
}

TEST(Vocabulary, LongestPrefixAgreesWithTryingEveryLength) {
  Random random(6);
  std::map<std::string, int32_t, std::less<>> ids = {{"[UNK]", 0}};
  std::vector<std::string> names = {"[UNK]"};
  const auto random_word = [&](uint64_t letters) {
    std::string word(1 + random.below(5), ' ');
    for (char& byte : word)
      byte = static_cast<char>('a' + random.below(letters));
    return word;
  };
  while (names.size() < 500) {
    const std::string name = (random.below(2) == 0 ? "##" : "") + random_word(4);
    if (ids.emplace(name, static_cast<int32_t>(names.size())).second) names.push_back(name);
  }
  const Vocabulary vocabulary = make_vocabulary({names.begin(), names.end()});
  for (int round = 0; round < 10'000; ++round) {
    const std::string word = random_word(5) + random_word(5);
    for (const auto place : {Vocabulary::Place::kWordStart, Vocabulary::Place::kInsideWord}) {
      const std::string prefix = place == Vocabulary::Place::kInsideWord ? "##" : "";
      Vocabulary::Match expected;
      for (size_t length = 1; length <= word.size(); ++length) {
        const auto found = ids.find(prefix + word.substr(0, length));
        if (found != ids.end()) expected = {found->second, length};
      }
      const Vocabulary::Match match = vocabulary.longest_prefix(word, place);
      ASSERT_EQ(match.bytes, expected.bytes) << word;
      ASSERT_EQ(match.id, expected.id) << word;
    }
  }
}

TEST(Vocabulary, ReadsLinesWithEitherEnd) {
  const auto vocabulary = Vocabulary::from_text("[UNK]\r\na\n##b");
  ASSERT_TRUE(vocabulary.has_value());
  EXPECT_EQ(vocabulary->size(), 3);
  EXPECT_THAT(pieces(*vocabulary, "ab"), ElementsAre("a", "##b"));
}

TEST(Vocabulary, RefusesBrokenTextsNamingTheLine) {
  const std::pair<std::string, std::string> kCases[] = {
      {"", "empty"},
      {"a\nb\n", "no [UNK]"},
      {"[UNK]\n\nb\n", "line 2: empty"},
      {"[UNK]\na\nb\na\n", "line 4: token 'a' occurs twice"},
      {"[UNK]\n\xFF\n", "line 2: token is not UTF-8"},
      {"[UNK]\n\xF0\x90\x80\n", "line 2: token is not UTF-8"},
      {"[UNK]\n" + std::string(500, 'a'), "line 2: token too long"},
  };
  for (const auto& [text, message] : kCases) {
    const auto vocabulary = Vocabulary::from_text(text);
    ASSERT_FALSE(vocabulary.has_value()) << text;
    EXPECT_EQ(vocabulary.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(vocabulary.error().message, HasSubstr(message));
  }
  EXPECT_TRUE(Vocabulary::from_text("[UNK]\n\uFFFD\n").has_value());
}

}  // namespace
}  // namespace weir::text
