#include "store/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/files.h"
#include "store/crc32c.h"
#include "store/record_fields.h"
#include "store/record_line.h"
#include "store/sample_records.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    folder_ = fs::temp_directory_path() /
              fmt::format("weir-journal-{}-{}", ::getpid(),
                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~JournalTest() override { fs::remove_all(folder_); }

  std::vector<std::string> file_names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  fs::path folder_;
};

std::string segment_of(int64_t records) {
  std::string bytes;
  append_line(SegmentHeader{.series = "w0", .number = 1}, bytes);
  for (int64_t n = 0; n < records; ++n) {
    append_line(sample_start(n), bytes);
    append_line(sample_end(n), bytes);
  }
  return bytes;
}

struct FieldText {
  std::string text;
  void operator()(std::string_view name, const std::string& v) { add(name, v); }
  void operator()(std::string_view name, CallRole v) { add(name, to_string(v)); }
  void operator()(std::string_view name, catalog::UsageSource v) { add(name, to_string(v)); }
  void operator()(std::string_view name, auto v) { add(name, v); }
  template <typename T>
  void operator()(std::string_view name, const std::optional<T>& v) {
    if (v)
      add(name, *v);
    else
      add(name, "none");
  }
  void add(std::string_view name, const auto& v) { text += fmt::format("{}={}\n", name, v); }
};

std::string text_of(const StartRecord& r) {
  FieldText out;
  visit_start_fields(r, out);
  return out.text;
}
std::string text_of(const EndRecord& r) {
  FieldText out;
  out("id", r.id);
  visit_end_fields(r, out);
  for (const CallRecord& call : r.calls)
    visit_call_fields(call, out);
  return out.text;
}

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  for (size_t size = 0; size < 40; ++size) {
    const std::string bytes = std::string(size, 'x') + "\x80";
    EXPECT_EQ(crc32c(bytes), crc32c_portable(bytes)) << size;
  }
}

TEST(RecordLine, EveryFieldComesBack) {
  std::string line;
  append_line(sample_start(3), line);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  auto parsed = parse_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(text_of(std::get<StartRecord>(*parsed)), text_of(sample_start(3)));

  EndRecord end = sample_end(3);
  end.fallback = true;
  end.fallback_cause = "timeout";
  end.calls.push_back(end.calls[0]);
  end.calls[1].role = CallRole::kDiscarded;
  end.calls[1].cost_nanousd = std::nullopt;
  end.calls[1].usage = {};
  end.calls[1].simulated = true;
  line.clear();
  append_line(end, line);
  parsed = parse_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(text_of(std::get<EndRecord>(*parsed)), text_of(end));
}

TEST(RecordLine, DefaultsComeBackAsDefaults) {
  std::string line;
  append_line(StartRecord{.id = "x", .propensity = 0}, line);
  auto parsed = parse_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(text_of(std::get<StartRecord>(*parsed)),
            text_of(StartRecord{.id = "x", .propensity = 0}));
}

// The quick reader and the JSON reader agree: a space sends a line the long way.
TEST(RecordLine, AnotherSpellingMeansTheSame) {
  for (int number = 0; number < 20; ++number) {
    StartRecord start = sample_start(number);
    start.tags = "a\"b\\c\n\x01\xc3\xa9";
    EndRecord end = sample_end(number);
    end.calls.push_back(end.calls[0]);
    for (const bool is_start : {true, false}) {
      std::string line;
      is_start ? append_line(start, line) : append_line(end, line);
      line.pop_back();
      std::string json = line.substr(9);
      json.insert(1, " ");
      const auto quick = parse_line(line);
      const auto slow = parse_line(fmt::format("{:08x} {}", crc32c(json), json));
      ASSERT_TRUE(quick && slow);
      if (is_start)
        EXPECT_EQ(text_of(std::get<StartRecord>(*quick)), text_of(std::get<StartRecord>(*slow)));
      else
        EXPECT_EQ(text_of(std::get<EndRecord>(*quick)), text_of(std::get<EndRecord>(*slow)));
    }
  }
}

TEST(RecordLine, HostileTextStaysOneBoundedLine) {
  StartRecord start = sample_start(1);
  start.tags = std::string("a\nb\"\\\x01\xff") + std::string(1 << 20, 'x');
  std::string line;
  append_line(start, line);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LT(line.size(), 2 * kLongestField);
  EXPECT_TRUE(parse_line(std::string_view(line).substr(0, line.size() - 1)));
}

TEST(RecordLine, AnyFlippedBitIsNoticed) {
  std::string line;
  append_line(sample_start(1), line);
  line.pop_back();
  for (size_t i = 0; i < line.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string broken = line;
      broken[i] = static_cast<char>(broken[i] ^ 1 << bit);
      // Upper case hex digits of the checksum mean the same.
      if (i < 8 && bit == 5 && line[i] >= 'a') continue;
      EXPECT_FALSE(parse_line(broken)) << "byte " << i << " bit " << bit;
    }
}

TEST(ReadSegment, ACutAtEveryByteLosesAtMostTheCutRecord) {
  const std::string bytes = segment_of(3);
  std::vector<size_t> ends;  // of the header and of each record
  for (size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] == '\n') ends.push_back(i + 1);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const auto whole =
        static_cast<size_t>(std::ranges::count_if(ends, [&](size_t end) { return end <= cut; }));
    size_t seen = 0;
    const auto count =
        read_segment(std::string_view(bytes).substr(0, cut), [&](Record&&) { ++seen; });
    ASSERT_TRUE(count) << cut << ": " << count.error().message;
    EXPECT_EQ(*count, whole == 0 ? 0 : whole - 1) << cut;
    EXPECT_EQ(seen, *count);
  }
}

TEST(ReadSegment, DamageInTheMiddleIsCorruptWithItsOffset) {
  std::string bytes = segment_of(2);
  const size_t second_line = bytes.find('\n') + 1;
  bytes[second_line + 40] ^= 1;
  const auto count = read_segment(bytes, [](Record&&) {});
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(count.error().message, ::testing::HasSubstr(fmt::format("byte {}", second_line)));
}

TEST(ReadSegment, GarbageAtTheEndIsTakenForATornWrite) {
  const std::string bytes = segment_of(2);
  for (const std::string& tail :
       {std::string(300, '\0'), std::string("deadbeef {\"t\":\"start\"}\n"), std::string("\n")}) {
    const auto count = read_segment(bytes + tail, [](Record&&) {});
    ASSERT_TRUE(count) << count.error().message;
    EXPECT_EQ(*count, 4u);
  }
}

TEST(ReadSegment, ANewerVersionIsRefused) {
  std::string bytes;
  append_line(SegmentHeader{.version = kJournalVersion + 1, .series = "w0", .number = 1}, bytes);
  const auto count = read_segment(bytes, [](Record&&) {});
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, ErrorCode::kUnsupported);
}

// Lets files grow to `bytes` and no further, as a full disk would, until it goes out of scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(JournalTest, EveryRecordIsInTheFileWhenAppendReturns) {
  auto writer = JournalWriter::open(folder_, "w0", {});
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_EQ(file_names(), std::vector<std::string>{"w0-0000000001.journal"});
  for (int64_t n = 0; n < 5; ++n) {
    ASSERT_TRUE((*writer)->append(sample_start(n)));
    ASSERT_TRUE((*writer)->append(sample_end(n)));
    const auto bytes = read_file(folder_ / "w0-0000000001.journal");
    EXPECT_EQ(read_segment(*bytes, [](Record&&) {}), static_cast<size_t>(2 * n + 2));
    EXPECT_EQ((*writer)->backlog_bytes(), static_cast<int64_t>(bytes->size()));
  }
}

TEST_F(JournalTest, RecordsOfOneBatchAreWrittenTogether) {
  auto writer = JournalWriter::open(folder_, "w0", {});
  ASSERT_TRUE(writer);
  const auto count = [&] {
    return read_segment(*read_file(folder_ / "w0-0000000001.journal"), [](Record&&) {}).value();
  };
  const auto first = (*writer)->enqueue(sample_start(1));
  const auto second = (*writer)->enqueue(sample_start(2));
  EXPECT_EQ(first, second);
  EXPECT_EQ(count(), 0u);
  ASSERT_TRUE((*writer)->commit(*second));
  EXPECT_EQ(count(), 2u);
  const auto next = (*writer)->enqueue(sample_end(1));
  EXPECT_NE(next, first);
  ASSERT_TRUE((*writer)->commit(*first));
  EXPECT_EQ(count(), 2u);
  ASSERT_TRUE((*writer)->commit(*next));
  EXPECT_EQ(count(), 3u);
}

// A batch may be as large as the requests of a moment make it, but not larger than its limit.
TEST_F(JournalTest, AFullBatchIsWrittenAtOnce) {
  auto writer = JournalWriter::open(folder_, "w0", {});
  ASSERT_TRUE(writer);
  StartRecord start = sample_start(1);
  start.tags = std::string(kLongestField, 'x');
  auto batch = (*writer)->enqueue(start);
  for (int n = 0; n < 20 && !batch->over; ++n)
    batch = (*writer)->enqueue(start);
  EXPECT_TRUE(batch->over);
  EXPECT_FALSE(batch->failure);
  EXPECT_GT(fs::file_size(folder_ / "w0-0000000001.journal"), 256u << 10);
}

TEST_F(JournalTest, AFailureIsToldToEveryRecordOfTheBatch) {
  const auto progress = std::make_shared<SeriesProgress>();
  auto writer = JournalWriter::open(folder_, "w0", {}, SystemClock::instance(), progress);
  ASSERT_TRUE(writer);
  const fs::path file = folder_ / "w0-0000000001.journal";
  const auto size = fs::file_size(file);
  const auto first = (*writer)->enqueue(sample_start(1));
  const auto second = (*writer)->enqueue(sample_start(2));
  {
    const FileSizeLimit full(size + 100);
    EXPECT_FALSE((*writer)->commit(*first));
  }
  EXPECT_FALSE((*writer)->commit(*second));
  EXPECT_EQ(progress->failures, 2);
  EXPECT_EQ(fs::file_size(file), size);
  EXPECT_TRUE((*writer)->append(sample_start(3)));
}

TEST_F(JournalTest, SegmentsRotateByBytesAndByTime) {
  ManualClock clock(kSampleTimeUs);
  const auto progress = std::make_shared<SeriesProgress>();
  auto writer = JournalWriter::open(folder_, "w0", {.segment_bytes = 2000, .segment_ms = 1000},
                                    clock, progress);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->append(sample_start(1)));
  EXPECT_EQ(file_names().size(), 1u);
  clock.advance_us(1'000'000);
  ASSERT_TRUE((*writer)->append(sample_end(1)));
  EXPECT_EQ(file_names().size(), 2u);
  EXPECT_EQ(progress->segment_number, 2);
  for (int64_t n = 2; n < 12; ++n)
    ASSERT_TRUE((*writer)->append(sample_start(n)));
  EXPECT_GT(file_names().size(), 3u);
  size_t records = 0;
  for (const std::string& name : file_names())
    records += read_segment(*read_file(folder_ / name), [](Record&&) {}).value();
  EXPECT_EQ(records, 12u);
}

TEST_F(JournalTest, NumbersGoOnAfterWhatLiesThere) {
  ASSERT_TRUE(write_file(folder_ / "w0-0000000041.journal", ""));
  ASSERT_TRUE(write_file(folder_ / "w1-0000000099.journal", ""));
  auto writer = JournalWriter::open(folder_, "w0", {});
  ASSERT_TRUE(writer);
  EXPECT_TRUE(fs::exists(folder_ / "w0-0000000042.journal"));
  EXPECT_FALSE(JournalWriter::open(folder_, "a/b", {}));
  EXPECT_FALSE(JournalWriter::open(folder_ / "missing", "w2", {}));
}

TEST_F(JournalTest, AFullDiskLeavesNoHalfRecordAndEndsWithTheNextSuccess) {
  const auto progress = std::make_shared<SeriesProgress>();
  auto writer = JournalWriter::open(folder_, "w0", {}, SystemClock::instance(), progress);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->append(sample_start(1)));
  const fs::path file = folder_ / "w0-0000000001.journal";
  const auto size = fs::file_size(file);
  {
    const FileSizeLimit full(size + 100);
    const auto failed = (*writer)->append(sample_end(1));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::kIo);
    EXPECT_THAT(failed.error().message, ::testing::HasSubstr(file.string()));
    EXPECT_TRUE(progress->failing);
    EXPECT_EQ(fs::file_size(file), size);
  }
  ASSERT_TRUE((*writer)->append(sample_end(1)));
  EXPECT_FALSE(progress->failing);
  EXPECT_EQ(progress->failures, 1);
  EXPECT_EQ(read_segment(*read_file(file), [](Record&&) {}), 2u);
}

TEST(SegmentNames, RoundTripAndRefuseOthers) {
  const auto name = parse_segment_name("worker-3-0000000012.journal");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->series, "worker-3");
  EXPECT_EQ(name->number, 12);
  EXPECT_EQ(name->file_name(), "worker-3-0000000012.journal");
  for (const char* other : {"x.journal", "-1.journal", "w-1x.journal", "w-1.journal.damaged", "w-",
                            "w--1.journal2", "w/../x-1.journal"})
    EXPECT_FALSE(parse_segment_name(other)) << other;
}

}  // namespace
}  // namespace weir::store
