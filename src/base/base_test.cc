#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/clock.h"
#include "base/compress.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/random.h"
#include "base/utf8.h"

namespace weir {
namespace {

TEST(Siphash, MatchesTheAuthorsVectors) {
  // First four of vectors_sip64 in the reference implementation: key 00..0f, input 00..n-1.
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  const uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                               0x85676696d7fb7e2d};
  std::string input;
  for (const uint64_t want : expected) {
    EXPECT_EQ(siphash(key, input), want);
    input.push_back(static_cast<char>(input.size()));
  }
  const std::string fifteen("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16", 15);
  EXPECT_EQ(siphash(key, fifteen), 0xa129ca6149be45e5u);
}

TEST(Sha256, MatchesFips180) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Utf8, ReplacesMaximalIllFormedSubsequences) {
  // Unicode 15 section 3.9, table 3-8: F1 80 80 | E1 80 | C2 | 62 -> three replacements and 'b'.
  const std::string bytes =
      "a\xF1\x80\x80\xE1\x80\xC2"
      "b\x80"
      "c\x80\xBF"
      "d";
  std::string out;
  for (size_t i = 0; i < bytes.size();)
    append_utf8(decode_utf8(bytes, i), out);
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(out, "a" + r + r + r + "b" + r + "c" + r + r + "d");
}

TEST(Utf8, EveryScalarValueRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;
    append_utf8(c, bytes);
    size_t position = 0;
    ASSERT_EQ(decode_utf8(bytes, position), c);
    ASSERT_EQ(position, bytes.size());
  }
}

TEST(Compress, DecodesItsOwnGzipAndStopsAtTheLimit) {
  const std::string text(1'000'000, 'x');
  const std::string packed = compress_gzip(text);
  EXPECT_EQ(decompress(ContentCoding::kGzip, packed, text.size()).value(), text);
  EXPECT_EQ(decompress(ContentCoding::kGzip, packed, text.size() - 1).error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(decompress(ContentCoding::kGzip, packed.substr(0, packed.size() - 9), text.size())
                .error()
                .code,
            ErrorCode::kCorrupt);
  EXPECT_EQ(decompress(ContentCoding::kGzip, packed + packed, 3 * text.size())->size(),
            2 * text.size());
  EXPECT_FALSE(decompress(ContentCoding::kGzip, "", 10));
  EXPECT_FALSE(decompress(ContentCoding::kDeflate, "junk", 10));
  EXPECT_FALSE(decompress(ContentCoding::kZstd, "junk", 10));
}

TEST(Rfc3339, RoundTripsAndRefusesNonsense) {
  const int64_t t = 1'795'465'191'123'456;
  EXPECT_EQ(parse_rfc3339(format_rfc3339(t)), t);
  EXPECT_EQ(parse_rfc3339("1970-01-01T02:00:00+02:00"), 0);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.5Z"), 500'000);
  for (const char* bad :
       {"", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00"})
    EXPECT_EQ(parse_rfc3339(bad), INT64_MIN) << bad;
}

TEST(Files, WriteReplacesWholeFilesAndReadNamesWhatIsMissing) {
  const auto folder = std::filesystem::temp_directory_path() / "weir_base_files_test";
  std::filesystem::create_directories(folder);
  const auto path = folder / "a.txt";
  ASSERT_TRUE(write_file(path, "one"));
  ASSERT_TRUE(write_file(path, "two"));
  EXPECT_EQ(read_file(path).value(), "two");
  EXPECT_EQ(read_file(path, 2).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(MappedFile::open(path)->text(), "two");
  const auto missing = read_file(folder / "b.txt");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("b.txt"), std::string::npos);
  auto held = FileLock::acquire(folder / "lock");
  ASSERT_TRUE(held);
  EXPECT_EQ(FileLock::acquire(folder / "lock").error().code, ErrorCode::kConflict);
  std::filesystem::remove_all(folder);
}

TEST(Random, SameSeedSameNumbersAndUuidsAreUniqueVersion7) {
  Random a(5), b(5);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(a(), b());
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i)
    ids.insert(make_uuid7(1'795'465'191'123'456, a));
  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_EQ(ids.begin()->size(), 36u);
  EXPECT_EQ((*ids.begin())[14], '7');
}

}  // namespace
}  // namespace weir
