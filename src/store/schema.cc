#include "store/schema.h"

#include <fmt/format.h>

#include <string>

namespace weir::store {
namespace {

constexpr std::string_view kVersion1 = R"(
CREATE TABLE requests (
  id TEXT PRIMARY KEY NOT NULL,
  client_request_id TEXT NOT NULL,
  started_us BIGINT NOT NULL,
  instance TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  route TEXT NOT NULL,
  mode TEXT NOT NULL,
  dialect TEXT NOT NULL,
  requested_model TEXT NOT NULL,
  stream BIGINT NOT NULL,
  unit_hash TEXT NOT NULL,
  assigned TEXT NOT NULL,
  served TEXT NOT NULL,
  planned_model TEXT NOT NULL,
  propensity DOUBLE PRECISION NOT NULL,
  control BIGINT NOT NULL,
  in_experiment BIGINT NOT NULL,
  reason TEXT NOT NULL,
  score DOUBLE PRECISION,
  threshold DOUBLE PRECISION,
  router TEXT NOT NULL,
  features_hash TEXT NOT NULL,
  decision_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  tags TEXT NOT NULL,
  end_user_hash TEXT NOT NULL,
  conversation_hash TEXT NOT NULL,
  weak_model TEXT NOT NULL,
  strong_model TEXT NOT NULL,
  ended_us BIGINT,
  outcome TEXT,
  status BIGINT,
  served_model TEXT,
  served_tier TEXT,
  fallback BIGINT,
  fallback_cause TEXT,
  latency_us BIGINT,
  first_token_us BIGINT,
  overhead_us BIGINT,
  modelled_strong_nanousd BIGINT,
  modelled_weak_nanousd BIGINT,
  cost_nanousd BIGINT,
  unpriced_calls BIGINT,
  input_tokens BIGINT,
  output_tokens BIGINT
);
CREATE INDEX requests_started ON requests (started_us);
CREATE INDEX requests_open ON requests (id) WHERE outcome IS NULL;
CREATE TABLE calls (
  request_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  tier TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  started_us BIGINT NOT NULL,
  duration_us BIGINT NOT NULL,
  status BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  provider_request_id TEXT NOT NULL,
  input_tokens BIGINT NOT NULL,
  cache_read_tokens BIGINT NOT NULL,
  cache_write_tokens BIGINT NOT NULL,
  cache_write_1h_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  reasoning_tokens BIGINT NOT NULL,
  usage_source TEXT NOT NULL,
  usage_raw TEXT NOT NULL,
  cost_nanousd BIGINT,
  price_version TEXT NOT NULL,
  simulated BIGINT NOT NULL,
  PRIMARY KEY (request_id, seq)
);
)";

// Cascades: how the weak answer was judged.
constexpr std::string_view kVersion2 = R"(
ALTER TABLE requests ADD COLUMN cascade TEXT;
ALTER TABLE requests ADD COLUMN weak_confidence DOUBLE PRECISION;
)";

constexpr std::string_view kMigrations[] = {kVersion1, kVersion2};

std::unexpected<Error> newer(int found, size_t known) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("the ledger has schema version {}, this program knows up to {}: use the "
                          "weir that wrote it, or another --state folder",
                          found, known));
}

}  // namespace

std::span<const std::string_view> migrations() {
  return kMigrations;
}

std::expected<int, Error> schema_version(Database& database) {
  TRY_ASSIGN(Statement tables,
             database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'"));
  bool any = false, ours = false;
  for (;;) {
    TRY_ASSIGN(const bool row, tables.step());
    if (!row) break;
    any = true;
    ours = ours || tables.text(0) == "weir_schema";
  }
  if (!any) return 0;
  if (!ours) return fail(ErrorCode::kCorrupt, "the ledger file is a database, but not weir's");
  TRY_ASSIGN(Statement version, database.prepare("SELECT MAX(version) FROM weir_schema"));
  TRY(version.step());
  return static_cast<int>(version.int64(0));
}

std::expected<void, Error> migrate(Database& database, std::span<const std::string_view> steps) {
  TRY_ASSIGN(const int found, schema_version(database));
  if (found < 0 || static_cast<size_t>(found) > steps.size()) return newer(found, steps.size());
  for (size_t version = static_cast<size_t>(found); version < steps.size(); ++version) {
    const std::string step = fmt::format(
        "BEGIN;{}{};INSERT INTO weir_schema (version) VALUES ({});COMMIT;",
        version == 0 ? "CREATE TABLE weir_schema (version BIGINT NOT NULL PRIMARY KEY);" : "",
        steps[version], version + 1);
    if (auto done = database.execute(step); !done) {
      (void)database.execute("ROLLBACK");
      return fail(done.error().code, fmt::format("migration to schema version {}: {}", version + 1,
                                                 done.error().message));
    }
  }
  return {};
}

std::expected<void, Error> check_version(Database& database) {
  TRY_ASSIGN(const int found, schema_version(database));
  if (static_cast<size_t>(found) > migrations().size()) return newer(found, migrations().size());
  if (static_cast<size_t>(found) < migrations().size())
    return fail(ErrorCode::kUnsupported,
                fmt::format("the ledger has schema version {}, this program reads {}: start `weir "
                            "serve` once with this folder, it brings the ledger up to date",
                            found, migrations().size()));
  return {};
}

}  // namespace weir::store
