#include "model/embedder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "model/model_files.h"
#include "simd/reference.h"
#include "text/wordpiece.h"

namespace weir::model {
namespace {

constexpr uint32_t kNoRow = 0xFFFFFFFF;

// The format of docs/formats/static_embedding.md, written a second time and independently of the
// reader; the small table has the tokens [UNK] (no row), ab, cd and ##e.
struct TableBytes {
  std::string magic = "weir.emb";
  uint32_t version = 1;
  uint32_t dimension = 3;
  uint32_t vocabulary_count = 4;
  uint32_t row_count = 3;
  std::string vocabulary = "[UNK]\nab\ncd\n##e\n";
  std::string notice = "made by a test";
  std::vector<uint32_t> row_of = {kNoRow, 0, 1, 2};
  std::vector<float> scales = {1.0F, 0.5F, 2.0F};
  std::vector<int8_t> values = {3, 4, 0, 0, 0, 127, -6, -8, 0};
  uint32_t vocabulary_bytes = 0;  // 0: the true one
  uint32_t notice_bytes = 0;
  int64_t file_bytes_error = 0;
  std::string reserved = std::string(24, '\0');

  std::string bytes() const {
    std::string body;
    append(body, vocabulary.data(), vocabulary.size());
    append(body, notice.data(), notice.size());
    append(body, row_of.data(), row_of.size() * 4);
    append(body, scales.data(), scales.size() * 4);
    append(body, values.data(), values.size());
    std::string file = magic;
    put(file, version);
    put(file, dimension);
    put(file, vocabulary_count);
    put(file, row_count);
    put(file, vocabulary_bytes != 0 ? vocabulary_bytes : static_cast<uint32_t>(vocabulary.size()));
    put(file, notice_bytes != 0 ? notice_bytes : static_cast<uint32_t>(notice.size()));
    put(file, static_cast<int64_t>(64 + body.size() + 32) + file_bytes_error);
    file += reserved + body;
    const Sha256 digest = sha256(file);
    file.append(reinterpret_cast<const char*>(digest.data()), digest.size());
    return file;
  }

 private:
  template <typename T>
  static void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static void append(std::string& out, const void* from, size_t size) {
    out.append(static_cast<const char*>(from), size);
    out.resize((out.size() + 63) / 64 * 64);
  }
};

class TableFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            ("weir_embedder_" + std::to_string(::getpid()) + "_" + test->name());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::expected<StaticEmbedder, Error> load(std::string_view bytes) {
    EXPECT_TRUE(write_file(path_, bytes));
    return StaticEmbedder::load(path_);
  }
  void expect_failure(std::string_view bytes, ErrorCode code, std::string_view words) {
    const auto loaded = load(bytes);
    ASSERT_FALSE(loaded) << "expected: " << words;
    EXPECT_EQ(loaded.error().code, code) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find(words), std::string::npos) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find(path_.string()), std::string::npos)
        << loaded.error().message;
  }

  std::filesystem::path path_;
};

TEST_F(TableFile, MeanOfKnownTokensAtUnitLength) {
  const std::string bytes = TableBytes().bytes();
  const auto embedder = load(bytes);
  ASSERT_TRUE(embedder) << embedder.error().message;
  EXPECT_EQ(embedder->dimension(), 3);
  EXPECT_EQ(embedder->vocabulary().size(), 4);
  EXPECT_EQ(embedder->notice(), "made by a test");
  uint64_t hash = 0;
  std::memcpy(&hash, bytes.data() + bytes.size() - 32, sizeof(hash));
  EXPECT_EQ(embedder->hash(), hash);

  std::vector<float> out(3);
  EXPECT_TRUE(embedder->embed(std::vector<int32_t>{1}, out));
  EXPECT_FLOAT_EQ(out[0], 0.6F);
  EXPECT_FLOAT_EQ(out[1], 0.8F);
  EXPECT_TRUE(embedder->embed(std::vector<int32_t>{0, 2, 0, -1, 4, 1 << 30}, out));
  EXPECT_EQ(out, (std::vector<float>{0, 0, 1}));
}

TEST_F(TableFile, CannotJudgeWithoutAKnownToken) {
  const auto embedder = load(TableBytes().bytes());
  ASSERT_TRUE(embedder) << embedder.error().message;
  const std::vector<std::vector<int32_t>> cases = {{},
                                                   {0},
                                                   {-1, 4, 0},
                                                   std::vector<int32_t>(1000, 0),
                                                   {1, 1, 1, 1, 3}};  // the last sums to zero
  for (const auto& ids : cases) {
    std::vector<float> out(3, 9.0F);
    EXPECT_FALSE(embedder->embed(ids, out)) << ids.size();
    EXPECT_EQ(out, std::vector<float>(3, 0.0F));
  }
}

TEST_F(TableFile, EveryHeaderFieldIsChecked) {
  struct Case {
    std::string_view words;
    std::function<void(TableBytes&)> damage;
    ErrorCode code = ErrorCode::kCorrupt;
  };
  const std::vector<Case> cases = {
      {"magic number", [](auto& t) { t.magic = "weir.emc"; }},
      {"format version 2", [](auto& t) { t.version = 2; }, ErrorCode::kUnsupported},
      {"format version 0", [](auto& t) { t.version = 0; }, ErrorCode::kUnsupported},
      {"dimension is 0", [](auto& t) { t.dimension = 0; }},
      {"dimension is 4097", [](auto& t) { t.dimension = 4097; }},
      {"sections named in the header", [](auto& t) { t.dimension = 300; }},
      {"vocabulary_count is 0", [](auto& t) { t.vocabulary_count = 0; }},
      {"vocabulary_count is 4294967295", [](auto& t) { t.vocabulary_count = kNoRow; }},
      {"sections named in the header", [](auto& t) { t.vocabulary_count = 1000; }},
      {"row_count is 0", [](auto& t) { t.row_count = 0; }},
      {"row_count is 5", [](auto& t) { t.row_count = 5; }},
      {"3 tokens have a row, but there are 4", [](auto& t) { t.row_count = 4; }},
      {"vocabulary_bytes is 67108865", [](auto& t) { t.vocabulary_bytes = (1 << 26) + 1; }},
      {"sections named in the header", [](auto& t) { t.vocabulary_bytes = 1 << 26; }},
      {"the vocabulary has 3 tokens", [](auto& t) { t.vocabulary_bytes = 12; }},
      {"notice_bytes is 65537", [](auto& t) { t.notice_bytes = (1 << 16) + 1; }},
      {"sections named in the header", [](auto& t) { t.notice_bytes = 65; }},
      {"truncated or appended to", [](auto& t) { t.file_bytes_error = -1; }},
      {"truncated or appended to", [](auto& t) { t.file_bytes_error = int64_t{1} << 62; }},
      {"reserved", [](auto& t) { t.reserved[23] = 1; }},
      {"token 1 has row 7, expected row 0", [](auto& t) { t.row_of[1] = 7; }},
      {"token 3 has row 1, expected row 2", [](auto& t) { t.row_of[3] = 1; }},
      {"scale of row 1", [](auto& t) { t.scales[1] = std::nanf(""); }},
      {"scale of row 2", [](auto& t) { t.scales[2] = std::numeric_limits<float>::infinity(); }},
      {"scale of row 0", [](auto& t) { t.scales[0] = -1; }},
      {"[UNK]", [](auto& t) { t.vocabulary = "[UNX]\nab\ncd\n##e\n"; }},
  };
  for (const Case& one : cases) {
    TableBytes table;
    one.damage(table);
    expect_failure(table.bytes(), one.code, one.words);
  }
}

TEST_F(TableFile, EveryTruncationFails) {
  const std::string whole = TableBytes().bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(load(std::string_view(whole).substr(0, size))) << size << " bytes";
  }
  expect_failure("", ErrorCode::kCorrupt, "magic number");
  expect_failure(std::string_view(whole).substr(0, 95), ErrorCode::kCorrupt,
                 "cannot hold the header");
  expect_failure(whole + '\0', ErrorCode::kCorrupt, "truncated or appended to");
}

TEST_F(TableFile, EveryFlippedByteFails) {
  const std::string whole = TableBytes().bytes();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    EXPECT_FALSE(load(damaged)) << "byte " << at;
  }
  std::string damaged = whole;
  damaged[damaged.size() - 40] ^= 1;
  expect_failure(damaged, ErrorCode::kCorrupt, "checksum");
}

TEST_F(TableFile, MissingFileIsNotFound) {
  const auto loaded = StaticEmbedder::load(path_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
}

// The table that ships with weir.
class ShippedTable : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto loaded = StaticEmbedder::load(std::filesystem::path("models") / kStaticEmbeddingFile);
    ASSERT_TRUE(loaded) << loaded.error().message;
    embedder_ = std::make_unique<StaticEmbedder>(*std::move(loaded));
  }
  static void TearDownTestSuite() { embedder_.reset(); }
  void SetUp() override { ASSERT_NE(embedder_, nullptr); }

  static std::unique_ptr<StaticEmbedder> embedder_;
};
std::unique_ptr<StaticEmbedder> ShippedTable::embedder_;

TEST_F(ShippedTable, HasBertsVocabularyAndItsLicences) {
  EXPECT_EQ(embedder_->vocabulary().size(), 30522);
  EXPECT_EQ(embedder_->vocabulary().token(101), "[CLS]");
  EXPECT_EQ(embedder_->dimension(), 256);
  EXPECT_NE(embedder_->notice().find("Apache"), std::string_view::npos);
  EXPECT_LE(std::filesystem::file_size(std::filesystem::path("models") / kStaticEmbeddingFile),
            size_t{12} << 20);
}

TEST_F(ShippedTable, SpecialAndUnusedTokensHaveNoVector) {
  std::vector<float> out(256);
  for (const int32_t id : {0, 1, 99, 100, 101, 102, 103, 104, 998}) {
    EXPECT_FALSE(embedder_->embed(std::vector<int32_t>{id}, out)) << id;
  }
  EXPECT_TRUE(embedder_->embed(std::vector<int32_t>{999, 30521}, out));
}

double cosine(std::span<const float> left, std::span<const float> right) {
  using simd::reference::dot;
  return dot(left, right) / std::sqrt(dot(left, left) * dot(right, right));
}

std::vector<float> parse_hex_bytes(std::string_view hex) {
  std::vector<float> values;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int byte = std::stoi(std::string(hex.substr(i, 2)), nullptr, 16);
    values.push_back(static_cast<float>(static_cast<int8_t>(byte)));
  }
  return values;
}

// Expected vectors come from the float table before quantisation, through the Python packages
// `tokenizers` and numpy; the golden file is written by tools/models/build_static_embedding.py.
TEST_F(ShippedTable, EqualsThePythonFloatPipeline) {
  const auto golden = read_maybe_gzip("src/model/testdata/static_embedding.golden.jsonl.gz");
  ASSERT_TRUE(golden) << golden.error().message;
  text::TokenBuffer tokens;
  std::vector<float> found(256);
  size_t count = 0;
  double lowest = 1;
  for (size_t begin = 0; begin < golden->size();) {
    const size_t end = golden->find('\n', begin);
    const auto row = json::Document::parse(golden->substr(begin, end - begin));
    ASSERT_TRUE(row) << row.error().message;
    const std::string text = row->root()["text"].string_or("");
    const auto expected = parse_hex_bytes(row->root()["vector"].string_or(""));
    ASSERT_EQ(expected.size(), found.size());
    text::tokenize(embedder_->vocabulary(), text, tokens);
    ASSERT_TRUE(embedder_->embed(tokens.ids, found)) << text;
    EXPECT_NEAR(simd::reference::dot(found, found), 1.0, 1e-5);
    lowest = std::min(lowest, cosine(found, expected));
    EXPECT_GE(cosine(found, expected), 0.999) << text;
    ++count;
    begin = end + 1;
  }
  EXPECT_EQ(count, 1000u);
  RecordProperty("lowest_cosine", std::to_string(lowest));
  std::printf("lowest cosine of %zu texts: %.6f\n", count, lowest);
}

TEST_F(ShippedTable, OrderOfTokensMattersOnlyByRounding) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 1500; ++i)
    ids.push_back(1000 + i * 7919 % 29000);
  std::vector<float> forward(256);
  std::vector<float> backward(256);
  ASSERT_TRUE(embedder_->embed(ids, forward));
  std::ranges::reverse(ids);
  ASSERT_TRUE(embedder_->embed(ids, backward));
  EXPECT_GE(cosine(forward, backward), 0.999999);
}

}  // namespace
}  // namespace weir::model
