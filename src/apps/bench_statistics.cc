// weir bench statistics: the anytime statistics on simulated streams whose truth is known.
#include <CLI/CLI.hpp>

#include "apps/bench.h"
#include "apps/output.h"
#include "eval/statistics_study.h"

namespace weir::apps {

int bench_statistics(Arguments arguments) {
  eval::StudyOptions options;
  bool json = false;
  CLI::App app("Coverage, false alarms and delays of the anytime statistics: docs/statistics.md",
               "weir bench statistics");
  app.add_option("--streams", options.streams, "simulated streams a cell")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of all of them")->capture_default_str();
  app.add_flag("--json", json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const eval::Study study = eval::study_statistics(options);
  return exit_status(write_output(json ? to_json(study) + "\n" : to_text(study)));
}

}  // namespace weir::apps
