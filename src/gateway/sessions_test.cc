#include "gateway/sessions.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weir::gateway {
namespace {

Memory memory(std::string decision) {
  Memory m;
  m.decision_id = std::move(decision);
  return m;
}

TEST(Sessions, RemembersUntilIdle) {
  Sessions sessions(100, 1000);
  sessions.put(7, memory("d"), 0);
  EXPECT_EQ(sessions.find(7, 900)->decision_id, "d");
  EXPECT_TRUE(sessions.find(7, 1800));  // the look-up at 900 counted as use
  EXPECT_FALSE(sessions.find(7, 2800));
  EXPECT_EQ(sessions.size(), 0u);
}

TEST(Sessions, TheLongestUnusedGoesFirst) {
  Sessions sessions(32, 1'000'000);  // two a shard
  sessions.put(16, memory("a"), 0);
  sessions.put(32, memory("b"), 1);
  sessions.find(16, 2);
  sessions.put(48, memory("c"), 3);
  EXPECT_TRUE(sessions.find(16, 4));
  EXPECT_FALSE(sessions.find(32, 4));
  EXPECT_TRUE(sessions.find(48, 4));
}

TEST(Sessions, StaysBoundedUnderManyThreads) {
  Sessions sessions(64, 1'000'000);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 5000; ++i) {
        sessions.put(i * 4 + t, memory("x"), static_cast<int64_t>(i));
        sessions.find(i, static_cast<int64_t>(i));
      }
    });
  for (auto& thread : threads)
    thread.join();
  EXPECT_LE(sessions.size(), 64u);
}

}  // namespace
}  // namespace weir::gateway
