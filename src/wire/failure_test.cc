#include "wire/failure.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/answer.h"
#include "wire/case_file.h"

namespace weir::wire {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ClassifyFailure, ErrorsAsProvidersSendThem) {
  const auto cases = read_cases("failures.txt");
  ASSERT_GT(cases.size(), 30u);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    // The shape tells, not the dialect that was configured: a compatible server sends what it
    // likes.
    for (const Dialect dialect : {Dialect::kOpenAi, Dialect::kAnthropic}) {
      const int status = std::stoi(c.get("status"));
      const Failure failure = classify_failure(dialect, status, c.get("body"));
      EXPECT_EQ(fmt::format("{}/{}/{}", to_string(failure.failure_class), failure.type,
                            failure.worth_retrying() ? "yes" : "no"),
                c.get("is"));
      EXPECT_EQ(failure.status, status);
      EXPECT_FALSE(failure.message.empty());
      EXPECT_THAT(failure.message, Not(HasSubstr("wxyz")));
    }
  }
}

TEST(SafeMessage, BlanksWhatLooksLikeAKey) {
  const std::pair<std::string, std::string> cases[] = {
      {"Incorrect API key provided: sk-abc***xyz. See",
       "Incorrect API key provided: [redacted] See"},
      {"Incorrect API key provided: hello.", "Incorrect API key provided: [redacted]"},
      {"key 'sk-ant-api03-AbC_9'", "key '[redacted]'"},
      {"Authorization: Bearer abcdef", "Authorization: Bearer [redacted]"},
      {"AIzaSyA1234567", "[redacted]"},
      {"gsk_abcdef (bad)", "[redacted] (bad)"},
      {"x 0123456789abcdef0123456789abcdef01234567 y", "x [redacted] y"},
      {"The model `gpt-4o-mini-2024-07-18` does not exist",
       "The model `gpt-4o-mini-2024-07-18` does not exist"},
      {"risk-free and task-1 pass, sk- too", "risk-free and task-1 pass, sk- too"},
      {"request req_011CSHoEeqs5C35K2UUqR7Fy", "request req_011CSHoEeqs5C35K2UUqR7Fy"},
      {"bad \xFF byte", "bad \xEF\xBF\xBD byte"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(safe_message(text), expected);
}

TEST(SafeMessage, IsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "\xE2\x82\xAC";
  const std::string cut = safe_message(text);
  EXPECT_EQ(cut.size(), 1998u);
  EXPECT_EQ(safe_message("abc", 2), "ab");
}

TEST(EncodeError, BothShapesReadBackAsFailures) {
  for (const Dialect dialect : {Dialect::kOpenAi, Dialect::kAnthropic})
    for (const int status :
         {400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 508, 529}) {
      const std::string body = encode_error(dialect, status, "", "no \"model\" x");
      const Failure failure = classify_failure(dialect, status, body);
      EXPECT_EQ(failure.type, error_type(dialect, status)) << body;
      EXPECT_EQ(failure.message, "no \"model\" x");
      // The type says no more than the status did.
      EXPECT_EQ(failure.failure_class,
                classify_failure(dialect, status, R"({"message":"model"})").failure_class)
          << status << body;
    }
  EXPECT_EQ(encode_error(Dialect::kAnthropic, 404, "", "m"),
            R"({"type":"error","error":{"type":"not_found_error","message":"m"}})");
  EXPECT_EQ(encode_error(Dialect::kOpenAi, 400, "", "m"),
            R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":null}})");
}

}  // namespace
}  // namespace weir::wire
