#include "store/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "store/database.h"
#include "store/record_line.h"
#include "store/sample_records.h"
#include "store/schema.h"
#include "store/state_folder.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    // In memory where there is such a folder: the many fsyncs of these tests are not their subject.
    const fs::path parent = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    folder_ = parent / fmt::format("weir-ledger-{}-{}", ::getpid(),
                                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  ~LedgerTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Ledger> open(JournalOptions journal = {}) {
    auto ledger = Ledger::open({.state_folder = folder_, .journal = journal}, clock_);
    EXPECT_TRUE(ledger) << ledger.error().message;
    return ledger ? std::move(*ledger) : nullptr;
  }

  // A journal as a killed process leaves it.
  void leave_segment(const std::string& name, std::string_view bytes) {
    ASSERT_TRUE(make_state_folder(folder_));
    ASSERT_TRUE(write_file(journal_folder(folder_) / name, bytes));
  }

  int64_t number(const std::string& sql) {
    auto database = Database::open(ledger_file(folder_), Access::kReadOnly);
    EXPECT_TRUE(database) << database.error().message;
    auto statement = database->prepare(sql);
    EXPECT_TRUE(statement) << statement.error().message;
    EXPECT_TRUE(statement->step().value_or(false)) << sql;
    return statement->int64(0);
  }

  size_t journal_files() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(journal_folder(folder_)))
      ++count;
    return count;
  }

  fs::path folder_;
  ManualClock clock_{kSampleTimeUs};
};

TEST_F(LedgerTest, ARequestIsOneRowWithItsCalls) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  ASSERT_TRUE(writer->append(sample_start(1)));
  ASSERT_TRUE(writer->append(sample_end(1)));
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(writer->backlog_bytes(), 0);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 1);
  EXPECT_EQ(number("SELECT cost_nanousd FROM requests"), 800'000);
  EXPECT_EQ(number("SELECT input_tokens FROM requests"), 800);

  const auto reader = ReadLedger::open(folder_, clock_).value();
  const auto shown = reader->show(sample_id(1));
  ASSERT_TRUE(shown) << shown.error().message;
  const auto json = json::Document::parse(*shown);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->root()["tags"].as_string(), "team=\"a\",\nb");
  EXPECT_EQ(json->root()["stream"].as_bool(), true);
  EXPECT_EQ(json->root()["score"].as_double(), 0.25);
  EXPECT_EQ(json->root()["calls"].at(0)["usage_raw"].as_string(), R"({"prompt_tokens":800})");
  EXPECT_TRUE(json->root()["calls"].at(0)["cost_nanousd"].as_int64());
  EXPECT_EQ(reader->show("nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(LedgerTest, AnEndMayComeInALaterBatchThanItsStart) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  ASSERT_TRUE(writer->append(sample_start(1)));
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(ledger->report().calls, 0);
  ASSERT_TRUE(writer->append(sample_end(1)));
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok' AND mode = 'route'"), 1);
  EXPECT_EQ(ledger->report().calls, 1);
}

TEST_F(LedgerTest, AStartOutlivesItsSegment) {
  const auto ledger = open({.segment_bytes = 1});
  auto writer = ledger->make_writer("w0").value();
  ASSERT_TRUE(writer->append(sample_start(1)));
  ASSERT_TRUE(writer->append(sample_start(2)));
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(journal_files(), 1u);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome IS NULL"), 2);
  ASSERT_TRUE(writer->append(sample_end(1)));
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok' AND mode = 'route'"), 1);
  EXPECT_EQ(ledger->report().routed_calls, 1);
}

TEST_F(LedgerTest, WhatStillRanAtTheEndIsInterruptedAtTheNextStart) {
  {
    const auto ledger = open();
    auto writer = ledger->make_writer("w0").value();
    ASSERT_TRUE(writer->append(sample_start(1)));
  }
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome IS NULL"), 1);
  open();
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'interrupted'"), 1);
}

TEST_F(LedgerTest, AnAnswerWithoutItsStartIsOnTheRecordAllTheSame) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  ASSERT_TRUE(writer->append(sample_end(7)));
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(number("SELECT started_us FROM requests WHERE outcome = 'ok'"), kSampleTimeUs + 7);
}

TEST_F(LedgerTest, ImportingASegmentAgainChangesNothing) {
  std::string bytes;
  append_line(SegmentHeader{.series = "w0", .number = 1}, bytes);
  for (int64_t n = 0; n < 10; ++n) {
    append_line(sample_start(n), bytes);
    if (n % 2 == 0) append_line(sample_end(n), bytes);
  }
  for (int round = 0; round < 3; ++round) {
    leave_segment("w0-0000000001.journal", bytes);
    leave_segment("copy-0000000009.journal", bytes);
    open();
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests"), 10);
    EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 5);
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'interrupted'"), 5);
    EXPECT_EQ(journal_files(), 0u);
  }
}

TEST_F(LedgerTest, ACrashAnywhereKeepsEveryWholeAnswerOnceAndMarksTheOthers) {
  std::string bytes;
  append_line(SegmentHeader{.series = "w0", .number = 1}, bytes);
  std::vector<size_t> starts, ends;
  for (const int64_t n : {1, 2}) {
    append_line(sample_start(n), bytes);
    starts.push_back(bytes.size());
  }
  for (const int64_t n : {1, 2}) {
    append_line(sample_end(n), bytes);
    ends.push_back(bytes.size());
  }
  const auto is_near_an_end = [&](size_t cut) {
    return cut + 3 >= bytes.size() ||
           std::ranges::any_of(starts, [&](size_t e) { return cut + 3 > e && cut < e + 3; }) ||
           std::ranges::any_of(ends, [&](size_t e) { return cut + 3 > e && cut < e + 3; });
  };
  set_log_level(LogLevel::kError);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    // journal_test cuts at every byte; a whole ledger for each takes too long.
    if (cut % 16 != 0 && !is_near_an_end(cut)) continue;
    fs::remove_all(folder_);
    leave_segment("w0-0000000001.journal", std::string_view(bytes).substr(0, cut));
    open();
    const auto up_to = [&](const std::vector<size_t>& all) {
      return std::ranges::count_if(all, [&](size_t end) { return end <= cut; });
    };
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests"), up_to(starts)) << cut;
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'"), up_to(ends)) << cut;
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'interrupted'"),
              up_to(starts) - up_to(ends))
        << cut;
    EXPECT_EQ(journal_files(), 0u);
  }
  set_log_level(LogLevel::kInfo);
}

TEST_F(LedgerTest, AProcessKilledWhileItWritesLosesNoReturnedAppend) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto ledger = Ledger::open({.state_folder = folder_, .journal = {.segment_bytes = 20'000}});
    auto writer = (*ledger)->make_writer("w0").value();
    for (int64_t n = 0;; ++n) {
      if (!writer->append(sample_start(n))) ::_exit(1);
      if (n % 3 == 0) continue;
      if (!writer->append(sample_end(n))) ::_exit(1);
      // What the client has received in full.
      if (::write(pipe_ends[1], &n, sizeof n) != sizeof n) ::_exit(1);
    }
  }
  ::close(pipe_ends[1]);
  std::vector<int64_t> answered;
  for (int64_t n = 0; answered.size() < 3000 && ::read(pipe_ends[0], &n, sizeof n) == sizeof n;)
    answered.push_back(n);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (int64_t n = 0; ::read(pipe_ends[0], &n, sizeof n) == sizeof n;)
    answered.push_back(n);
  ::close(pipe_ends[0]);
  ASSERT_GE(answered.size(), 3000u);

  open();
  auto database = Database::open(ledger_file(folder_), Access::kReadOnly);
  auto statement =
      database->prepare("SELECT COUNT(*) FROM requests WHERE id = ? AND outcome = 'ok'");
  for (const int64_t n : answered) {
    statement->bind(0, sample_id(n));
    ASSERT_TRUE(statement->step().value());
    ASSERT_EQ(statement->int64(0), 1) << n;
    statement->reset();
  }
  // At most one answer was recorded and not yet reported by the child.
  const int64_t ok = number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'");
  EXPECT_LE(ok, static_cast<int64_t>(answered.size()) + 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), ok);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'interrupted'"),
            number("SELECT COUNT(*) FROM requests") - ok);
}

TEST_F(LedgerTest, DamageCostsOneRecordAndTheSegmentIsKept) {
  std::string bytes;
  append_line(SegmentHeader{.series = "w0", .number = 1}, bytes);
  for (int64_t n = 0; n < 5; ++n)
    append_line(sample_end(n), bytes);
  bytes[bytes.find("\n") + 100] ^= 1;
  leave_segment("w0-0000000001.journal", bytes);
  open();
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests"), 4);
  EXPECT_TRUE(fs::exists(journal_folder(folder_) / "w0-0000000001.journal.damaged"));
  EXPECT_EQ(journal_files(), 1u);
}

TEST_F(LedgerTest, MuchDamageIsFiveLinesAndACount) {
  std::string bytes;
  append_line(SegmentHeader{.series = "w0", .number = 1}, bytes);
  for (int i = 0; i < 1000; ++i)
    bytes += "\x01\xfe no record\n";
  append_line(sample_end(1), bytes);
  leave_segment("w0-0000000001.journal", bytes);
  ::testing::internal::CaptureStderr();
  open();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests"), 1);
  EXPECT_EQ(std::ranges::count(log, '\n'), 6) << log;
  EXPECT_THAT(log, ::testing::HasSubstr("w0-0000000001.journal: 1000 damaged records are lost"));
}

TEST_F(LedgerTest, DamagedSegmentsGoWithTheRetention) {
  ASSERT_TRUE(make_state_folder(folder_));
  const auto leave = [&](const std::string& name, int64_t age_days) {
    leave_segment(name, "x");
    const std::chrono::sys_time<std::chrono::microseconds> written{
        std::chrono::microseconds(kSampleTimeUs - age_days * 86'400'000'000)};
    fs::last_write_time(journal_folder(folder_) / name, std::chrono::file_clock::from_sys(written));
  };
  leave("w0-0000000001.journal.damaged", 91);
  leave("w0-0000000002.journal.damaged", 89);
  leave("notes.txt", 91);
  ASSERT_TRUE(open()->flush());
  const fs::path folder = journal_folder(folder_);
  EXPECT_FALSE(fs::exists(folder / "w0-0000000001.journal.damaged"));
  EXPECT_TRUE(fs::exists(folder / "w0-0000000002.journal.damaged"));
  EXPECT_TRUE(fs::exists(folder / "notes.txt"));
}

TEST_F(LedgerTest, SegmentsAreDeletedOnceTheyAreCompleteAndImported) {
  const auto ledger = open({.segment_bytes = 3000});
  auto writer = ledger->make_writer("w0").value();
  for (int64_t n = 0; n < 100; ++n) {
    ASSERT_TRUE(writer->append(sample_start(n)));
    ASSERT_TRUE(writer->append(sample_end(n)));
    if (n % 10 == 0) {
      ASSERT_TRUE(ledger->flush());
    }
  }
  ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(journal_files(), 1u);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'"), 100);
}

TEST_F(LedgerTest, ManyWritersAtOnceLoseNothing) {
  constexpr int64_t kEach = 500;
  {
    const auto ledger = open({.segment_bytes = 50'000, .sync_ms = 1});
    std::vector<std::thread> threads;
    for (int64_t w = 0; w < 4; ++w) {
      std::shared_ptr<JournalWriter> writer = ledger->make_writer(fmt::format("w{}", w)).value();
      threads.emplace_back([w, writer] {
        for (int64_t n = 0; n < kEach; ++n) {
          EXPECT_TRUE(writer->append(sample_start(w * kEach + n)));
          EXPECT_TRUE(writer->append(sample_end(w * kEach + n)));
        }
      });
    }
    for (auto& thread : threads)
      thread.join();
    ASSERT_TRUE(ledger->flush());
    EXPECT_EQ(ledger->report().calls, 4 * kEach);
  }
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'"), 4 * kEach);
  EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 4 * kEach);
}

TEST_F(LedgerTest, ClosingImportsEverythingAndLeavesNoSegment) {
  {
    const auto ledger = open();
    auto writer = ledger->make_writer("w0").value();
    ASSERT_TRUE(writer->append(sample_start(1)));
    ASSERT_TRUE(writer->append(sample_end(1)));
  }
  EXPECT_EQ(journal_files(), 0u);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'"), 1);
}

TEST_F(LedgerTest, ASecondOwnerOfTheFolderIsToldWhatToDo) {
  const auto ledger = open();
  const auto second = Ledger::open({.state_folder = folder_}, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr(folder_.string()));
  EXPECT_THAT(second.error().message, HasSubstr("--state"));
}

TEST_F(LedgerTest, ReadsWhileTheOwnerWrites) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  const auto reader = ReadLedger::open(folder_, clock_);
  ASSERT_TRUE(reader) << reader.error().message;
  for (int64_t n = 0; n < 20; ++n) {
    ASSERT_TRUE(writer->append(sample_start(n)));
    ASSERT_TRUE(writer->append(sample_end(n)));
    ASSERT_TRUE(ledger->flush());
    const auto report = (*reader)->report(0);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->calls, n + 1);
  }
}

TEST_F(LedgerTest, LiveReportEqualsTheReportFromTheDatabase) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  Random random(3);
  for (int64_t n = 0; n < 400; ++n) {
    StartRecord start = sample_start(n);
    EndRecord end = random.below(2) == 0 ? sample_end(n) : sample_strong_end(n);
    start.control = end.served_tier == "strong" && random.below(3) == 0;
    start.mode = random.below(5) == 0 ? "named" : random.below(5) == 0 ? "observe" : "route";
    end.fallback = end.served_tier == "strong" && random.below(4) == 0;
    end.outcome = random.below(6) == 0 ? "client_gone" : random.below(6) == 0 ? "error" : "ok";
    end.latency_us = static_cast<int64_t>(random.below(5'000'000));
    end.calls[0].model = fmt::format("m{}", random.below(4));
    if (random.below(4) == 0) end.calls[0].cost_nanousd.reset();
    if (random.below(4) == 0) end.modelled_weak_nanousd.reset();
    if (random.below(4) == 0) end.calls[0].usage.source = catalog::UsageSource::kEstimated;
    end.calls[0].simulated = random.below(3) == 0;
    ASSERT_TRUE(writer->append(start));
    ASSERT_TRUE(writer->append(end));
    if (random.below(20) == 0) {
      ASSERT_TRUE(ledger->flush());
    }
  }
  ASSERT_TRUE(ledger->flush());
  const auto reader = ReadLedger::open(folder_, clock_).value();
  const Report stored = reader->report(ledger->opened_us()).value();
  EXPECT_EQ(report_json(ledger->report()), report_json(stored));
  EXPECT_EQ(report_prometheus(ledger->report()), report_prometheus(stored));
}

TEST_F(LedgerTest, NamesThatNobodyConfiguredAreOther) {
  const auto ledger =
      Ledger::open({.state_folder = folder_, .labels = {"auto", "small"}}, clock_).value();
  auto writer = ledger->make_writer("w0").value();
  EndRecord end = sample_end(1);
  ASSERT_TRUE(writer->append(sample_start(1)));
  ASSERT_TRUE(writer->append(end));
  end = sample_end(2);
  end.calls[0].model = "made-up-by-a-client";
  ASSERT_TRUE(writer->append(sample_start(2)));
  ASSERT_TRUE(writer->append(end));
  ASSERT_TRUE(ledger->flush());
  const Report report = ledger->report();
  ASSERT_EQ(report.models.size(), 2u);
  EXPECT_EQ(report.models[0].model, "other");
  EXPECT_EQ(report.models[1].model, "small");
}

TEST_F(LedgerTest, RowsOlderThanTheRetentionAreDropped) {
  {
    const auto ledger = open();
    auto writer = ledger->make_writer("w0").value();
    for (int64_t n = 0; n < 3; ++n) {
      StartRecord start = sample_start(n);
      start.started_us = kSampleTimeUs + n * 86'400'000'000;
      ASSERT_TRUE(writer->append(start));
      ASSERT_TRUE(writer->append(sample_end(n)));
    }
    ASSERT_TRUE(ledger->flush());
  }
  clock_.advance_us(int64_t{91} * 86'400'000'000);
  const auto ledger = open();
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(ledger->flush());
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests"), 2);
  EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 2);
}

TEST_F(LedgerTest, TheSaltStaysAndBelongsToTheOwnerAlone) {
  const std::string salt = open()->salt();
  EXPECT_EQ(salt.size(), 16u);
  EXPECT_EQ(open()->salt(), salt);
  struct stat info{};
  ASSERT_EQ(::stat((folder_ / "salt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_TRUE(write_file(folder_ / "salt", "short"));
  const auto ledger = Ledger::open({.state_folder = folder_}, clock_);
  ASSERT_FALSE(ledger);
  EXPECT_EQ(ledger.error().code, ErrorCode::kCorrupt);
}

TEST_F(LedgerTest, ANewerSchemaIsRefusedByWritersAndReaders) {
  open();
  {
    auto database = Database::open(ledger_file(folder_), Access::kReadWrite);
    ASSERT_TRUE(database->execute("INSERT INTO weir_schema (version) VALUES (1000)"));
  }
  const auto writing = Ledger::open({.state_folder = folder_}, clock_);
  ASSERT_FALSE(writing);
  EXPECT_EQ(writing.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(writing.error().message, HasSubstr("1000"));
  const auto reading = ReadLedger::open(folder_, clock_);
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code, ErrorCode::kUnsupported);
}

TEST_F(LedgerTest, ALaterMigrationKeepsTheRowsOfVersion1) {
  {
    const auto ledger = open();
    auto writer = ledger->make_writer("w0").value();
    ASSERT_TRUE(writer->append(sample_start(1)));
    ASSERT_TRUE(writer->append(sample_end(1)));
  }
  auto database = Database::open(ledger_file(folder_), Access::kReadWrite);
  ASSERT_TRUE(database);
  std::vector<std::string_view> steps(migrations().begin(), migrations().end());
  const auto before = steps.size();
  steps.push_back("ALTER TABLE requests ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'");
  ASSERT_TRUE(migrate(*database, steps));
  EXPECT_EQ(schema_version(*database), static_cast<int>(before) + 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE colour = 'blue' AND outcome = 'ok'"), 1);
  ASSERT_TRUE(migrate(*database, steps));

  steps.push_back("ALTER TABLE requests ADD COLUMN taste TEXT; this is no SQL");
  EXPECT_FALSE(migrate(*database, steps));
  EXPECT_EQ(schema_version(*database), static_cast<int>(before) + 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM pragma_table_info('requests') WHERE name = 'taste'"), 0);
}

TEST_F(LedgerTest, AForeignFileIsNotTakenForALedger) {
  ASSERT_TRUE(make_state_folder(folder_));
  ASSERT_TRUE(write_file(ledger_file(folder_), std::string(5000, 'x')));
  const auto text = Ledger::open({.state_folder = folder_}, clock_);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::kCorrupt) << text.error().message;
  fs::remove(ledger_file(folder_));
  {
    auto other = Database::open(ledger_file(folder_), Access::kReadWrite);
    ASSERT_TRUE(other->execute("CREATE TABLE recipes (name TEXT)"));
  }
  const auto recipes = Ledger::open({.state_folder = folder_}, clock_);
  ASSERT_FALSE(recipes);
  EXPECT_EQ(recipes.error().code, ErrorCode::kCorrupt);
}

TEST_F(LedgerTest, ADatabaseThatRefusesKeepsTheRowsInTheJournalUntilItTakesThem) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  auto other = Database::open(ledger_file(folder_), Access::kReadWrite);
  // What a full disk does to a write, at the place where it does it.
  ASSERT_TRUE(
      other->execute("CREATE TRIGGER full BEFORE INSERT ON calls BEGIN "
                     "SELECT RAISE(ABORT, 'disk full'); END"));
  ASSERT_TRUE(writer->append(sample_start(1)));
  ASSERT_TRUE(ledger->flush());
  ASSERT_TRUE(writer->append(sample_end(1)));
  EXPECT_FALSE(ledger->flush());
  EXPECT_FALSE(ledger->flush());
  EXPECT_FALSE(ledger->healthy());
  EXPECT_GT(ledger->failures(), 0);
  EXPECT_FALSE(ledger->congested());
  EXPECT_GT(writer->backlog_bytes(), 0);
  ASSERT_TRUE(other->execute("DROP TRIGGER full"));
  ASSERT_TRUE(ledger->flush());
  EXPECT_TRUE(ledger->healthy());
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome = 'ok'"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE mode = 'route'"), 1);
  EXPECT_EQ(ledger->report().calls, 1);
}

TEST_F(LedgerTest, ReadingWithoutALedgerSaysWhatMakesOne) {
  const auto reader = ReadLedger::open(folder_, clock_);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(reader.error().message, HasSubstr("weir serve"));
}

TEST_F(LedgerTest, ExportsEveryRequestAsCsvAndJsonl) {
  const auto ledger = open();
  auto writer = ledger->make_writer("w0").value();
  for (int64_t n = 0; n < 3; ++n) {
    auto start = sample_start(n);
    start.score = 0.1 + 0.2;
    ASSERT_TRUE(writer->append(start));
    if (n != 1) {
      ASSERT_TRUE(writer->append(sample_end(n)));
    }
  }
  ASSERT_TRUE(ledger->flush());
  const auto reader = ReadLedger::open(folder_, clock_).value();
  std::string text;
  const auto keep = [&](std::string_view part) { text += part; };
  EXPECT_EQ(reader->export_rows(0, ExportFormat::kJsonl, keep), 3u);
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  const auto first = json::Document::parse(text.substr(0, text.find('\n')));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->root()["calls"].size(), 1u);
  EXPECT_EQ(first->root()["started"].as_string(), format_rfc3339(kSampleTimeUs));

  text.clear();
  EXPECT_EQ(reader->export_rows(kSampleTimeUs + 1, ExportFormat::kCsv, keep), 2u);
  EXPECT_TRUE(text.starts_with("id,client_request_id,started_us,"));
  EXPECT_THAT(text, HasSubstr("\"team=\"\"a\"\",\nb\""));
  EXPECT_THAT(text, HasSubstr(",0.30000000000000004,"));
}

}  // namespace
}  // namespace weir::store
