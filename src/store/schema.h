// The schema of the ledger as numbered forward migrations. A migration is never edited once it is
// released; a new column is a new migration. The SQL keeps to what SQLite and PostgreSQL share.
// Description: docs/formats/ledger.md.
#pragma once

#include <expected>
#include <span>
#include <string_view>

#include "base/error.h"
#include "store/database.h"

namespace weir::store {

// Element i brings a database from version i to version i + 1.
std::span<const std::string_view> migrations();

// 0 for a database without tables. Fails: kCorrupt when there are tables, but not weir's.
[[nodiscard]] std::expected<int, Error> schema_version(Database& database);

// Applies what is missing, each step in a transaction of its own.
// Fails: kUnsupported when the database is newer than the last step, kIo, kCorrupt.
[[nodiscard]] std::expected<void, Error> migrate(Database& database,
                                                 std::span<const std::string_view> steps);

// Fails: kUnsupported when a reader of this program cannot read the database, older or newer.
[[nodiscard]] std::expected<void, Error> check_version(Database& database);

}  // namespace weir::store
