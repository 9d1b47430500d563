#include "model/sections.h"

#include <fmt/format.h>

namespace weir::model {
namespace {

template <typename Map>
std::expected<const typename Map::mapped_type*, Error> sized(const Map& map, std::string_view name,
                                                             size_t count) {
  const auto found = map.find(name);
  if (found == map.end())
    return fail(ErrorCode::kCorrupt, fmt::format("section '{}' is missing", name));
  if (found->second.size() == count) return &found->second;
  return fail(ErrorCode::kCorrupt, fmt::format("section '{}' has {} values, expected {}", name,
                                               found->second.size(), count));
}

}  // namespace

std::expected<std::vector<double>, Error> numbers_of(const RouterFile& file, std::string_view name,
                                                     size_t count) {
  TRY_ASSIGN(const auto* numbers, sized(file.weights, name, count));
  return *numbers;
}

std::expected<std::string_view, Error> bytes_of(const RouterFile& file, std::string_view name,
                                                size_t count) {
  TRY_ASSIGN(const auto* bytes, sized(file.blobs, name, count));
  return std::string_view(*bytes);
}

std::expected<std::string_view, Error> setting_of(const RouterFile& file, std::string_view name) {
  const auto found = file.settings.find(name);
  if (found == file.settings.end())
    return fail(ErrorCode::kCorrupt, fmt::format("setting '{}' is missing", name));
  return std::string_view(found->second);
}

}  // namespace weir::model
