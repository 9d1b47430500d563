#include "store/ledger.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "store/database.h"
#include "store/importer.h"
#include "store/schema.h"
#include "store/segment_reader.h"
#include "store/state_folder.h"
#include "store/tally.h"

namespace weir::store {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kBatchBytes = 1 << 20;
constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

struct Series {
  SegmentReader reader;
  std::shared_ptr<SeriesProgress> progress;
  int64_t synced_bytes = 0;
};

// Segments that were kept for their damage and last written before `before_us`.
void remove_damaged(const fs::path& folder, int64_t before_us) {
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (!entry.path().filename().string().ends_with(kDamagedSuffix)) continue;
    const auto written = std::chrono::file_clock::to_sys(entry.last_write_time(problem));
    if (problem || written.time_since_epoch() >= std::chrono::microseconds(before_us)) continue;
    if (!fs::remove(entry.path(), problem) && problem)
      log_warning("cannot remove {}: {}", entry.path().string(), problem.message());
  }
}

// The import is long work beside short requests, on the same cores where there are few. As a batch
// thread it keeps its fair share of the processor but does not interrupt a worker when it wakes,
// and short slices (Linux 6.12 and later) let a worker in soon. Both are wishes: failure changes
// nothing.
void yield_to_workers() {
  constexpr uint64_t kShortestSliceNs = 100'000;
  struct {
    uint32_t size = 48, policy = SCHED_BATCH;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t runtime_ns = kShortestSliceNs, deadline_ns = 0, period_ns = 0;
  } wish;
  static_assert(sizeof wish == 48);
  errno = 0;
  wish.nice = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0) (void)::syscall(SYS_sched_setattr, 0, &wish, 0);
}

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(LedgerOptions options, const Clock& clock, FileLock lock, std::string salt,
               Database database)
      : options_(std::move(options)),
        clock_(clock),
        lock_(std::move(lock)),
        salt_(std::move(salt)),
        database_(std::move(database)),
        opened_us_(clock.unix_us()),
        tally_(opened_us_, label_test(options_.labels)) {}

  ~SqliteLedger() override {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  std::expected<void, Error> start() {
    TRY_ASSIGN(importer_, Importer::open(database_));
    TRY(replay());
    thread_ = std::thread([this] { run(); });
    return {};
  }

  std::expected<std::unique_ptr<JournalWriter>, Error> make_writer(
      std::string_view series) override {
    auto progress = std::make_shared<SeriesProgress>();
    const fs::path folder = journal_folder(options_.state_folder);
    TRY_ASSIGN(auto writer,
               JournalWriter::open(folder, series, options_.journal, clock_, progress));
    const SegmentName first{std::string(series), progress->segment_number.load()};
    const std::lock_guard guard(mutex_);
    series_.push_back(
        std::make_unique<Series>(Series{SegmentReader(folder, first), std::move(progress)}));
    return writer;
  }

  std::expected<void, Error> flush() override {
    std::unique_lock guard(mutex_);
    const int64_t ticket = ++flush_wanted_;
    wake_.notify_all();
    flushed_.wait(guard, [&] { return flush_done_ >= ticket; });
    return flush_result_;
  }

  bool healthy() const override {
    if (import_failing_) return false;
    const std::lock_guard guard(mutex_);
    return std::ranges::none_of(series_, [](const auto& s) { return s->progress->failing.load(); });
  }

  int64_t failures() const override {
    const std::lock_guard guard(mutex_);
    int64_t count = import_failures_;
    for (const auto& series : series_)
      count += series->progress->failures;
    return count;
  }

  bool congested() const override {
    if (import_failing_) return false;
    const std::lock_guard guard(mutex_);
    int64_t backlog = 0;
    for (const auto& series : series_)
      backlog += series->progress->written_bytes - series->progress->imported_bytes;
    return backlog > options_.backlog_limit_bytes;
  }

  Report report() const override {
    const std::lock_guard guard(tally_mutex_);
    return tally_.report(clock_.unix_us());
  }

  int64_t opened_us() const override { return opened_us_; }
  std::string salt() const override { return salt_; }

 private:
  static Tally::IsLabel label_test(const std::vector<std::string>& labels) {
    if (labels.empty()) return {};
    return [known = std::set<std::string, std::less<>>(labels.begin(), labels.end())](
               std::string_view name) { return known.contains(name); };
  }

  // Before the thread runs: imports and deletes every segment in the folder.
  std::expected<void, Error> replay() {
    const fs::path folder = journal_folder(options_.state_folder);
    std::map<std::string, std::pair<int64_t, int64_t>> found;  // series -> first, last number
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator(folder, problem)) {
      const auto name = parse_segment_name(entry.path().filename().string());
      if (!name) continue;
      const auto [it, added] = found.try_emplace(name->series, name->number, name->number);
      it->second.first = std::min(it->second.first, name->number);
      it->second.second = std::max(it->second.second, name->number);
    }
    if (problem)
      return fail(ErrorCode::kIo,
                  fmt::format("cannot list {}: {}", folder.string(), problem.message()));
    for (const auto& [name, numbers] : found) {
      SegmentReader reader(folder, SegmentName{name, numbers.first});
      for (;;) {
        TRY_ASSIGN(const int64_t bytes,
                   import_batch(reader, numbers.second + 1, Counting::kReplay));
        if (bytes == 0) break;
      }
    }
    TRY_ASSIGN(const int64_t interrupted, importer_->mark_interrupted());
    if (interrupted > 0)
      log_warning("{} requests were interrupted when the last process ended", interrupted);
    return {};
  }

  enum class Counting { kReplay, kLive };

  std::expected<int64_t, Error> import_batch(SegmentReader& reader, int64_t live_number,
                                             Counting counting) {
    auto read = read_batch(reader, live_number, counting);
    if (read) {
      reader.settle();
      return read;
    }
    importer_->roll_back();
    reader.go_back();
    return read;
  }

  std::expected<int64_t, Error> read_batch(SegmentReader& reader, int64_t live_number,
                                           Counting counting) {
    TRY(importer_->begin());
    TRY_ASSIGN(const int64_t bytes, reader.read(live_number, kBatchBytes, [&](Record&& record) {
      return importer_->add(std::move(record));
    }));
    if (reader.has_finished()) TRY(importer_->write_open());
    const std::lock_guard guard(tally_mutex_);
    TRY(importer_->commit(counting == Counting::kLive ? &tally_ : nullptr));
    return bytes;
  }

  void run() {
    pthread_setname_np(pthread_self(), "ledger");
    yield_to_workers();
    for (bool stopping = false; !stopping;) {
      int64_t ticket = 0;
      bool asked = false;
      {
        std::unique_lock guard(mutex_);
        wake_.wait_for(guard, std::chrono::milliseconds(options_.journal.sync_ms),
                       [&] { return stopping_ || flush_wanted_ > flush_done_; });
        stopping = stopping_;
        ticket = flush_wanted_;
        asked = stopping || ticket > flush_done_;
      }
      auto result = work();
      if (asked && result) result = write_open();
      if (stopping && result) result = finish_closed();
      note(result);
      const std::lock_guard guard(mutex_);
      flush_done_ = ticket;
      flush_result_ = std::move(result);
      flushed_.notify_all();
    }
  }

  std::expected<void, Error> work() {
    std::vector<Series*> all;
    {
      const std::lock_guard guard(mutex_);
      for (const auto& series : series_)
        all.push_back(series.get());
    }
    TRY(sync(all));
    for (Series* series : all)
      TRY(import_all(*series));
    return drop_old();
  }

  // Durable within sync_ms even where the import is behind.
  std::expected<void, Error> sync(const std::vector<Series*>& all) {
    for (Series* series : all) {
      const int64_t written = series->progress->written_bytes;
      if (written == std::exchange(series->synced_bytes, written)) continue;
      TRY(series->reader.sync());
    }
    return {};
  }

  std::expected<void, Error> import_all(Series& series) {
    SeriesProgress& progress = *series.progress;
    const int64_t until = progress.written_bytes;
    while (progress.imported_bytes < until) {
      TRY_ASSIGN(const int64_t bytes,
                 import_batch(series.reader, progress.segment_number, Counting::kLive));
      if (bytes == 0) break;
      progress.imported_bytes += bytes;
    }
    return {};
  }

  // At a flush and at the end, so that readers know of what is still running.
  std::expected<void, Error> write_open() {
    TRY(importer_->begin());
    auto written = importer_->write_open();
    if (written) written = importer_->commit(nullptr);
    if (!written) importer_->roll_back();
    return written;
  }

  // At the end: segments whose writers are gone are complete, and need no replay.
  std::expected<void, Error> finish_closed() {
    const std::lock_guard guard(mutex_);
    for (const auto& series : series_) {
      if (series->progress.use_count() > 1) continue;
      const int64_t beyond = series->progress->segment_number + 1;
      TRY(import_batch(series->reader, beyond, Counting::kLive));
    }
    return {};
  }

  std::expected<void, Error> drop_old() {
    if (options_.retention_days <= 0) return {};
    const int64_t now_us = clock_.unix_us();
    if (now_us < next_drop_us_) return {};
    const int64_t before_us = now_us - options_.retention_days * kDayUs;
    TRY_ASSIGN(const bool more, importer_->drop_before(before_us));
    if (!more) remove_damaged(journal_folder(options_.state_folder), before_us);
    next_drop_us_ = more ? now_us : now_us + kDayUs / 24;
    return {};
  }

  void note(const std::expected<void, Error>& result) {
    if (result) {
      if (import_failing_.exchange(false)) log_info("the ledger takes rows again");
      return;
    }
    ++import_failures_;
    if (!import_failing_.exchange(true))
      log_error("the ledger cannot be written, the journal keeps the rows: {}",
                result.error().message);
  }

  const LedgerOptions options_;
  const Clock& clock_;
  const FileLock lock_;
  const std::string salt_;
  Database database_;
  std::unique_ptr<Importer> importer_;
  const int64_t opened_us_;
  int64_t next_drop_us_ = 0;
  std::atomic<bool> import_failing_{false};
  std::atomic<int64_t> import_failures_{0};

  mutable std::mutex tally_mutex_;
  Tally tally_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable wake_, flushed_;
  std::vector<std::unique_ptr<Series>> series_;
  bool stopping_ = false;
  int64_t flush_wanted_ = 0, flush_done_ = 0;
  std::expected<void, Error> flush_result_;
  std::thread thread_;
};

}  // namespace

std::expected<std::unique_ptr<Ledger>, Error> Ledger::open(LedgerOptions options,
                                                           const Clock& clock) {
  const fs::path folder = options.state_folder;
  TRY(make_state_folder(folder));
  auto lock = FileLock::acquire(folder / "lock");
  if (!lock && lock.error().code == ErrorCode::kConflict)
    return fail(ErrorCode::kConflict,
                fmt::format("the state folder {} is in use by another running weir: stop that one, "
                            "or give this one its own folder with --state",
                            folder.string()));
  if (!lock) return std::unexpected(lock.error());
  TRY_ASSIGN(Database database, Database::open(ledger_file(folder), Access::kReadWrite));
  if (auto migrated = migrate(database, migrations()); !migrated)
    return fail(migrated.error().code,
                fmt::format("{}: {}", ledger_file(folder).string(), migrated.error().message));
  TRY_ASSIGN(std::string salt, load_or_make_salt(folder));
  auto ledger = std::make_unique<SqliteLedger>(std::move(options), clock, std::move(*lock),
                                               std::move(salt), std::move(database));
  TRY(ledger->start());
  return ledger;
}

}  // namespace weir::store
