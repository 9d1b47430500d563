#include "text/features.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <new>
#include <numeric>

#include "base/digest.h"
#include "base/random.h"
#include "base/utf8.h"
#include "text/testdata/goldens.h"

namespace {

size_t allocation_count = 0;

}  // namespace

// Every allocation of this test program is counted.
void* operator new(size_t size) {
  ++allocation_count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace weir::text {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

const Vocabulary& bert() {
  return goldens().vocabulary;
}

Features features(std::string_view text) {
  Features out;
  featurize(bert(), text, out);
  return out;
}

std::vector<uint32_t> counts(std::string_view text) {
  std::vector<uint32_t> out;
  for (const Ngram& ngram : features(text).ngrams)
    out.push_back(ngram.count);
  return out;
}

std::vector<uint32_t> buckets(std::string_view text) {
  std::vector<uint32_t> out;
  for (const Ngram& ngram : features(text).ngrams)
    out.push_back(ngram.bucket);
  return out;
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  for (size_t position = 0; position < text.size();)
    out += decode_utf8(text, position);
  return out;
}

std::string encode(std::u32string_view text) {
  std::string out;
  for (const char32_t character : text)
    append_utf8(character, out);
  return out;
}

std::string random_text(Random& random, uint64_t max_pieces) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "word ",
                                                   "\xC3\xA9",
                                                   "\xE4\xB8\xAD",
                                                   "\xF0\x9F\x98\x80",
                                                   "\xFF",
                                                   "\xE2\x82",
                                                   "\xF0\x9F",
                                                   "\xED\xA0\x80",
                                                   " ",
                                                   "\n",
                                                   "7",
                                                   "abcdefgh",
                                                   "="};
  std::string text;
  for (uint64_t i = random.below(max_pieces); i > 0; --i)
    text += kPieces[random.below(kPieces.size())];
  return text;
}

TEST(Featurize, TokensAreThoseOfTheTokenizer) {
  Features out;
  size_t compared = 0;
  for (const Golden& row : goldens().rows) {
    if (count_utf8(row.text) > kHeadChars + kTailChars) continue;
    featurize(bert(), row.text, out);
    ASSERT_EQ(out.token_ids, row.ids) << json::quoted(row.text);
    ++compared;
  }
  EXPECT_GT(compared, 10'000u);
}

TEST(Featurize, ReadsHeadAndTailOfALongText) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const std::string text = random_text(random, round < 30 ? 12'000 : 4'500);
    const std::u32string characters = decode(text);
    const Features whole = features(text);
    ASSERT_EQ(whole.prompt.chars, characters.size());
    if (characters.size() <= kHeadChars + kTailChars) {
      ASSERT_EQ(whole.prompt.window_chars, characters.size());
      continue;
    }
    ASSERT_EQ(whole.prompt.window_chars, kHeadChars + kTailChars);
    const Features head = features(encode(std::u32string_view(characters).substr(0, kHeadChars)));
    const Features tail =
        features(encode(std::u32string_view(characters).substr(characters.size() - kTailChars)));
    std::vector<int32_t> ids = head.token_ids;
    ids.insert(ids.end(), tail.token_ids.begin(), tail.token_ids.end());
    ASSERT_EQ(whole.token_ids, ids);
    std::map<uint32_t, uint32_t> expected, got;
    for (const Features* part : {&head, &tail}) {
      for (const Ngram& ngram : part->ngrams)
        expected[ngram.bucket] += ngram.count;
    }
    for (const Ngram& ngram : whole.ngrams)
      got[ngram.bucket] += ngram.count;
    ASSERT_EQ(got, expected);
  }
}

TEST(Featurize, CutsExactlyAboveBothWindows) {
  const std::string edge(kHeadChars + kTailChars, 'a');
  EXPECT_EQ(features(edge).token_ids.size(), 1u);        // one word, too long to know
  EXPECT_EQ(features(edge + "a").token_ids.size(), 2u);  // a word in each window
  EXPECT_EQ(features(edge + "a").prompt.chars, edge.size() + 1);
}

TEST(Featurize, CountsWordsAndPairs) {
  EXPECT_THAT(counts("a b a b"), UnorderedElementsAre(2u, 2u, 2u, 1u));  // a, b, "a b", "b a"
  EXPECT_THAT(counts("one"), ElementsAre(1u));
  EXPECT_THAT(counts("?!?"), ElementsAre(2u, 1u, 1u, 1u));  // ?, !, "? !", "! ?"
  EXPECT_EQ(buckets("Caf\u00E9 au lait"), buckets("cafe\tAU\u200B lait"));
  EXPECT_NE(buckets("x=1"), buckets("x 1"));
  EXPECT_NE(buckets("b a"), buckets("a b"));
  EXPECT_NE(buckets("ab"), buckets("a b"));
  EXPECT_THAT(counts("\u4E2D\u6587"), ElementsAre(1u, 1u, 1u));
  for (const uint32_t bucket : buckets("the quick brown fox"))
    EXPECT_LT(bucket, kNgramBuckets);
}

TEST(Featurize, BucketsAreSpreadEvenly) {
  std::vector<uint32_t> load(64);
  for (int i = 0; i < 64'000; ++i) {
    ++load[features(fmt::format("w{}", i)).ngrams.front().bucket >> (kNgramBits - 6)];
  }
  double chi_square = 0;  // 63 degrees of freedom: above 110 once in 4,000 honest hashes
  for (const uint32_t count : load)
    chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 110);
}

TEST(Featurize, CountsKindsOfCharacters) {
  const PromptFeatures p = features(
                               "If x=12 and y=3.5, what's {x}^2?\n```\nf(x)\n``` "
                               "\u00BF\u041F\u0440\u4E2D\u30AB\u0645\u03B1\u2264\uFF1F")
                               .prompt;
  EXPECT_EQ(p.newlines, 3u);
  EXPECT_EQ(p.digits, 5u);
  EXPECT_EQ(p.numbers, 4u);
  EXPECT_EQ(p.uppercase, 1u);
  EXPECT_EQ(p.code_fences, 2u);
  EXPECT_EQ(p.questions, 2u);
  EXPECT_EQ(p.code_symbols, 10u);  // = = { } and two fences
  EXPECT_EQ(p.maths_symbols, 4u);  // = = ^ and the sign for "at most"
  EXPECT_EQ(p.cyrillic, 2u);
  EXPECT_EQ(p.han, 1u);
  EXPECT_EQ(p.kana_hangul, 1u);
  EXPECT_EQ(p.arabic, 1u);
  EXPECT_EQ(p.other_script, 1u);
  EXPECT_EQ(p.non_ascii, 9u);
  EXPECT_EQ(p.latin, 15u);
  EXPECT_EQ(p.punctuation, 17u);
}

TEST(Featurize, EmptyMeansNoTokenThatIsKnown) {
  for (const std::string_view text : {"", " \n", "\xFF\xFE", "\u0E2A\u0E27\u0E31\u0E2A\u0E14\u0E35",
                                      "[UNK][PAD] [MASK]", "\u200B"}) {
    EXPECT_TRUE(features(text).empty()) << json::quoted(text);
  }
  EXPECT_FALSE(features("?").empty());
  EXPECT_FALSE(features("\U0001F600 ok").empty());
}

TEST(PromptFeatures, DenseVectorIsFiniteAndBounded) {
  Random random(2);
  std::array<float, PromptFeatures::kDenseCount> dense;
  for (int round = 0; round < 2'000; ++round) {
    const std::string text = random_text(random, 60);
    const PromptFeatures p = features(text).prompt;
    p.dense(dense);
    EXPECT_FLOAT_EQ(dense[0], std::log1p(static_cast<float>(p.chars)));
    for (size_t i = 0; i < dense.size(); ++i) {
      ASSERT_TRUE(std::isfinite(dense[i])) << PromptFeatures::dense_names()[i];
      ASSERT_GE(dense[i], 0);
      ASSERT_TRUE(i < 6 || dense[i] <= 1) << PromptFeatures::dense_names()[i];
    }
    const float scripts = std::accumulate(dense.end() - 6, dense.end(), 0.0f);
    ASSERT_TRUE(scripts == 0 || std::abs(scripts - 1) < 1e-5f);
  }
  features("").prompt.dense(dense);
  EXPECT_THAT(dense, ::testing::Each(0.0f));
}

TEST(Featurize, AllocatesNothingInTheSteadyState) {
  Features out;
  TokenBuffer tokens;
  const auto allocations_of_a_round = [&] {
    const size_t before = allocation_count;
    for (const Golden& row : goldens().rows) {
      featurize(bert(), row.text, out);
      tokenize(bert(), row.text, tokens);
    }
    return allocation_count - before;
  };
  EXPECT_GT(allocations_of_a_round(), 0u);  // the buffers grow, which shows that the counter works
  EXPECT_EQ(allocations_of_a_round(), 0u);
}

// If this fails and the new output is meant, change kFeatureSpec together with the digest: models
// trained on other features must be refused.
TEST(FeatureSpec, PinsTheOutputOverAllGoldens) {
  std::string bytes;
  const auto add = [&](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  Features out;
  std::array<float, PromptFeatures::kDenseCount> dense;
  for (const Golden& row : goldens().rows) {
    featurize(bert(), row.text, out);
    for (const Ngram& ngram : out.ngrams)
      add(ngram);
    for (const int32_t id : out.token_ids)
      add(id);
    out.prompt.dense(dense);
    // Rounded, because the last bit of log1p belongs to the C library.
    for (const float value : dense)
      add(static_cast<int32_t>(std::lround(value * 1e4f)));
  }
  EXPECT_EQ(kFeatureSpec, "weir-text-1");
  EXPECT_EQ(to_hex(sha256(bytes)).substr(0, 16), "c1f79674044fae79");
}

}  // namespace
}  // namespace weir::text
