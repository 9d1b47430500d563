// weir replay: a provider that gives the recorded answers of real models.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/commands.h"
#include "apps/provider_command.h"
#include "simulate/recording.h"

namespace weir::apps {
namespace {

void print_duplicates(const simulate::Recording& recording) {
  const auto& duplicates = recording.duplicates();
  if (duplicates.empty()) return;
  fmt::print(stderr,
             "{} rows left out, because their question and model stood before:", duplicates.size());
  constexpr size_t kShown = 5;
  for (size_t i = 0; i < std::min(kShown, duplicates.size()); ++i)
    fmt::print(stderr, " {}", duplicates[i]);
  fmt::print(stderr, "{}\n", duplicates.size() > kShown ? " ..." : "");
}

}  // namespace

int run_replay(Arguments arguments) {
  ProviderCommand command;
  std::vector<std::string> files;
  CLI::App app("A provider that answers with what models once answered; docs/simulator.md",
               "weir replay");
  app.add_option("--answers", files, "JSONL files (.gz too) with query, model and response")
      ->required();
  add_provider_options(app, command);
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const std::vector<std::filesystem::path> paths(files.begin(), files.end());
  auto recording = simulate::Recording::load(paths);
  if (!recording) return report_failure(recording.error());
  print_duplicates(*recording);
  std::string summary = fmt::format("recorded answers: {}", recording->rows().size());
  for (const auto& [name, answers] : recording->models())
    summary += fmt::format("\n  {}: {}", name, answers);
  command.options.recording = std::make_shared<const simulate::Recording>(std::move(*recording));
  return run_provider(std::move(command), summary);
}

}  // namespace weir::apps
