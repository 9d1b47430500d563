#include "model/embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/digest.h"

namespace weir::model {
namespace {

static_assert(std::endian::native == std::endian::little, "the table is read in place");

constexpr std::string_view kMagic = "weir.emb";
constexpr uint32_t kVersion = 1;
constexpr size_t kAlignment = 64;  // of every section
constexpr uint32_t kNoRow = 0xFFFFFFFF;
constexpr uint32_t kMaxDimension = 4096;
constexpr uint32_t kMaxVocabulary = 1 << 20;
constexpr uint32_t kMaxVocabularyBytes = 1 << 26;
constexpr uint32_t kMaxNoticeBytes = 1 << 16;
constexpr float kMaxScale = 1e6F;
constexpr size_t kRowsPerStep = 256;  // row indexes gathered on the stack at a time

// The file's first bytes: docs/formats/static_embedding.md.
struct Header {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t dimension;
  uint32_t vocabulary_count;
  uint32_t row_count;
  uint32_t vocabulary_bytes;
  uint32_t notice_bytes;
  uint64_t file_bytes;
  std::array<uint8_t, 24> reserved;
};
static_assert(sizeof(Header) == 64);

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

std::expected<void, Error> check_range(std::string_view field, uint64_t value, uint64_t highest) {
  if (value >= 1 && value <= highest) return {};
  return corrupt(fmt::format("{} is {}, allowed are 1 to {}", field, value, highest));
}

std::expected<Header, Error> read_header(std::string_view bytes) {
  Header header{};
  if (bytes.size() < kMagic.size() || !bytes.starts_with(kMagic)) {
    return corrupt("this is no weir embedding table (magic number differs)");
  }
  if (bytes.size() < sizeof(Header) + sizeof(Sha256)) {
    return corrupt(fmt::format("truncated: {} bytes cannot hold the header", bytes.size()));
  }
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (header.version != kVersion) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("format version {}, this program reads version {}", header.version, kVersion));
  }
  if (header.file_bytes != bytes.size()) {
    return corrupt(fmt::format("{} bytes long, but its header says {}: truncated or appended to",
                               bytes.size(), header.file_bytes));
  }
  TRY(check_range("dimension", header.dimension, kMaxDimension));
  TRY(check_range("vocabulary_count", header.vocabulary_count, kMaxVocabulary));
  TRY(check_range("row_count", header.row_count, header.vocabulary_count));
  TRY(check_range("vocabulary_bytes", header.vocabulary_bytes, kMaxVocabularyBytes));
  TRY(check_range("notice_bytes", header.notice_bytes, kMaxNoticeBytes));
  if (std::ranges::any_of(header.reserved, [](uint8_t byte) { return byte != 0; })) {
    return corrupt("reserved header bytes are not zero");
  }
  return header;
}

std::expected<uint64_t, Error> check_digest(std::string_view bytes) {
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof(Sha256));
  const Sha256 digest = sha256(content);
  if (std::memcmp(digest.data(), content.data() + content.size(), digest.size()) != 0) {
    return corrupt("checksum (SHA-256) does not match: the file was damaged");
  }
  uint64_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof(hash));
  return hash;
}

// Hands out the sections one after the other; sizes come from a checked header, so no sum
// overflows.
class SectionCursor {
 public:
  explicit SectionCursor(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  std::span<const T> take(size_t count) {
    const size_t begin = position_;
    position_ = (begin + count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    if (position_ > bytes_.size()) return {};
    return {reinterpret_cast<const T*>(bytes_.data() + begin), count};
  }
  size_t position() const { return position_; }

 private:
  std::string_view bytes_;
  size_t position_ = sizeof(Header);
};

std::expected<void, Error> check_rows(std::span<const uint32_t> row_of, size_t row_count) {
  size_t next = 0;
  for (size_t id = 0; id < row_of.size(); ++id) {
    if (row_of[id] == kNoRow) continue;
    if (row_of[id] != next) {
      return corrupt(fmt::format("token {} has row {}, expected row {}", id, row_of[id], next));
    }
    ++next;
  }
  if (next == row_count) return {};
  return corrupt(fmt::format("{} tokens have a row, but there are {} rows", next, row_count));
}

std::expected<void, Error> check_scales(std::span<const float> scales) {
  for (size_t row = 0; row < scales.size(); ++row) {
    if (!(scales[row] >= 0 && scales[row] <= kMaxScale)) {
      return corrupt(fmt::format("the scale of row {} is {}, allowed are 0 to {}", row, scales[row],
                                 kMaxScale));
    }
  }
  return {};
}

}  // namespace

struct StaticEmbedder::Sections {
  std::string_view vocabulary;
  std::string_view notice;
  std::span<const uint32_t> row_of;
  simd::Int8Rows table;
  uint64_t hash = 0;
};

std::expected<StaticEmbedder::Sections, Error> StaticEmbedder::check(std::string_view bytes) {
  TRY_ASSIGN(const Header header, read_header(bytes));
  Sections sections;
  SectionCursor cursor(bytes.substr(0, bytes.size() - sizeof(Sha256)));
  const auto vocabulary = cursor.take<char>(header.vocabulary_bytes);
  const auto notice = cursor.take<char>(header.notice_bytes);
  sections.row_of = cursor.take<uint32_t>(header.vocabulary_count);
  sections.table.scales = cursor.take<float>(header.row_count);
  sections.table.values = cursor.take<int8_t>(size_t{header.row_count} * header.dimension);
  sections.table.columns = header.dimension;
  if (cursor.position() + sizeof(Sha256) != bytes.size()) {
    return corrupt(fmt::format("the sections named in the header need {} bytes, the file has {}",
                               cursor.position() + sizeof(Sha256), bytes.size()));
  }
  TRY_ASSIGN(sections.hash, check_digest(bytes));
  sections.vocabulary = {vocabulary.data(), vocabulary.size()};
  sections.notice = {notice.data(), notice.size()};
  TRY(check_rows(sections.row_of, header.row_count));
  TRY(check_scales(sections.table.scales));
  return sections;
}

StaticEmbedder::StaticEmbedder(MappedFile file, const Sections& sections,
                               text::Vocabulary vocabulary)
    : file_(std::move(file)),
      vocabulary_(std::move(vocabulary)),
      row_of_(sections.row_of),
      table_(sections.table),
      notice_(sections.notice),
      hash_(sections.hash) {}

std::expected<StaticEmbedder, Error> StaticEmbedder::load(const std::filesystem::path& path) {
  const auto in_file = [&path](Error error) {
    error.message = fmt::format("embedding table '{}': {}", path.string(), error.message);
    return std::unexpected(std::move(error));
  };
  TRY_ASSIGN(MappedFile file, MappedFile::open(path));
  auto sections = check(file.text());
  if (!sections) return in_file(std::move(sections).error());
  auto vocabulary = text::Vocabulary::from_text(sections->vocabulary);
  if (!vocabulary) return in_file(std::move(vocabulary).error());
  if (static_cast<size_t>(vocabulary->size()) != sections->row_of.size()) {
    return in_file(
        {ErrorCode::kCorrupt, fmt::format("the vocabulary has {} tokens, but its header says {}",
                                          vocabulary->size(), sections->row_of.size())});
  }
  return StaticEmbedder(std::move(file), *sections, *std::move(vocabulary));
}

bool StaticEmbedder::embed(std::span<const int32_t> token_ids,
                           std::span<float> out) const noexcept {
  CHECK(out.size() == table_.columns);
  std::ranges::fill(out, 0.0F);
  std::array<uint32_t, kRowsPerStep> rows;
  size_t gathered = 0;
  const auto add_gathered = [&] {
    simd::add_rows(table_, std::span(rows).first(gathered), out);
    gathered = 0;
  };
  for (const int32_t id : token_ids) {
    if (id < 0 || static_cast<size_t>(id) >= row_of_.size()) continue;
    const uint32_t row = row_of_[static_cast<size_t>(id)];
    if (row == kNoRow) continue;
    rows[gathered++] = row;
    if (gathered == rows.size()) add_gathered();
  }
  add_gathered();
  // The norm of the sum in place of the mean: only the direction is kept.
  if (simd::normalize(out) > 0) return true;
  std::ranges::fill(out, 0.0F);
  return false;
}

}  // namespace weir::model
