#include "store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "base/check.h"

namespace weir::store {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kConflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kInternal;
  }
}

std::unexpected<Error> failure(sqlite3* handle, int result) {
  const char* file = handle != nullptr ? sqlite3_db_filename(handle, "main") : nullptr;
  return fail(code_of(result),
              fmt::format("ledger {}: {}", file != nullptr ? file : "",
                          handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(result)));
}

}  // namespace

void Statement::Finalise::operator()(sqlite3_stmt* handle) const {
  sqlite3_finalize(handle);
}

void Statement::bind(int index, std::string_view text) {
  CHECK(sqlite3_bind_text64(handle_.get(), index + 1, text.data() != nullptr ? text.data() : "",
                            text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
}
void Statement::bind_view(int index, std::string_view text) {
  CHECK(sqlite3_bind_text64(handle_.get(), index + 1, text.data() != nullptr ? text.data() : "",
                            text.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}
void Statement::bind_kept(int index, std::string_view text) {
  while (std::cmp_less_equal(kept_.size(), index))
    kept_.emplace_back();
  std::optional<std::string>& kept = kept_[static_cast<size_t>(index)];
  if (kept == text) return;
  bind_view(index, kept.emplace(text));
}
void Statement::bind(int index, int64_t number) {
  CHECK(sqlite3_bind_int64(handle_.get(), index + 1, number) == SQLITE_OK);
}
void Statement::bind(int index, double number) {
  CHECK(sqlite3_bind_double(handle_.get(), index + 1, number) == SQLITE_OK);
}
void Statement::bind_null(int index) {
  CHECK(sqlite3_bind_null(handle_.get(), index + 1) == SQLITE_OK);
}

std::expected<bool, Error> Statement::step() {
  const int result = sqlite3_step(handle_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  auto failed = failure(sqlite3_db_handle(handle_.get()), result);
  reset();
  return failed;
}

std::expected<void, Error> Statement::run() {
  for (;;) {
    TRY_ASSIGN(const bool row, step());
    if (!row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
}

int Statement::columns() const {
  return sqlite3_column_count(handle_.get());
}
std::string_view Statement::name(int column) const {
  return sqlite3_column_name(handle_.get(), column);
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}
bool Statement::is_text(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_TEXT;
}
bool Statement::is_real(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_FLOAT;
}
int64_t Statement::int64(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(handle_.get(), column);
}
std::string_view Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(handle_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column))};
}
std::optional<int64_t> Statement::optional_int64(int column) const {
  if (is_null(column)) return std::nullopt;
  return int64(column);
}

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

std::expected<Database, Error> Database::open(const std::filesystem::path& file, Access access) {
  std::error_code ignored;
  if (access == Access::kReadOnly && !std::filesystem::exists(file, ignored))
    return fail(ErrorCode::kNotFound, fmt::format("there is no ledger {}", file.string()));
  const int flags = access == Access::kReadOnly ? SQLITE_OPEN_READONLY
                                                : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(file.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  if (result != SQLITE_OK) return failure(handle, result);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (access == Access::kReadWrite) {
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
    // FULL: a committed batch survives power loss, because its journal segment is then deleted.
    TRY(
        database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "PRAGMA journal_size_limit=67108864;"));
  }
  return database;
}

std::expected<Statement, Error> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (result != SQLITE_OK) return failure(handle_.get(), result);
  return Statement(handle);
}

std::expected<void, Error> Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return failure(handle_.get(), result);
  return {};
}

int64_t Database::changes() const {
  return sqlite3_changes64(handle_.get());
}

}  // namespace weir::store
