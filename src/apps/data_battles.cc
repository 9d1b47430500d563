#include "apps/data_battles.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>
#include <string>

#include "apps/data_options.h"
#include "apps/output.h"
#include "base/json.h"
#include "train/battles.h"

namespace weir::apps {
namespace {

struct Options {
  DataOptions data;
  size_t sample = train::kMaxBattles;
  int64_t seed = 0;
};

// Every model of the files, where none are named.
std::expected<void, Error> name_models(DataOptions& data) {
  if (!data.models.empty() || !data.weak.empty() || !data.sources.empty()) return {};
  for (const std::string& file : data.data) {
    TRY_ASSIGN(const std::vector<std::string> names, train::models_with_scores(file));
    for (const std::string& name : names)
      if (std::ranges::find(data.models, name) == data.models.end()) data.models.push_back(name);
  }
  if (data.models.size() >= 2) return {};
  return fail(ErrorCode::kInvalidArgument, "the files have no `scores` of two models or more");
}

std::string line_of(const train::LabelledRow& row, const train::Battle& battle,
                    const std::vector<std::string>& models) {
  json::Writer out;
  out.begin_object().member("id", row.id).member("query", row.query);
  out.member("model_a", models[battle.winner]).member("model_b", models[battle.loser]);
  out.member("winner", battle.outcome == train::Outcome::kTie ? "tie" : "a").end_object();
  return out.take() + "\n";
}

std::expected<void, Error> run(Options options) {
  TRY(name_models(options.data));
  TRY_ASSIGN(const train::LabelledRows rows,
             read_data(options.data, train::Labels::kOptional, train::Partial::kInclude,
                       train::Absent::kAccept));
  train::Rows all(rows.rows.size());
  std::iota(all.begin(), all.end(), 0U);
  const auto battles = train::battles_of(rows.rows, all, options.seed, options.sample);
  for (const train::Battle& battle : battles)
    TRY(write_output(line_of(rows.rows[battle.row], battle, rows.models)));
  const auto ties = std::ranges::count(battles, train::Outcome::kTie, &train::Battle::outcome);
  fmt::print(stderr, "weir: {} battles, {} of them ties, from {}\n", battles.size(), ties,
             describe_counts(rows.total()));
  return {};
}

}  // namespace

int run_data_battles(Arguments arguments) {
  Options options;
  CLI::App app(
      "Makes battles of the models that answered the same query, from `scores`: docs/routers.md",
      "weir data battles");
  add_data_options(app, options.data);
  app.add_option("--sample", options.sample, "write at most so many, drawn by --seed")
      ->check(CLI::Range(size_t{1}, train::kMaxBattles))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the sample")->capture_default_str();
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
