// A thin owner of SQLite handles: errors become Error, statements are finalised. Nothing else of
// weir calls SQLite. A Database and its Statements belong to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weir::store {

enum class Access { kReadOnly, kReadWrite };

class Statement {
 public:
  // Columns and parameters count from 0.
  void bind(int index, std::string_view text);
  // Without a copy: the text must live until the statement has run.
  void bind_view(int index, std::string_view text);
  // Keeps a copy and spares binding what stood there in the last run, as most columns do. For
  // parameters that are never bound in another way.
  void bind_kept(int index, std::string_view text);
  void bind(int index, int64_t number);
  void bind(int index, double number);
  void bind_null(int index);

  // True while there is a row. Fails: kIo (disk), kConflict (busy), kCorrupt, kInternal.
  [[nodiscard]] std::expected<bool, Error> step();
  // Runs to the end and makes ready for the next run.
  [[nodiscard]] std::expected<void, Error> run();
  void reset();

  int columns() const;
  std::string_view name(int column) const;
  bool is_null(int column) const;
  bool is_text(int column) const;
  bool is_real(int column) const;
  int64_t int64(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  // until the next step or reset
  std::optional<int64_t> optional_int64(int column) const;

 private:
  friend class Database;
  struct Finalise {
    void operator()(sqlite3_stmt* handle) const;
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3_stmt, Finalise> handle_;
  std::deque<std::optional<std::string>> kept_;  // SQLite points to them, so they never move
};

class Database {
 public:
  // Read-write creates the file (owner only) and switches it to WAL.
  // Fails: kNotFound, kIo, kCorrupt (not a database).
  [[nodiscard]] static std::expected<Database, Error> open(const std::filesystem::path& file,
                                                           Access access);
  [[nodiscard]] std::expected<Statement, Error> prepare(std::string_view sql);
  [[nodiscard]] std::expected<void, Error> execute(const std::string& sql);
  // Rows changed by the last statement.
  int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace weir::store
