#include "apps/progress.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace weir::apps {
namespace {

TEST(ProgressLine, SaysShareRateAndTimeLeft) {
  EXPECT_EQ(progress_line({"train", 450, 1000, 3.0}, 100),
            "train  [#########-----------]  45 %  450/1000  150/s  4 s left");
  EXPECT_EQ(progress_line({"train", 1000, 1000, 4.0}, 100),
            "train  [####################] 100 %  1000/1000  250/s");
}

TEST(ProgressLine, WithoutATotalItCounts) {
  EXPECT_EQ(progress_line({"route", 12, 0, 4.0}, 100), "route  12  3.0/s");
  EXPECT_EQ(progress_line({"route", 0, 0, 0}, 100), "route  0");
}

TEST(ProgressLine, NeverExceedsTheColumns) {
  const ProgressState state{"train", 1, 1'000'000'000'000, 1.0};
  EXPECT_EQ(progress_line(state, 30).size(), 30u);
  EXPECT_EQ(progress_line(state, 0).size(), 20u);
}

TEST(ProgressLine, MoreThanTheTotalIsAllOfIt) {
  EXPECT_EQ(progress_line({"a", 5, 4, 1}, 60), "a  [####################] 100 %  5/4  5.0/s");
}

std::string printed_to(std::FILE* file) {
  std::fflush(file);
  std::rewind(file);
  std::array<char, 4096> bytes{};
  return {bytes.data(), std::fread(bytes.data(), 1, bytes.size(), file)};
}

TEST(Progress, APipeOrFileSeesNothing) {
  std::FILE* file = std::tmpfile();
  ManualClock clock(0);
  {
    Progress progress("train", 10, Show::kOnTerminal, clock, file);
    for (int i = 0; i < 10; ++i) {
      clock.advance_us(1'000'000);
      progress.advance();
    }
  }
  EXPECT_EQ(printed_to(file), "");
  std::fclose(file);
}

// A pseudo-terminal: what is written to one end comes out of the other.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(2 /* O_RDWR */)) {
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) return;
    stream = std::fopen(::ptsname(master_), "w");
  }
  ~Terminal() {
    if (stream != nullptr) std::fclose(stream);
    if (master_ >= 0) ::close(master_);
  }
  std::string read() {
    std::array<char, 4096> bytes{};
    const ssize_t size = ::read(master_, bytes.data(), bytes.size());
    return {bytes.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
  }
  std::FILE* stream = nullptr;

 private:
  int master_;
};

TEST(Progress, ATerminalSeesALineThatIsRemovedAtTheEnd) {
  Terminal terminal;
  if (terminal.stream == nullptr) GTEST_SKIP() << "no pseudo-terminal can be opened here";
  ManualClock clock(0);
  Progress progress("train", 4, Show::kOnTerminal, clock, terminal.stream);
  progress.advance();  // too early to draw
  clock.advance_us(2'000'000);
  progress.advance();
  EXPECT_EQ(terminal.read(), "\r\x1b[Ktrain  [##########----------]  50 %  2/4  1.0/s  2 s left");
  progress.finish();
  EXPECT_EQ(terminal.read(), "\r\x1b[K");
}

TEST(Progress, IsSilentWhenAskedToBe) {
  Terminal terminal;
  if (terminal.stream == nullptr) GTEST_SKIP() << "no pseudo-terminal can be opened here";
  ManualClock clock(0);
  Progress progress("train", 4, Show::kNever, clock, terminal.stream);
  clock.advance_us(2'000'000);
  progress.advance();
  progress.finish();
  std::fputs("results", terminal.stream);
  std::fflush(terminal.stream);
  EXPECT_EQ(terminal.read(), "results");
}

}  // namespace
}  // namespace weir::apps
