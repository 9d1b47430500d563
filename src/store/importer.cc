#include "store/importer.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <utility>

#include "base/log.h"
#include "store/record_fields.h"

namespace weir::store {
namespace {

// One slice of time a step, so that a deletion never holds the database for long.
constexpr int64_t kDropSliceUs = int64_t{600} * 1'000'000;

// Columns that are derived from the calls when a request ends.
constexpr std::string_view kTotals[] = {"cost_nanousd", "unpriced_calls", "input_tokens",
                                        "output_tokens"};

class Binder {
 public:
  explicit Binder(Statement& statement) : statement_(statement) {}
  void operator()(std::string_view, const std::string& text) {
    statement_.bind_kept(next_++, text);
  }
  void operator()(std::string_view, std::integral auto number) {
    statement_.bind(next_++, static_cast<int64_t>(number));
  }
  void operator()(std::string_view, double number) { statement_.bind(next_++, number); }
  template <typename T>
  void operator()(std::string_view name, const std::optional<T>& value) {
    if (value)
      (*this)(name, *value);
    else
      statement_.bind_null(next_++);
  }
  void operator()(std::string_view, CallRole role) {
    statement_.bind_kept(next_++, to_string(role));
  }
  void operator()(std::string_view, catalog::UsageSource source) {
    statement_.bind_kept(next_++, to_string(source));
  }

 private:
  Statement& statement_;
  int next_ = 0;
};

std::vector<std::string> start_columns() {
  std::vector<std::string> names;
  const StartRecord record;
  visit_start_fields(record, [&](const char* name, const auto&) { names.emplace_back(name); });
  return names;
}

std::vector<std::string> end_columns() {
  std::vector<std::string> names;
  const EndRecord record;
  visit_end_fields(record, [&](const char* name, const auto&) { names.emplace_back(name); });
  names.insert(names.end(), std::begin(kTotals), std::end(kTotals));
  return names;
}

std::string insert_into(std::string_view table, const std::vector<std::string>& columns) {
  std::string places;
  for (size_t i = 0; i < columns.size(); ++i)
    places += i == 0 ? "?" : ", ?";
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table, fmt::join(columns, ", "), places);
}

std::string upsert_end_sql() {
  std::vector<std::string> columns = start_columns();
  const std::vector<std::string> ends = end_columns();
  columns.insert(columns.end(), ends.begin(), ends.end());
  std::string sql = insert_into("requests", columns) + " ON CONFLICT (id) DO UPDATE SET ";
  for (const std::string& name : ends)
    sql += fmt::format("{}{} = excluded.{}", name == ends.front() ? "" : ", ", name, name);
  return sql + " WHERE requests.ended_us IS NULL";
}

std::string insert_ended_sql() {
  std::vector<std::string> columns = start_columns();
  const std::vector<std::string> ends = end_columns();
  columns.insert(columns.end(), ends.begin(), ends.end());
  return insert_into("requests", columns) + " ON CONFLICT (id) DO NOTHING";
}

std::string insert_call_sql() {
  std::vector<std::string> columns{"request_id", "seq"};
  const CallRecord record;
  visit_call_fields(record, [&](const char* name, const auto&) { columns.emplace_back(name); });
  return insert_into("calls", columns) + " ON CONFLICT (request_id, seq) DO NOTHING";
}

struct Totals {
  std::optional<int64_t> cost_nanousd = 0;  // nullopt as soon as one call is unpriced
  int64_t unpriced_calls = 0;
  int64_t input_tokens = 0, output_tokens = 0;  // of the served call
};

Totals totals_of(const EndRecord& end) {
  Totals totals;
  for (const CallRecord& call : end.calls) {
    if (is_unpriced(call.outcome, to_string(call.usage.source), call.cost_nanousd))
      ++totals.unpriced_calls;
    *totals.cost_nanousd += call.cost_nanousd.value_or(0);
    if (call.role != CallRole::kServed) continue;
    totals.input_tokens += call.usage.all_input_tokens();
    totals.output_tokens += call.usage.output_tokens;
  }
  if (totals.unpriced_calls > 0) totals.cost_nanousd.reset();
  return totals;
}

RequestRow request_row(const StartRecord& start, const EndRecord& end) {
  const Totals totals = totals_of(end);
  return {.route = start.route,
          .mode = start.mode,
          .reason = start.reason,
          .outcome = end.outcome,
          .served_tier = end.served_tier,
          .assigned = start.assigned,
          .control = start.control,
          .fallback = end.fallback,
          .cost_nanousd = totals.cost_nanousd,
          .modelled_strong_nanousd = end.modelled_strong_nanousd,
          .modelled_weak_nanousd = end.modelled_weak_nanousd,
          .input_tokens = totals.input_tokens,
          .latency_us = end.latency_us,
          .overhead_us = end.overhead_us,
          .first_token_us = end.first_token_us,
          .cascade = end.cascade};
}

CallRow call_row(const StartRecord& start, const EndRecord& end, const CallRecord& call) {
  return {.route = start.route,
          .fallback = end.fallback,
          .role = to_string(call.role),
          .model = call.model,
          .tier = call.tier,
          .outcome = call.outcome,
          .usage_source = to_string(call.usage.source),
          .input_tokens = call.usage.input_tokens,
          .cache_read_tokens = call.usage.cache_read_tokens,
          .cache_write_tokens = call.usage.cache_write_tokens,
          .cache_write_1h_tokens = call.usage.cache_write_1h_tokens,
          .output_tokens = call.usage.output_tokens,
          .cost_nanousd = call.cost_nanousd,
          .simulated = call.simulated};
}

}  // namespace

const std::string_view kRequestRowColumns =
    "route, mode, reason, outcome, served_tier, control, fallback, cost_nanousd, "
    "modelled_strong_nanousd, modelled_weak_nanousd, input_tokens, latency_us, overhead_us, "
    "first_token_us, assigned, cascade";

RequestRow read_request_row(const Statement& row) {
  return {.route = row.text(0),
          .mode = row.text(1),
          .reason = row.text(2),
          .outcome = row.text(3),
          .served_tier = row.text(4),
          .assigned = row.text(14),
          .control = row.int64(5) != 0,
          .fallback = row.int64(6) != 0,
          .cost_nanousd = row.optional_int64(7),
          .modelled_strong_nanousd = row.optional_int64(8),
          .modelled_weak_nanousd = row.optional_int64(9),
          .input_tokens = row.int64(10),
          .latency_us = row.optional_int64(11),
          .overhead_us = row.optional_int64(12),
          .first_token_us = row.optional_int64(13),
          .cascade = row.text(15)};
}

const std::string_view kCallRowColumns =
    "r.route, r.fallback, c.role, c.model, c.tier, c.outcome, c.usage_source, c.input_tokens, "
    "c.cache_read_tokens, c.cache_write_tokens, c.cache_write_1h_tokens, c.output_tokens, "
    "c.cost_nanousd, c.simulated";

CallRow read_call_row(const Statement& row) {
  return {.route = row.text(0),
          .fallback = row.int64(1) != 0,
          .role = row.text(2),
          .model = row.text(3),
          .tier = row.text(4),
          .outcome = row.text(5),
          .usage_source = row.text(6),
          .input_tokens = row.int64(7),
          .cache_read_tokens = row.int64(8),
          .cache_write_tokens = row.int64(9),
          .cache_write_1h_tokens = row.int64(10),
          .output_tokens = row.int64(11),
          .cost_nanousd = row.optional_int64(12),
          .simulated = row.int64(13) != 0};
}

std::expected<std::unique_ptr<Importer>, Error> Importer::open(Database& database) {
  std::unique_ptr<Importer> importer(new Importer(database));
  TRY(importer->prepare());
  return importer;
}

std::expected<void, Error> Importer::prepare() {
  const auto prepare_one = [&](std::optional<Statement>& statement,
                               std::string_view sql) -> std::expected<void, Error> {
    TRY_ASSIGN(statement, database_.prepare(sql));
    return {};
  };
  TRY(prepare_one(insert_start_,
                  insert_into("requests", start_columns()) + " ON CONFLICT (id) DO NOTHING"));
  TRY(prepare_one(insert_ended_, insert_ended_sql()));
  TRY(prepare_one(upsert_end_, upsert_end_sql()));
  TRY(prepare_one(insert_call_, insert_call_sql()));
  TRY(prepare_one(oldest_, "SELECT MIN(started_us) FROM requests"));
  TRY(prepare_one(drop_calls_,
                  "DELETE FROM calls WHERE request_id IN "
                  "(SELECT id FROM requests WHERE started_us < ?)"));
  TRY(prepare_one(drop_requests_, "DELETE FROM requests WHERE started_us < ?"));
  TRY(prepare_one(request_row_,
                  fmt::format("SELECT {} FROM requests WHERE id = ?", kRequestRowColumns)));
  return prepare_one(call_rows_,
                     fmt::format("SELECT {} FROM calls c JOIN requests r ON r.id = c.request_id "
                                 "WHERE c.request_id = ?",
                                 kCallRowColumns));
}

std::expected<void, Error> Importer::begin() {
  return database_.execute("BEGIN");
}

std::expected<void, Error> Importer::add(Record&& record) {
  if (auto* start = std::get_if<StartRecord>(&record)) {
    const auto [place, added] = open_.try_emplace(start->id);
    if (!added) return {};
    place->second = std::make_unique<StartRecord>(std::move(*start));
    opened_.push_back(place->first);
    return {};
  }
  Ended ended{.start = nullptr, .end = std::get<EndRecord>(std::move(record))};
  if (auto found = open_.extract(ended.end.id); !found.empty())
    ended.start = std::move(found.mapped());
  // Kept also where the write fails, so that roll_back() has the start.
  ended_.push_back(std::move(ended));
  TRY_ASSIGN(const bool is_new, write_end(ended_.back().start.get(), ended_.back().end));
  if (!is_new) ended_.pop_back();
  return {};
}

std::expected<bool, Error> Importer::write_end(const StartRecord* start, const EndRecord& end) {
  // Without the start in memory the row of write_open() is completed. Should there be none, because
  // its start could not be written, the answer is on the record all the same.
  const StartRecord stub{.id = end.id, .started_us = end.ended_us - end.latency_us};
  const Totals totals = totals_of(end);
  // The upsert would make SQLite keep copies of the pages that each row touches.
  for (auto* statement : {&insert_ended_, &upsert_end_}) {
    if (statement == &insert_ended_ && !start) continue;
    Binder bind(**statement);
    visit_start_fields(start ? *start : stub, bind);
    visit_end_fields(end, bind);
    bind("", totals.cost_nanousd);
    bind("", totals.unpriced_calls);
    bind("", totals.input_tokens);
    bind("", totals.output_tokens);
    TRY((*statement)->run());
    if (database_.changes() > 0) break;
    if (statement == &upsert_end_) return false;
  }
  for (size_t seq = 0; seq < end.calls.size(); ++seq)
    TRY(write_call(end.id, seq, end.calls[seq]));
  return true;
}

std::expected<void, Error> Importer::write_call(const std::string& id, size_t seq,
                                                const CallRecord& call) {
  Binder bind(*insert_call_);
  bind("", id);
  bind("", seq);
  visit_call_fields(call, bind);
  return insert_call_->run();
}

std::expected<void, Error> Importer::write_open() {
  while (!open_.empty()) {
    written_open_.push_back(std::move(open_.extract(open_.begin()).mapped()));
    visit_start_fields(std::as_const(*written_open_.back()), Binder(*insert_start_));
    TRY(insert_start_->run());
  }
  return {};
}

std::expected<void, Error> Importer::commit(Tally* tally) {
  TRY(database_.execute("COMMIT"));
  opened_.clear();
  written_open_.clear();
  const std::vector<Ended> ended = std::exchange(ended_, {});
  if (tally == nullptr) return {};
  for (const Ended& request : ended) {
    if (!request.start) {
      // The batch stands; what cannot be counted now is missing from the live numbers only.
      if (auto counted = count_stored(request.end.id, *tally); !counted)
        log_warning("a request is not counted: {}", counted.error().message);
      continue;
    }
    tally->add(request_row(*request.start, request.end));
    for (const CallRecord& call : request.end.calls)
      tally->add(call_row(*request.start, request.end, call));
  }
  return {};
}

void Importer::roll_back() {
  for (auto& start : written_open_) {
    const std::string id = start->id;
    open_.try_emplace(id, std::move(start));
  }
  for (Ended& request : ended_)
    if (request.start) open_.try_emplace(request.end.id, std::move(request.start));
  for (const std::string& id : opened_)
    open_.erase(id);
  written_open_.clear();
  ended_.clear();
  opened_.clear();
  // Fails when the failure itself has ended the transaction, which is what is wanted.
  (void)database_.execute("ROLLBACK");
}

std::expected<int64_t, Error> Importer::mark_interrupted() {
  TRY(database_.execute("UPDATE requests SET outcome = 'interrupted' WHERE outcome IS NULL"));
  return database_.changes();
}

std::expected<bool, Error> Importer::drop_before(int64_t cutoff_us) {
  TRY_ASSIGN(const bool row, oldest_->step());
  const std::optional<int64_t> oldest_us = row ? oldest_->optional_int64(0) : std::nullopt;
  oldest_->reset();
  if (!oldest_us || *oldest_us >= cutoff_us) return false;
  const int64_t until_us = std::min(cutoff_us, *oldest_us + kDropSliceUs);
  TRY(database_.execute("BEGIN"));
  for (auto* statement : {&drop_calls_, &drop_requests_}) {
    (*statement)->bind(0, until_us);
    if (auto done = (*statement)->run(); !done) {
      roll_back();
      return std::unexpected(done.error());
    }
  }
  TRY(database_.execute("COMMIT"));
  return until_us < cutoff_us;
}

std::expected<void, Error> Importer::count_stored(const std::string& id, Tally& tally) {
  request_row_->bind(0, id);
  TRY_ASSIGN(const bool found, request_row_->step());
  if (found) tally.add(read_request_row(*request_row_));
  request_row_->reset();
  call_rows_->bind(0, id);
  for (;;) {
    TRY_ASSIGN(const bool row, call_rows_->step());
    if (!row) break;
    tally.add(read_call_row(*call_rows_));
  }
  call_rows_->reset();
  return {};
}

}  // namespace weir::store
