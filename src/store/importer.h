// Writes journal records into the database, idempotently by id: a record that is already there
// changes nothing, so a segment may be imported any number of times. The SQL follows from
// record_fields.h. An Importer belongs to the ledger thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
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
  // A start is kept until its end comes or the batch is committed: most requests are one row,
  // written once.
  [[nodiscard]] std::expected<void, Error> add(Record&& record);
  // After a failure nothing of the batch is in the database: give its records again.
  [[nodiscard]] std::expected<void, Error> commit();
  void roll_back();
  // Requests that ended with the last committed batch, each reported once ever.
  const std::vector<std::string>& ended() const { return ended_; }

  // Requests without an end become `interrupted`; for the start, before anything new is served.
  [[nodiscard]] std::expected<int64_t, Error> mark_interrupted();
  // Deletes a bounded part of what is older. Returns true when there is more to delete.
  [[nodiscard]] std::expected<bool, Error> drop_before(int64_t cutoff_us);
  // Counts one ended request and its calls.
  [[nodiscard]] std::expected<void, Error> count(const std::string& id, Tally& tally);

 private:
  explicit Importer(Database& database) : database_(database) {}
  [[nodiscard]] std::expected<void, Error> prepare();
  [[nodiscard]] std::expected<void, Error> write_end(const StartRecord& start,
                                                     const EndRecord& end);
  [[nodiscard]] std::expected<void, Error> write_call(const std::string& id, size_t seq,
                                                      const CallRecord& call);

  Database& database_;
  std::optional<Statement> insert_start_, upsert_end_, insert_call_, oldest_, drop_calls_,
      drop_requests_, request_row_, call_rows_;
  std::unordered_map<std::string, StartRecord> open_;
  std::vector<std::string> ended_;
};

// The SELECT lists that the two functions below read.
extern const std::string_view kRequestRowColumns;  // of requests
extern const std::string_view kCallRowColumns;     // of requests AS r and calls AS c
RequestRow read_request_row(const Statement& row);
CallRow read_call_row(const Statement& row);

}  // namespace weir::store
