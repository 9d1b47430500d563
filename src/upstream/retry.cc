#include "upstream/retry.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace weir::upstream {
namespace {

constexpr double kLongestMs = 1e12;

// A decimal number that fills the text, times `scale`.
std::optional<int64_t> parse_ms(std::string_view text, double scale) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(number) || number < 0) return std::nullopt;
  return static_cast<int64_t>(std::ceil(std::min(number * scale, kLongestMs)));
}

std::optional<int64_t> parse_http_date_s(const std::string& text) {
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    tm parts = {};
    const char* end = ::strptime(text.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return ::timegm(&parts);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> retry_after_ms(const http::Headers& headers, int64_t now_unix_us) {
  for (const char* name : {"retry-after-ms", "x-ms-retry-after-ms"})
    if (const auto ms = parse_ms(headers.get(name), 1)) return ms;
  const std::string_view value = headers.get("retry-after");
  if (const auto ms = parse_ms(value, 1000)) return ms;
  const auto date_s = parse_http_date_s(std::string(value));
  if (!date_s) return std::nullopt;
  return std::max<int64_t>(0, (*date_s * 1'000'000 - now_unix_us + 999) / 1000);
}

int64_t retry_wait_ms(std::optional<int64_t> asked_ms, int retry, Random& random) {
  if (asked_ms) return *asked_ms;
  const int64_t longest_ms = std::min<int64_t>(2'000, int64_t{200} << std::min(retry, 10));
  return longest_ms / 2 + static_cast<int64_t>(random.below(longest_ms / 2 + 1));
}

}  // namespace weir::upstream
