#include "model/gap_map.h"

#include <fmt/format.h>

#include "model/sections.h"

namespace weir::model {

std::expected<GapMap, Error> gap_map_of(const RouterFile& file, std::string_view section) {
  TRY_ASSIGN(const std::vector<double> numbers, numbers_of(file, section, 2));
  if (numbers[0] < 0)
    return fail(ErrorCode::kCorrupt,
                fmt::format("'{}' has slope {}, must not be below 0", section, numbers[0]));
  return GapMap{.slope = numbers[0], .offset = numbers[1]};
}

}  // namespace weir::model
