// weir export: the rows of the ledger, for other tools.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "apps/commands.h"
#include "apps/output.h"
#include "apps/state_option.h"

namespace weir::apps {
namespace {

std::expected<size_t, Error> export_rows(const PeriodOptions& options, store::ExportFormat format) {
  TRY_ASSIGN(const int64_t since, since_us(options));
  TRY_ASSIGN(const auto ledger, open_ledger(options));
  std::expected<void, Error> written;
  TRY_ASSIGN(const size_t count, ledger->export_rows(since, format, [&](std::string_view part) {
    if (written) written = write_output(part);
  }));
  TRY(std::move(written));
  TRY(flush_output());
  return count;
}

}  // namespace

int run_export(Arguments arguments) {
  PeriodOptions options;
  store::ExportFormat format = store::ExportFormat::kCsv;
  const std::map<std::string, store::ExportFormat> formats{{"csv", store::ExportFormat::kCsv},
                                                           {"jsonl", store::ExportFormat::kJsonl}};
  CLI::App app(
      "Writes the requests of a period to standard output, oldest first. csv: one request a line;\n"
      "jsonl: one request a line with its upstream calls inside. Money is in nano-dollars.",
      "weir export");
  add_state_option(app, options);
  add_since_option(app, options);
  app.add_option("--format", format, "csv or jsonl; csv by default")
      ->transform(CLI::CheckedTransformer(formats).description("{csv,jsonl}"));
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const auto count = export_rows(options, format);
  if (!count) return exit_status(std::unexpected(count.error()));
  fmt::print(stderr, "{} requests\n", *count);
  return 0;
}

}  // namespace weir::apps
