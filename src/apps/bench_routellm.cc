// weir bench routellm: all kinds that call no model on RouteLLM's benchmarks, with some of their
// rows as labels.
#include "eval/bench_routellm.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/bench.h"
#include "apps/data_options.h"
#include "apps/embed_url.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "base/files.h"
#include "eval/bench_report.h"
#include "model/model_files.h"
#include "model/router.h"

namespace weir::apps {
namespace {

using eval::BenchSetting;
using eval::Split;

const train::ModelPair kPair{"mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"};

// Ong et al., arXiv 2406.18665: $24.7 and $0.24 a million tokens, 95 + 264 tokens a query.
constexpr eval::CallCosts kCosts{.weak_usd = 0.24e-6 * 359,
                                 .strong_usd = 24.7e-6 * 359,
                                 // 100 us of a core at $0.05 an hour
                                 .router_usd = 1e-4 / 3600 * 0.05};

struct Options {
  std::string data_dir;
  std::string out_dir;
  std::vector<std::string> kinds;
  std::vector<std::string> benchmarks{"mmlu", "gsm8k", "mtbench"};
  uint64_t seed = 0;
  size_t repeats = 10;
  bool quick = false;
  bool json = false;
};

std::filesystem::path bench_folder(const Options& options) {
  if (!options.data_dir.empty()) return options.data_dir;
  const char* shared = std::getenv("WEIR_SHARED");
  return std::filesystem::path(shared != nullptr ? shared : "../shared") / "data" / "bench";
}

std::vector<BenchSetting> settings_of(std::string_view benchmark, bool quick) {
  if (benchmark == "mmlu" && quick) return {{Split::kRows, 500}};
  if (benchmark == "mmlu")
    return {{Split::kRows, 200},
            {Split::kRows, 500},
            {Split::kRows, 1500},
            {Split::kRows, 5000},
            {Split::kTasks, 5000}};
  if (benchmark == "gsm8k" && quick) return {{Split::kRows, 200}};
  if (benchmark == "gsm8k") return {{Split::kRows, 200}, {Split::kRows, 400}};
  return {{Split::kRows, 0}};
}

std::expected<eval::FixedRouter, Error> score_default(const train::Examples& examples,
                                                      const model::StaticEmbedder& embedder) {
  TRY_ASSIGN(const auto path, model::find_model_file("default.weir"));
  TRY_ASSIGN(const model::Router router, model::Router::load(path, embedder));
  TRY_ASSIGN(const std::vector<model::Score> scores, score_texts(router, examples.words));
  eval::FixedRouter fixed{.name = "default router", .scores = {}};
  for (const model::Score& score : scores)
    fixed.scores.push_back(score.prob_strong_needed);
  return fixed;
}

std::expected<eval::Benchmark, Error> read_benchmark(const Options& options,
                                                     const std::string& name,
                                                     const model::StaticEmbedder& embedder) {
  const auto file = bench_folder(options) / fmt::format("routellm_{}.public.jsonl.gz", name);
  TRY_ASSIGN(train::LabelledRows rows, train::read_labelled_rows({{file, kPair}}, {}));
  eval::Benchmark benchmark{
      .name = name,
      .examples = make_examples(std::move(rows), embedder, train::WithEmbeddings::kYes,
                                text::Ngrams::kWordsAndChars),
      .settings = settings_of(name, options.quick)};
  TRY_ASSIGN(eval::FixedRouter shipped, score_default(benchmark.examples, embedder));
  benchmark.fixed.push_back(std::move(shipped));
  return benchmark;
}

std::expected<std::vector<model::Kind>, Error> chosen_kinds(const Options& options) {
  const auto all = eval::benchable_kinds();
  if (options.kinds.empty()) return std::vector(all.begin(), all.end());
  std::vector<model::Kind> kinds;
  for (const std::string& name : options.kinds) {
    const auto kind = model::parse_kind(name);
    if (!kind || std::ranges::find(all, *kind) == all.end()) {
      std::string names;
      for (const model::Kind one : all)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", model::to_string(one));
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' cannot be measured here; --kinds takes {}", name, names));
    }
    kinds.push_back(*kind);
  }
  return kinds;
}

std::expected<void, Error> write_files(const Options& options, const eval::BenchOptions& bench,
                                       std::span<const eval::BenchTable> tables) {
  if (options.out_dir.empty()) return {};
  const std::filesystem::path folder = options.out_dir;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  TRY(write_file(folder / "routellm.md", bench_markdown(tables, bench)));
  TRY(write_file(folder / "routellm.json", bench_json(tables, bench) + "\n"));
  for (const std::string& name : options.benchmarks) {
    std::vector<eval::BenchTable> own;
    std::ranges::copy_if(tables, std::back_inserter(own),
                         [&](const auto& table) { return table.benchmark == name; });
    if (own.empty()) continue;
    const auto most = std::ranges::max_element(own, {}, [](const eval::BenchTable& table) {
      return table.setting.split == Split::kRows ? table.setting.labels : 0;
    });
    TRY(write_file(folder / fmt::format("routellm_{}_curve.svg", name),
                   to_svg(bench_curves(*most))));
    if (own.size() > 1)
      TRY(write_file(folder / fmt::format("routellm_{}_labels.svg", name),
                     to_svg(bench_learning(own))));
  }
  return {};
}

std::expected<void, Error> run(const Options& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const auto kinds, chosen_kinds(options));
  eval::BenchOptions bench{.seed = options.seed,
                           .repeats = options.quick ? 2 : options.repeats,
                           .resamples = options.quick ? 20 : 100,
                           .kinds = kinds,
                           .costs = kCosts};
  std::vector<eval::Benchmark> benchmarks;
  size_t fits = 0;
  for (const std::string& name : options.benchmarks) {
    TRY_ASSIGN(eval::Benchmark benchmark, read_benchmark(options, name, embedder));
    for (const BenchSetting& setting : benchmark.settings)
      fits += setting.labels == 0 ? 0 : bench.repeats * kinds.size();
    benchmarks.push_back(std::move(benchmark));
  }
  Progress progress("fits", fits, options.json ? Show::kNever : Show::kOnTerminal);
  bench.on_step = [&] { progress.advance(); };
  std::vector<eval::BenchTable> tables;
  for (const eval::Benchmark& benchmark : benchmarks) {
    TRY_ASSIGN(auto own, run_bench(benchmark, bench));
    std::ranges::move(own, std::back_inserter(tables));
  }
  progress.finish();
  TRY(write_files(options, bench, tables));
  return write_output(options.json ? bench_json(tables, bench) + "\n"
                                   : bench_markdown(tables, bench));
}

}  // namespace

int bench_routellm(Arguments arguments) {
  Options options;
  CLI::App app("Kinds of router on RouteLLM's benchmarks by number of labels: docs/evaluation.md",
               "weir bench routellm");
  app.add_option("--data-dir", options.data_dir,
                 "folder of routellm_*.public.jsonl.gz (default: $WEIR_SHARED/data/bench)");
  app.add_option("--out", options.out_dir, "folder for routellm.md, .json and .svg files");
  app.add_option("--kinds", options.kinds, "only these")->delimiter(',');
  app.add_option("--benchmarks", options.benchmarks, "of mmlu, gsm8k, mtbench")
      ->delimiter(',')
      ->check(CLI::IsMember({"mmlu", "gsm8k", "mtbench"}))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of splits, folds and resamples")->capture_default_str();
  app.add_option("--repeats", options.repeats, "splits a setting")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "few labels, two repeats: does it run?");
  app.add_flag("--json", options.json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
