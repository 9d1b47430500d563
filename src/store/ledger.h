// The ledger: SQLite (WAL) with the tables `requests` and `calls`, one writer thread, numbered
// forward migrations. SQL is kept portable to PostgreSQL. Schema: docs/formats/ledger.md.
// Ledger may be used from any thread; ReadLedger opens the same file read-only (report, export,
// show) also while a server runs, and belongs to one thread.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "store/journal.h"
#include "store/records.h"
#include "store/report.h"

namespace weir::store {

struct LedgerOptions {
  std::filesystem::path state_folder = {};  // holds ledger.db, journal/, salt, lock
  JournalOptions journal = {};
  int retention_days = 90;                 // 0: for ever
  int64_t backlog_limit_bytes = 64 << 20;  // above it requests wait for the importer
  // Names of the configured routes and models; others are "other" in report(), so that clients
  // cannot make labels. Empty: every name is a label.
  std::vector<std::string> labels = {};
};

// Owner of the state folder while a server runs: locks it, replays what an earlier process left
// (starts without an end become `interrupted`), then imports segments on its own thread.
class Ledger {
 public:
  // Fails: kConflict when another process holds the folder, kUnsupported when the schema is newer
  // than this program, kCorrupt, kIo.
  [[nodiscard]] static std::expected<std::unique_ptr<Ledger>, Error> open(
      LedgerOptions options, const Clock& clock = SystemClock::instance());
  // Imports everything, closes. Writers must be gone before.
  virtual ~Ledger() = default;

  // One writer per worker, made at start.
  [[nodiscard]] virtual std::expected<std::unique_ptr<JournalWriter>, Error> make_writer(
      std::string_view series) = 0;
  // Imports everything appended so far; returns when it is in the database, requests that still run
  // included (else they come with their end). Fails as the database
  // fails; the journal then keeps the records and the next import takes them.
  [[nodiscard]] virtual std::expected<void, Error> flush() = 0;
  // False after a write failure (journal or database) until the next success: readiness is red.
  virtual bool healthy() const = 0;
  // Failed writes since the start, for metrics.
  virtual int64_t failures() const = 0;
  // True while requests should wait for the importer: more than backlog_limit_bytes lie in the
  // journal. False while unhealthy, because waiting would not help then.
  virtual bool congested() const = 0;
  // What has ended and was imported since open(): the numbers of `weir report --since opened_us`.
  // Costs no query.
  virtual Report report() const = 0;
  virtual int64_t opened_us() const = 0;
  // The secret salt of keyed hashes, made at first start, 16 bytes, never logged.
  virtual std::string salt() const = 0;
};

enum class ExportFormat { kCsv, kJsonl };

class ReadLedger {
 public:
  // Fails: kNotFound with the path and what to do, kUnsupported for another schema version.
  [[nodiscard]] static std::expected<std::unique_ptr<ReadLedger>, Error> open(
      const std::filesystem::path& state_folder, const Clock& clock = SystemClock::instance());
  virtual ~ReadLedger() = default;
  // Requests that began at since_us or later and have ended.
  [[nodiscard]] virtual std::expected<Report, Error> report(int64_t since_us) = 0;
  // One request with its calls as a JSON object; kNotFound.
  [[nodiscard]] virtual std::expected<std::string, Error> show(std::string_view id) = 0;
  // Gives the rows to `write` in order of time, the CSV with a header line; returns the number of
  // requests. JSONL: one request a line, its calls inside. CSV: one request a line.
  [[nodiscard]] virtual std::expected<size_t, Error> export_rows(
      int64_t since_us, ExportFormat format,
      const std::function<void(std::string_view)>& write) = 0;
};

}  // namespace weir::store
