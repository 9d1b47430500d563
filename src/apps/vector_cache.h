// Sentence vectors of one encoder on disk, so that training again does not compute them again.
// A file holds the encoder's hash, the vectors' size, and a 128-bit name of each text with its
// vector; no text. Whole in memory. One thread at a time; the last writer of two wins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::apps {

class VectorCache {
 public:
  // An empty cache when there is no such file. Fails: kIo; kCorrupt (cut, no such file); kConflict
  // when it was made with another encoder.
  [[nodiscard]] static std::expected<VectorCache, Error> open(const std::filesystem::path& path,
                                                              uint64_t encoder_hash,
                                                              uint32_t dimension);
  // Empty when the text is not known.
  std::span<const float> find(std::string_view text) const;
  // Requires vector.size() == dimension.
  void put(std::string_view text, std::span<const float> vector);
  size_t size() const { return place_of_.size(); }
  // Fails: kIo.
  [[nodiscard]] std::expected<void, Error> save() const;

 private:
  using Name = std::array<uint64_t, 2>;
  static Name name_of(std::string_view text);

  std::filesystem::path path_;
  uint64_t encoder_hash_ = 0;
  uint32_t dimension_ = 0;
  std::map<Name, size_t> place_of_;  // in units of `dimension_` floats
  std::vector<float> values_;
};

}  // namespace weir::apps
