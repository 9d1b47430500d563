// weir bench: studies that print the figures of the documentation.
#include "apps/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace weir::apps {

int run_bench(Arguments arguments);

namespace {

constexpr std::array kStudies{
    Command{"cascade", "cascades on recorded confidences", bench_cascade},
    Command{"routellm", "kinds of router on RouteLLM's benchmarks, by number of labels",
            bench_routellm},
    Command{"robustness", "how easily harmless words change a router's decisions",
            bench_robustness},
    Command{"statistics", "whether bounds, tests and alarms keep what they promise",
            bench_statistics},
};

void print_help(std::FILE* out) {
  fmt::print(out, "usage: weir bench STUDY [OPTIONS]   (weir bench STUDY --help explains one)\n\n");
  for (const Command& study : kStudies)
    fmt::print(out, "  {:<12} {}\n", study.name, study.summary);
}

}  // namespace

int run_bench(Arguments arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    print_help(arguments.empty() ? stderr : stdout);
    return arguments.empty() ? 2 : 0;
  }
  const auto study = std::ranges::find(kStudies, arguments[0], &Command::name);
  if (study != kStudies.end()) return study->run(arguments.subspan(1));
  fmt::print(stderr, "weir: there is no study '{}'\n\n", arguments[0]);
  print_help(stderr);
  return 2;
}

}  // namespace weir::apps
