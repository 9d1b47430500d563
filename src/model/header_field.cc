#include "model/header_field.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/utf8.h"

namespace weir::model {

// What is no UTF-8 decodes to U+FFFD and would not be written as it was read.
bool is_clean(std::string_view text) {
  for (size_t position = 0; position < text.size();)
    if (decode_utf8(text, position) == kReplacementCharacter) return false;
  return true;
}

std::expected<std::string, Error> Field::text(size_t limit) const {
  auto text = value_.as_string();
  if (!text || text->size() > limit || !is_clean(*text))
    return wrong(fmt::format("UTF-8 text of up to {} bytes", limit));
  return *std::move(text);
}

std::expected<bool, Error> Field::truth() const {
  if (const auto truth = value_.as_bool()) return *truth;
  return wrong("true or false");
}

std::expected<int64_t, Error> Field::integer(int64_t least, int64_t most) const {
  const auto number = value_.as_int64();
  if (number && *number >= least && *number <= most) return *number;
  return wrong(fmt::format("an integer from {} to {}", least, most));
}

std::expected<double, Error> Field::number(double least, double most) const {
  const auto number = value_.as_double();
  if (number && *number >= least && *number <= most) return *number;
  return wrong(fmt::format("a number from {} to {}", least, most));
}

std::expected<uint64_t, Error> Field::hex64() const {
  const std::string text = value_.string_or("");
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.size() == 16 && error == std::errc{} && end == text.data() + text.size()) return number;
  return wrong("16 hexadecimal digits");
}

std::expected<json::Value, Error> Field::array(size_t least, size_t most) const {
  if (value_.is_array() && value_.size() >= least && value_.size() <= most) return value_;
  return wrong(fmt::format("a list of {} to {} values", least, most));
}

std::unexpected<Error> Field::wrong(std::string_view expected) const {
  return fail(ErrorCode::kCorrupt, fmt::format("'{}' in its header must be {}", name_, expected));
}

}  // namespace weir::model
