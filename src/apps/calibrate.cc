// weir calibrate: scores become probabilities, and thresholds are set by what they mean.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "apps/calibrate_handlers.h"
#include "apps/commands.h"
#include "apps/output.h"

namespace weir::apps {
namespace {

struct Handler {
  model::Kind kind;
  std::expected<void, Error> (*run)(const CalibrateOptions& options, const model::Router& router);
};

// Kinds that are calibrated in a way of their own; all others by their score.
constexpr std::array kHandlers{Handler{model::Kind::kSemantic, calibrate_routes},
                               Handler{model::Kind::kCawr, refuse_drawn}};

std::expected<void, Error> run(const CalibrateOptions& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const model::Router router, model::Router::load(options.router, embedder));
  if (!router.trained()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is untrained: there is no score to calibrate; weir train first",
                            options.router));
  }
  const auto own = std::ranges::find(kHandlers, router.kind(), &Handler::kind);
  return own == kHandlers.end() ? calibrate_scores(options, router) : own->run(options, router);
}

struct AimValues {
  std::optional<double> strong_share, recall, quality, gap, acceptable_gap, value_usd;
};

void add_aims(CLI::App& app, AimValues& aims) {
  auto* group = app.add_option_group(
      "thresholds", "found on held-out rows; with several the lowest is put in force");
  const auto share = [&](const char* name, std::optional<double>& value, const char* text) {
    group->add_option(name, value, text)->check(check_share, "0 to 1");
  };
  share("--strong-share", aims.strong_share, "this share of queries goes to strong");
  share("--recall", aims.recall, "so do at least this many of those that need it");
  share("--quality", aims.quality, "keep this share of strong's quality (0.95: of 0.80 keep 0.76)");
  share("--gap", aims.gap, "recover this share of the gap between weak and strong");
  share("--acceptable-gap", aims.acceptable_gap,
        "lose at most this against all-strong (0.05: 5 points of 100)");
  group
      ->add_option("--value-usd", aims.value_usd,
                   "dollars that a good answer is worth in place of a bad one; needs costs")
      ->check(CLI::PositiveNumber);
}

std::vector<eval::ThresholdAim> list_aims(const AimValues& aims) {
  using eval::Aim;
  std::vector<eval::ThresholdAim> list;
  const auto add = [&](Aim aim, const std::optional<double>& value) {
    if (value) list.push_back({aim, *value});
  };
  add(Aim::kStrongShare, aims.strong_share);
  add(Aim::kRecall, aims.recall);
  add(Aim::kQuality, aims.quality);
  add(Aim::kGap, aims.gap);
  add(Aim::kAcceptableGap, aims.acceptable_gap);
  add(Aim::kValueUsd, aims.value_usd);
  return list;
}

}  // namespace

int run_calibrate(Arguments arguments) {
  CalibrateOptions options;
  AimValues aims;
  CLI::App app(
      "Fits the map from score to P(strong needed) and finds thresholds, on labelled rows that "
      "the\n"
      "router was not trained on: docs/calibration.md",
      "weir calibrate");
  app.add_option("--router", options.router, "the .weir file")->required();
  add_data_options(app, options.data);
  app.add_option("--out", options.out, "the file to write (default: back into --router)");
  app.add_flag("--dry-run", options.dry_run, "write no router file");
  add_aims(app, aims);
  add_cost_options(app, options.costs);
  app.add_option("--map", options.map, "auto, none, temperature, platt or isotonic")
      ->check(CLI::IsMember({"auto", "none", "temperature", "platt", "isotonic"}))
      ->capture_default_str();
  app.add_option("--plot", options.plot, "write the sweep as SVG");
  app.add_option("--reliability-plot", options.reliability_plot, "write the reliability diagram");
  app.add_option("--scores", options.scores, "write part, score and label of each row as JSONL");
  app.add_option("--seed", options.seed, "of the split and the bootstrap")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 53))
      ->capture_default_str();
  app.add_flag("--json", options.json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  options.aims = list_aims(aims);
  options.acceptable_gap = aims.acceptable_gap.value_or(options.acceptable_gap);
  if (aims.value_usd && !options.costs.given()) {
    fmt::print(stderr,
               "weir calibrate: --value-usd needs the costs of both models, such as "
               "--weak-call-usd and --strong-call-usd\n");
    return 2;
  }
  return exit_status(run(options));
}

}  // namespace weir::apps
