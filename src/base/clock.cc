#include "base/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <cstdio>

namespace weir {
namespace {

int64_t read_us(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return static_cast<int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000;
}

bool in_range(const tm& t) {
  return t.tm_mon >= 0 && t.tm_mon < 12 && t.tm_mday >= 1 && t.tm_mday <= 31 && t.tm_hour >= 0 &&
         t.tm_hour < 24 && t.tm_min >= 0 && t.tm_min < 60 && t.tm_sec >= 0 && t.tm_sec <= 60;
}

}  // namespace

int64_t SystemClock::steady_us() const {
  return read_us(CLOCK_MONOTONIC);
}
int64_t SystemClock::unix_us() const {
  return read_us(CLOCK_REALTIME);
}

const SystemClock& SystemClock::instance() {
  static const SystemClock clock;
  return clock;
}

std::string format_rfc3339(int64_t unix_us) {
  int64_t seconds = unix_us / 1'000'000;
  int64_t fraction = unix_us % 1'000'000;
  if (fraction < 0) fraction += 1'000'000, --seconds;
  const time_t t = seconds;
  tm parts{};
  gmtime_r(&t, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     fraction);
}

int64_t parse_rfc3339(const std::string& text) {
  tm parts{};
  int consumed = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &consumed) != 6)
    return INT64_MIN;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  if (!in_range(parts)) return INT64_MIN;
  size_t i = static_cast<size_t>(consumed);
  int64_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    int64_t scale = 100'000;
    const size_t first = ++i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, scale /= 10)
      fraction += (text[i] - '0') * scale;
    if (i == first) return INT64_MIN;
  }
  int64_t offset_s = 0;
  const std::string zone = text.substr(i);
  if (zone != "Z" && zone != "z") {
    int hours = 0, minutes = 0, end = 0;
    char sign = 0;
    if (std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &hours, &minutes, &end) != 3 ||
        static_cast<size_t>(end) != zone.size() || (sign != '+' && sign != '-'))
      return INT64_MIN;
    offset_s = (hours * 60 + minutes) * 60 * (sign == '+' ? 1 : -1);
  }
  return (static_cast<int64_t>(timegm(&parts)) - offset_s) * 1'000'000 + fraction;
}

}  // namespace weir
