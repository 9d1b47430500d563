#include "apps/vector_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/digest.h"
#include "base/files.h"

namespace weir::apps {
namespace {

constexpr size_t kMostBytes = size_t{16} << 30;

struct Head {
  std::array<char, 8> magic{'w', 'e', 'i', 'r', '.', 'v', 'e', 'c'};
  uint64_t encoder_hash = 0;
  uint32_t dimension = 0;
  uint32_t version = 1;
};
static_assert(sizeof(Head) == 24);

}  // namespace

VectorCache::Name VectorCache::name_of(std::string_view text) {
  return {siphash({1, 2}, text), siphash({3, 4}, text)};
}

std::expected<VectorCache, Error> VectorCache::open(const std::filesystem::path& path,
                                                    uint64_t encoder_hash, uint32_t dimension) {
  VectorCache cache;
  cache.path_ = path;
  cache.encoder_hash_ = encoder_hash;
  cache.dimension_ = dimension;
  auto bytes = read_file(path, kMostBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return cache;
  if (!bytes) return std::unexpected(std::move(bytes).error());
  const size_t row_bytes = sizeof(Name) + size_t{dimension} * sizeof(float);
  Head head;
  const Head expected;
  if (bytes->size() >= sizeof(head)) std::memcpy(&head, bytes->data(), sizeof(head));
  if (bytes->size() < sizeof(head) || head.magic != expected.magic ||
      head.version != expected.version)
    return fail(ErrorCode::kCorrupt,
                fmt::format("'{}' is no file of cached vectors", path.string()));
  if (head.encoder_hash != encoder_hash || head.dimension != dimension)
    return fail(ErrorCode::kConflict,
                fmt::format("the vectors in '{}' are of encoder {:016x}, not of {:016x}: name "
                            "another file or delete this one",
                            path.string(), head.encoder_hash, encoder_hash));
  if ((bytes->size() - sizeof(head)) % row_bytes != 0)
    return fail(ErrorCode::kCorrupt, fmt::format("'{}' is cut short", path.string()));
  std::vector<float> vector(dimension);
  for (size_t at = sizeof(head); at < bytes->size(); at += row_bytes) {
    Name name{};
    std::memcpy(name.data(), bytes->data() + at, sizeof(name));
    std::memcpy(vector.data(), bytes->data() + at + sizeof(name), row_bytes - sizeof(name));
    if (!std::ranges::all_of(vector, [](float x) { return std::isfinite(x); }))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("'{}' holds numbers that are not finite", path.string()));
    cache.place_of_.emplace(name, cache.values_.size() / dimension);
    cache.values_.insert(cache.values_.end(), vector.begin(), vector.end());
  }
  return cache;
}

std::span<const float> VectorCache::find(std::string_view text) const {
  const auto found = place_of_.find(name_of(text));
  if (found == place_of_.end()) return {};
  return std::span(values_).subspan(found->second * dimension_, dimension_);
}

void VectorCache::put(std::string_view text, std::span<const float> vector) {
  CHECK(vector.size() == dimension_);
  if (place_of_.emplace(name_of(text), values_.size() / dimension_).second)
    values_.insert(values_.end(), vector.begin(), vector.end());
}

std::expected<void, Error> VectorCache::save() const {
  Head head;
  head.encoder_hash = encoder_hash_;
  head.dimension = dimension_;
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  for (const auto& [name, place] : place_of_) {
    bytes.append(reinterpret_cast<const char*>(name.data()), sizeof(name));
    bytes.append(reinterpret_cast<const char*>(values_.data() + place * dimension_),
                 dimension_ * sizeof(float));
  }
  return write_file(path_, bytes);
}

}  // namespace weir::apps
