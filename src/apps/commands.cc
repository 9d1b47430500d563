#include "apps/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

namespace weir::apps {

// Each is defined in the file of its name.
int run_bench(Arguments arguments);
int run_calibrate(Arguments arguments);
int run_cascade(Arguments arguments);
int run_check(Arguments arguments);
int run_data(Arguments arguments);
int run_demo(Arguments arguments);
int run_encoder(Arguments arguments);
int run_estimate(Arguments arguments);
int run_eval(Arguments arguments);
int run_evaluate(Arguments arguments);
int run_export(Arguments arguments);
int run_features(Arguments arguments);
int run_keys(Arguments arguments);
int run_label(Arguments arguments);
int run_replay(Arguments arguments);
int run_report(Arguments arguments);
int run_route(Arguments arguments);
int run_serve(Arguments arguments);
int run_show(Arguments arguments);
int run_simulate(Arguments arguments);
int run_train(Arguments arguments);

namespace {

constexpr std::array kCommands{
    Command{"serve", "routes requests over HTTP until a signal ends it", run_serve},
    Command{"demo", "shows routing and its saving without any key", run_demo},
    Command{"check", "says what is wrong with a settings file, or what it means", run_check},
    Command{"keys", "makes keys for clients", run_keys},
    Command{"label", "makes training data by asking models", run_label},
    Command{"data", "what is in files of labelled queries", run_data},
    Command{"train", "fits a router to labelled queries", run_train},
    Command{"eval", "measures a router against baselines", run_eval},
    Command{"calibrate", "makes scores probabilities and sets thresholds", run_calibrate},
    Command{"evaluate", "measures routed answers against strong ones by asking", run_evaluate},
    Command{"route", "decides between weak and strong without calling a model", run_route},
    Command{"encoder", "makes or describes a transformer encoder file", run_encoder},
    Command{"cascade", "answers queries weak first, or fits a cascade", run_cascade},
    Command{"features", "exports what routers are trained on", run_features},
    Command{"estimate", "what routing would save, before it is deployed", run_estimate},
    Command{"report", "cost, modelled saving and latency of a period", run_report},
    Command{"show", "one request with its decision and its calls", run_show},
    Command{"export", "the rows of the ledger as CSV or JSONL", run_export},
    Command{"bench", "studies that print the figures of the documentation", run_bench},
    Command{"simulate", "a provider that answers checkable questions", run_simulate},
    Command{"replay", "a provider that gives recorded answers", run_replay},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

std::expected<void, int> parse_arguments(CLI::App& app, Arguments arguments) {
  // CLI11 takes the arguments last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return std::unexpected(status == 0 ? 0 : 2);
  }
  return {};
}

int report_failure(const Error& error) {
  fmt::print(stderr, "weir: {}\n", error.message);
  return 1;
}

}  // namespace weir::apps
