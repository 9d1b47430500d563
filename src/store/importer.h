// Writes journal records into the database, idempotently by id: a record that is already there
// changes nothing, so a segment may be imported any number of times. The SQL follows from
// record_fields.h. An Importer belongs to the ledger thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "store/database.h"
#include "store/journal.h"
#include "store/tally.h"

namespace weir::store {

class Importer {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<Importer>, Error> open(Database& database);

  [[nodiscard]] std::expected<void, Error> begin();
  // A start waits in memory for its end, so that most requests are one row, written once; until
  // then its journal segment must stay.
  [[nodiscard]] std::expected<void, Error> add(Record&& record);
  // Writes the waiting starts as open rows: before a segment that may hold one is deleted.
  [[nodiscard]] std::expected<void, Error> write_open();
  // Counts what ended with this batch into `tally`, each request once ever. After a failure nothing
  // of the batch is in the database: roll back and give its records again.
  [[nodiscard]] std::expected<void, Error> commit(Tally* tally);
  void roll_back();

  // Requests without an end become `interrupted`; for the start, before anything new is served.
  [[nodiscard]] std::expected<int64_t, Error> mark_interrupted();
  // Deletes a bounded part of what is older. Returns true when there is more to delete.
  [[nodiscard]] std::expected<bool, Error> drop_before(int64_t cutoff_us);

 private:
  explicit Importer(Database& database) : database_(database) {}
  [[nodiscard]] std::expected<void, Error> prepare();
  // False when the request has ended before: nothing is changed.
  [[nodiscard]] std::expected<bool, Error> write_end(const StartRecord* start,
                                                     const EndRecord& end);
  [[nodiscard]] std::expected<void, Error> write_call(const std::string& id, size_t seq,
                                                      const CallRecord& call);
  [[nodiscard]] std::expected<void, Error> count_stored(const std::string& id, Tally& tally);

  Database& database_;
  std::optional<Statement> insert_start_, insert_ended_, upsert_end_, insert_call_, oldest_,
      drop_calls_, drop_requests_, request_row_, call_rows_;
  // Waiting for their ends.
  std::unordered_map<std::string, std::unique_ptr<StartRecord>> open_;
  // Of this batch, to undo it and to count it.
  struct Ended {
    std::unique_ptr<StartRecord> start;  // nullptr: it is in the database
    EndRecord end;
  };
  std::vector<std::string> opened_;
  std::vector<std::unique_ptr<StartRecord>> written_open_;
  std::vector<Ended> ended_;
};

// The SELECT lists that the two functions below read.
extern const std::string_view kRequestRowColumns;  // of requests
extern const std::string_view kCallRowColumns;     // of requests AS r and calls AS c
RequestRow read_request_row(const Statement& row);
CallRow read_call_row(const Statement& row);

}  // namespace weir::store
