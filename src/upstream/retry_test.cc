#include "upstream/retry.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace weir::upstream {
namespace {

std::optional<int64_t> wait_of(std::string_view name, std::string_view value) {
  http::Headers headers;
  headers.add(name, value);
  return retry_after_ms(headers, parse_rfc3339("2026-11-08T08:49:30Z"));
}

TEST(RetryAfter, ReadsSecondsMillisecondsAndDates) {
  EXPECT_EQ(wait_of("Retry-After", "2"), 2000);
  EXPECT_EQ(wait_of("Retry-After", "0.25"), 250);
  EXPECT_EQ(wait_of("retry-after-ms", "125"), 125);
  EXPECT_EQ(wait_of("x-ms-retry-after-ms", "7"), 7);
  EXPECT_EQ(wait_of("Retry-After", "Sun, 08 Nov 2026 08:49:37 GMT"), 7000);
  EXPECT_EQ(wait_of("Retry-After", "Sunday, 08-Nov-26 08:49:37 GMT"), 7000);
  EXPECT_EQ(wait_of("Retry-After", "Sun Nov  8 08:49:37 2026"), 7000);
}

TEST(RetryAfter, ADateInThePastIsNow) {
  EXPECT_EQ(wait_of("Retry-After", "Sun, 08 Nov 2026 08:49:00 GMT"), 0);
}

TEST(RetryAfter, UnreadableValuesAreNoAdvice) {
  for (const char* value : {"", "soon", "-1", "nan", "inf", "1s", "Sun, 08 Nov 2026"})
    EXPECT_EQ(wait_of("Retry-After", value), std::nullopt) << value;
}

TEST(RetryAfter, HugeValuesStayFinite) {
  EXPECT_GT(*wait_of("Retry-After", "1e300"), 1'000'000);
}

TEST(RetryWait, BacksOffWithJitterWithinBounds) {
  Random random(1);
  for (int retry = 0; retry < 20; ++retry)
    for (int i = 0; i < 100; ++i) {
      const int64_t most = std::min<int64_t>(2000, int64_t{200} << std::min(retry, 10));
      const int64_t wait = retry_wait_ms(std::nullopt, retry, random);
      EXPECT_GE(wait, most / 2);
      EXPECT_LE(wait, most);
    }
}

TEST(RetryWait, ObeysTheProvider) {
  Random random(1);
  EXPECT_EQ(retry_wait_ms(1500, 0, random), 1500);
}

}  // namespace
}  // namespace weir::upstream
