#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "store/database.h"
#include "store/importer.h"
#include "store/ledger.h"
#include "store/schema.h"
#include "store/state_folder.h"
#include "store/tally.h"

namespace weir::store {
namespace {

// Columns of the database that are yes or no.
bool is_truth(std::string_view column) {
  return column == "stream" || column == "control" || column == "in_experiment" ||
         column == "fallback" || column == "simulated";
}

bool is_time(std::string_view column) {
  return column == "started_us" || column == "ended_us";
}

// One row as members of the open object; a time stands there twice, exact and readable.
void write_members(const Statement& row, int first_column, json::Writer& out) {
  for (int i = first_column; i < row.columns(); ++i) {
    const std::string_view name = row.name(i);
    out.key(name);
    if (row.is_null(i))
      out.null();
    else if (row.is_text(i))
      out.value(row.text(i));
    else if (row.is_real(i))
      out.value(row.real(i));
    else if (is_truth(name))
      out.value(row.int64(i) != 0);
    else
      out.value(row.int64(i));
    if (is_time(name) && !row.is_null(i))
      out.member(name == "started_us" ? "started" : "ended", format_rfc3339(row.int64(i)));
  }
}

// RFC 4180: quoted where needed, quotes doubled.
void append_csv(std::string_view field, std::string& out) {
  if (field.find_first_of(",\"\r\n") == field.npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string csv_header(const Statement& row) {
  std::string line;
  for (int i = 0; i < row.columns(); ++i) {
    if (i > 0) line += ',';
    line += row.name(i);
  }
  return line + "\r\n";
}

std::string csv_line(const Statement& row) {
  std::string line;
  for (int i = 0; i < row.columns(); ++i) {
    if (i > 0) line += ',';
    if (row.is_real(i))
      line += fmt::format("{}", row.real(i));  // every digit: SQLite's own text keeps 15
    else
      append_csv(row.text(i), line);
  }
  return line + "\r\n";
}

class SqliteReadLedger final : public ReadLedger {
 public:
  SqliteReadLedger(Database database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  std::expected<Report, Error> report(int64_t since_us) override {
    // One transaction: requests and calls of the same moment, however fast the server writes.
    TRY(database_.execute("BEGIN"));
    auto report = read_report(since_us);
    TRY(database_.execute("COMMIT"));
    return report;
  }

  std::expected<std::string, Error> show(std::string_view id) override {
    TRY_ASSIGN(Statement request, database_.prepare("SELECT * FROM requests WHERE id = ?"));
    request.bind(0, id);
    TRY_ASSIGN(const bool found, request.step());
    if (!found)
      return fail(
          ErrorCode::kNotFound,
          fmt::format("no request '{}' in the ledger; the id is what x-weir-request-id says", id));
    TRY_ASSIGN(Statement calls, prepare_calls());
    return request_json(request, calls);
  }

  std::expected<size_t, Error> export_rows(
      int64_t since_us, ExportFormat format,
      const std::function<void(std::string_view)>& write) override {
    TRY_ASSIGN(
        Statement rows,
        database_.prepare("SELECT * FROM requests WHERE started_us >= ? ORDER BY started_us, id"));
    TRY_ASSIGN(Statement calls, prepare_calls());
    rows.bind(0, since_us);
    if (format == ExportFormat::kCsv) write(csv_header(rows));
    for (size_t count = 0;; ++count) {
      TRY_ASSIGN(const bool more, rows.step());
      if (!more) return count;
      if (format == ExportFormat::kCsv) {
        write(csv_line(rows));
      } else {
        TRY_ASSIGN(const std::string line, request_json(rows, calls));
        write(line + "\n");
      }
    }
  }

 private:
  std::expected<Report, Error> read_report(int64_t since_us) {
    Tally tally(since_us);
    TRY_ASSIGN(Statement requests,
               database_.prepare(fmt::format("SELECT {} FROM requests WHERE started_us >= ? AND "
                                             "outcome IS NOT NULL",
                                             kRequestRowColumns)));
    requests.bind(0, since_us);
    for (;;) {
      TRY_ASSIGN(const bool row, requests.step());
      if (!row) break;
      tally.add(read_request_row(requests));
    }
    TRY_ASSIGN(Statement calls,
               database_.prepare(fmt::format("SELECT {} FROM requests r JOIN calls c ON "
                                             "c.request_id = r.id WHERE r.started_us >= ?",
                                             kCallRowColumns)));
    calls.bind(0, since_us);
    for (;;) {
      TRY_ASSIGN(const bool row, calls.step());
      if (!row) break;
      tally.add(read_call_row(calls));
    }
    return tally.report(clock_.unix_us());
  }

  std::expected<Statement, Error> prepare_calls() {
    return database_.prepare("SELECT * FROM calls WHERE request_id = ? ORDER BY seq");
  }

  // Column 0 of both tables is the request's id.
  static std::expected<std::string, Error> request_json(const Statement& request,
                                                        Statement& calls) {
    json::Writer out;
    out.begin_object();
    write_members(request, 0, out);
    out.key("calls").begin_array();
    calls.bind(0, request.text(0));
    for (;;) {
      TRY_ASSIGN(const bool row, calls.step());
      if (!row) break;
      out.begin_object();
      write_members(calls, 1, out);
      out.end_object();
    }
    calls.reset();
    out.end_array().end_object();
    return out.take();
  }

  Database database_;
  const Clock& clock_;
};

}  // namespace

std::expected<std::unique_ptr<ReadLedger>, Error> ReadLedger::open(
    const std::filesystem::path& state_folder, const Clock& clock) {
  const auto file = ledger_file(state_folder);
  auto database = Database::open(file, Access::kReadOnly);
  if (!database && database.error().code == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no ledger in {}: `weir serve` makes one; name its folder "
                            "with --state",
                            state_folder.string()));
  if (!database) return std::unexpected(database.error());
  if (auto checked = check_version(*database); !checked)
    return fail(checked.error().code,
                fmt::format("{}: {}", file.string(), checked.error().message));
  return std::make_unique<SqliteReadLedger>(std::move(*database), clock);
}

}  // namespace weir::store
