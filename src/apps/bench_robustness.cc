// weir bench robustness: how easily harmless words change a router's decisions.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "apps/bench.h"
#include "apps/data_options.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "base/json.h"
#include "base/random.h"
#include "eval/robustness.h"
#include "model/router.h"
#include "train/examples.h"

namespace weir::apps {
namespace {

struct Options {
  DataOptions data;
  std::string router, second;
  size_t sample = 1000;
  eval::RobustnessOptions study;
  bool json = false;
};

// Words that the router knows: whole tokens of its vocabulary, letters only.
std::vector<std::string> prefix_tokens(const text::Vocabulary& vocabulary) {
  std::vector<std::string> tokens;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.token(id);
    const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    if (token.size() >= 2 && std::ranges::all_of(token, letter)) tokens.emplace_back(token);
  }
  return tokens;
}

std::vector<std::string> sample_queries(const train::LabelledRows& rows, size_t count,
                                        uint64_t seed) {
  std::vector<std::string> queries;
  for (const train::LabelledRow& row : rows.rows)
    queries.push_back(row.query);
  Random random(seed);
  for (size_t i = queries.size(); i > 1; --i)
    std::swap(queries[i - 1], queries[random.below(i)]);
  queries.resize(std::min(queries.size(), count));
  return queries;
}

// The score less the threshold, so that two routers with thresholds of their own can be joined.
std::function<double(std::string_view)> margin_of(const model::Router& router,
                                                  model::Scratch& scratch) {
  return [&router, &scratch](std::string_view query) {
    const model::Score score = router.score(train::scored_words(query), scratch);
    return (score.judged ? score.prob_strong_needed : 1) - router.threshold();
  };
}

struct Case {
  std::string name;
  eval::Robustness result;
};

std::expected<void, Error> check_router(const model::Router& router, const std::string& file) {
  if (router.trained() && router.embed_source().from != model::EmbedFrom::kUrl) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: the study needs a trained router that scores in process", file));
}

std::expected<void, Error> write_cases(const std::vector<Case>& cases, bool json) {
  std::string out;
  json::Writer list;
  list.begin_array();
  for (const Case& one : cases) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", one.name, to_text(one.result));
    list.begin_object()
        .member("case", one.name)
        .key("result")
        .raw(to_json(one.result))
        .end_object();
  }
  list.end_array();
  return write_output(json ? list.take() + "\n" : out);
}

std::expected<void, Error> run(const Options& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const model::Router router, model::Router::load(options.router, embedder));
  TRY(check_router(router, options.router));
  TRY_ASSIGN(const train::LabelledRows rows, read_data(options.data, train::Labels::kOptional));
  const auto queries = sample_queries(rows, options.sample, options.study.seed);
  if (queries.empty()) return fail(ErrorCode::kInvalidArgument, "the data holds no query");
  const auto tokens = prefix_tokens(embedder.vocabulary());
  Progress progress("robustness", 0, options.json ? Show::kNever : Show::kOnTerminal);
  const auto shown = [&](size_t done, size_t total) {
    progress.set_total(total);
    progress.reach(done);
  };
  model::Scratch scratch;
  const auto margin = margin_of(router, scratch);
  std::vector<Case> cases;
  cases.push_back({std::string(to_string(router.kind())),
                   eval::measure_robustness({.score = margin, .threshold = 0}, queries, tokens,
                                            options.study, shown)});
  if (!options.second.empty()) {
    TRY_ASSIGN(const model::Router second, model::Router::load(options.second, embedder));
    TRY(check_router(second, options.second));
    const auto other = margin_of(second, scratch);
    const eval::Target both{
        .score = [&](std::string_view query) { return std::min(margin(query), other(query)); },
        .threshold = 0};
    cases.push_back({fmt::format("{} and {} must agree on strong", to_string(router.kind()),
                                 to_string(second.kind())),
                     eval::measure_robustness(both, queries, tokens, options.study, shown)});
    // Made on the first head alone: does it fool the other?
    cases.back().result.attacks.push_back(eval::measure_prefix(
        both, queries, "made on the first", cases.front().result.attacks.back().prefix));
  }
  progress.finish();
  return write_cases(cases, options.json);
}

}  // namespace

int bench_robustness(Arguments arguments) {
  Options options;
  CLI::App app(
      "Flip rates under harmless changes and upgrade rates under prefixes, random and greedy\n"
      "(white box): docs/robustness.md",
      "weir bench robustness");
  app.add_option("--router", options.router, "the .weir file under test")->required();
  app.add_option("--second", options.second,
                 "defence: a second router, strong only where both say so");
  add_data_options(app, options.data);
  app.add_option("--sample", options.sample, "queries, drawn with the seed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--gadget-tokens", options.study.gadget_tokens, "length of the greedy prefix")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  app.add_option("--seed", options.study.seed, "of sample, typos and random prefixes")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
