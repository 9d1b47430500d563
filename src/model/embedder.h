// Sentence vectors without a transformer: the mean of one stored int8 vector per WordPiece token,
// scaled to length 1. Method: Model2Vec and smooth inverse frequency (Arora et al. 2017); the table
// is made by tools/models/build_static_embedding.py, its bytes are described in
// docs/formats/static_embedding.md.
// Immutable after load and thread-safe; share one for the whole process. The table stays a memory
// map owned by the embedder: the file must not be changed in place while it is open.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "simd/kernels.h"
#include "text/wordpiece.h"

namespace weir::model {

// The name of the table that ships with weir, for find_model_file.
inline constexpr std::string_view kStaticEmbeddingFile = "static-embedding.bin";

class StaticEmbedder {
 public:
  // Reads the whole file once to check it. Fails with one message that names the file and what is
  // wrong: kNotFound, kIo, kCorrupt (not such a file, truncated, checksum, values out of range),
  // kUnsupported (a later format version).
  [[nodiscard]] static std::expected<StaticEmbedder, Error> load(const std::filesystem::path& path);

  const text::Vocabulary& vocabulary() const { return vocabulary_; }
  int dimension() const { return static_cast<int>(table_.columns); }
  // The first 8 bytes of the file's checksum, little-endian: which table made a vector.
  uint64_t hash() const { return hash_; }
  // Where the table comes from and its licences, as stored in the file.
  std::string_view notice() const { return notice_; }

  // Writes the unit vector of the tokens; unknown and special tokens and ids outside the vocabulary
  // count for nothing. Returns false and writes zeros when no token is left: such a text cannot be
  // judged. No allocation. Requires out.size() == dimension(). Time per call: bench/embed_bench.cc.
  bool embed(std::span<const int32_t> token_ids, std::span<float> out) const noexcept;

 private:
  struct Sections;  // the parts of a checked file
  StaticEmbedder(MappedFile file, const Sections& sections, text::Vocabulary vocabulary);
  static std::expected<Sections, Error> check(std::string_view bytes);

  MappedFile file_;
  text::Vocabulary vocabulary_;
  std::span<const uint32_t> row_of_;  // [vocabulary_.size()], kNoRow for tokens without a vector
  simd::Int8Rows table_;
  std::string_view notice_;
  uint64_t hash_ = 0;
};

}  // namespace weir::model
