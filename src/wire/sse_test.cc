#include "wire/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weir::wire {
namespace {

using testing::ElementsAre;

// "event|data" of every frame with data, from bytes that come one by one.
std::vector<std::string> events(std::string_view stream) {
  SseReader reader;
  std::vector<std::string> out;
  std::string raw;
  const auto add = [&](const SseReader::Frame& frame) {
    raw.append(frame.lead).append(frame.raw);
    if (frame.has_data) out.push_back(std::string(frame.event) + "|" + std::string(frame.data));
  };
  for (const char c : stream) {
    reader.feed({&c, 1});
    for (auto frame = reader.next(); frame && *frame; frame = reader.next())
      add(**frame);
  }
  if (const auto rest = reader.finish()) add(*rest);
  EXPECT_EQ(raw, stream.substr(0, raw.size()));
  EXPECT_GE(raw.size() + 1, stream.size());
  return out;
}

// The examples of the standard, 9.2.6, and what it leaves to the reader.
TEST(SseReader, FollowsTheStandard) {
  EXPECT_THAT(events("data: YHOO\ndata: +2\ndata: 10\n\n"), ElementsAre("|YHOO\n+2\n10"));
  EXPECT_THAT(events(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                     "data:  third event\n\n"),
              ElementsAre("|first event", "|second event", "| third event"));
  EXPECT_THAT(events("data\n\ndata\ndata\n\n"), ElementsAre("|", "|\n"));
  EXPECT_THAT(events("data:test\n\ndata: test\n\n"), ElementsAre("|test", "|test"));
  EXPECT_THAT(events("event: add\ndata: 1\n\nevent: x\n\ndata: 2\n\n"), ElementsAre("add|1", "|2"));
  EXPECT_THAT(events("dataset: 1\nDATA: 2\n data: 3\n\n"), ElementsAre());
}

TEST(SseReader, TakesEveryLineEndAndAByteOrderMark) {
  EXPECT_THAT(events("\xEF\xBB\xBF"
                     "data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n"),
              ElementsAre("|a", "|b", "|c", "|d"));
  EXPECT_THAT(events("data: \xEF\xBB\xBF\n\n"), ElementsAre("|\xEF\xBB\xBF"));
}

TEST(SseReader, TheEndOfInputEndsAFrame) {
  EXPECT_THAT(events("data: a\n\ndata: b"), ElementsAre("|a", "|b"));
  EXPECT_THAT(events(""), ElementsAre());
}

}  // namespace
}  // namespace weir::wire
