// weir demo: trains a router, starts provider and gateway, sends questions, checks every answer and
// compares the bill. Needs no key and no network.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/demo_cases.h"
#include "apps/demo_report.h"
#include "apps/demo_traffic.h"
#include "apps/provider_command.h"
#include "apps/token_counter.h"
#include "base/files.h"
#include "base/json.h"
#include "config/load.h"
#include "gateway/service.h"
#include "model/model_files.h"
#include "model/router.h"
#include "simulate/server.h"
#include "train/trainer.h"

namespace weir::apps {
namespace {

constexpr size_t kTrainingQuestions = 3000;
constexpr size_t kSimulatedQuestions = 600;
// The price of the weak model of the recorded pair, which the built-in table does not have: $0.60
// per million tokens, in and out (RouterArena's price list).
constexpr std::string_view kMixtral = "mistralai/Mixtral-8x7B-Instruct-v0.1";
constexpr int64_t kMixtralPicousd = 600'000;

struct Options {
  std::optional<size_t> queries;  // else 600 simulated ones, or all recorded ones
  std::string answers;
  uint64_t seed = 1;
  std::optional<uint16_t> port;
  bool exit = false;
};

// Removed with all that is in it at the end.
class TemporaryFolder {
 public:
  static std::expected<TemporaryFolder, Error> make() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      return fail(ErrorCode::kIo, fmt::format("cannot make a folder like {}", pattern));
    return TemporaryFolder(pattern);
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// Fits a router to simulated questions whose results are known; gives the file's path.
std::expected<std::filesystem::path, Error> train_on_simulated(
    const Options& options, const std::filesystem::path& folder) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  const train::Examples examples =
      make_examples(labelled_questions(kTrainingQuestions, options.seed + 1, options.seed),
                    embedder, train::WithEmbeddings::kYes);
  train::TrainOptions train;
  train.models = {std::string(simulate::kWeakModel), std::string(simulate::kStrongModel)};
  train.threshold = {train::ThresholdRule::By::kRecall, 0.8};
  train.cut_time = format_rfc3339(SystemClock::instance().unix_us());
  TRY_ASSIGN(const train::Trained trained, train_router(examples, train));
  TRY_ASSIGN(const std::string bytes, encode_router_file(trained.file));
  const std::filesystem::path file = folder / "demo.weir";
  TRY(write_file(file, bytes));
  const auto share = trained.report.strong_share;
  fmt::print("trained a router on {} simulated questions ({} need the strong model){}\n",
             trained.report.rows, trained.report.strong_needed,
             share ? fmt::format("; it sends {:.0f} % to strong", *share * 100) : "");
  return file;
}

// The threshold that sends half of these questions to strong by the shipped router: needs no label.
std::expected<double, Error> median_score(const std::vector<std::string>& queries) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const std::filesystem::path file, model::find_model_file("default.weir"));
  TRY_ASSIGN(const model::Router router, model::Router::load(file, embedder));
  model::Scratch scratch;
  std::vector<double> scores;
  for (const std::string& query : queries)
    scores.push_back(router.score(query, scratch).prob_strong_needed);
  std::ranges::nth_element(scores, scores.begin() + static_cast<ptrdiff_t>(scores.size() / 2));
  return scores[scores.size() / 2];
}

std::expected<DemoCases, Error> make_cases(const Options& options) {
  if (!options.answers.empty())
    return recorded_cases(options.answers, options.queries.value_or(SIZE_MAX));
  return simulated_cases(options.queries.value_or(kSimulatedQuestions), options.seed + 2);
}

class Demo {
 public:
  Demo(Options options, TemporaryFolder folder)
      : options_(std::move(options)), folder_(std::move(folder)) {}

  std::expected<void, Error> start() {
    TRY_ASSIGN(cases_, make_cases(options_));
    TRY(start_provider());
    TRY_ASSIGN(gateway::Options gateway_options, make_gateway_options());
    auto started = gateway::Service::start(gateway_options, gateway::scorers_from_files());
    // The usual port may be taken; a demo is content with any, unless one was asked for.
    if (!started && started.error().code == ErrorCode::kConflict && !options_.port) {
      gateway_options.server.port = 0;
      started = gateway::Service::start(gateway_options, gateway::scorers_from_files());
    }
    if (!started) return std::unexpected(started.error());
    service_ = std::move(*started);
    return {};
  }

  // Sends everything; false when a check failed.
  std::expected<bool, Error> run() {
    ask();
    TRY(service_->ledger().flush());
    const bool answers_right = collect();
    TRY_ASSIGN(const store::Report report, read_report());
    print(report);
    return answers_right && check_bill(report);
  }

  void print_invitation() const {
    std::string question =
        json::quoted(cases_.simulated() ? "What is 17 + 25?" : cases_.queries[0]);
    for (size_t at = 0; (at = question.find('\'', at)) != std::string::npos; at += 4)
      question.replace(at, 1, "'\\''");  // inside single quotes of the shell
    fmt::print(
        "\nweir goes on serving; stop it with Ctrl-C. Try:\n  curl {}/v1/chat/completions "
        "-H 'content-type: application/json' \\\n    -d '{{\"model\": \"auto\", "
        "\"messages\": [{{\"role\": \"user\", \"content\": {}}}]}}'\n",
        service_->base_url(), question);
    std::fflush(stdout);
  }

 private:
  std::expected<void, Error> start_provider() {
    simulate::Options provider;
    provider.seed = options_.seed;
    provider.recording = cases_.recording;
    TRY_ASSIGN(provider.count_tokens, load_token_counter());
    TRY_ASSIGN(provider_, simulate::Simulator::start(std::move(provider)));
    return {};
  }

  std::expected<gateway::Options, Error> make_gateway_options() {
    config::LoadInputs inputs;
    // Nothing of the caller's settings: the demo is the same everywhere.
    inputs.environment = [](std::string_view) { return std::nullopt; };
    inputs.overrides.state_folder = (folder_.path() / "state").string();
    inputs.overrides.seed = options_.seed;
    inputs.overrides.port = options_.port.value_or(options_.exit ? 0 : config::kDefaultPort);
    TRY_ASSIGN(config::Loaded loaded, config::load(inputs));
    gateway::Options options = std::move(loaded.options);
    options.providers[0].base_url = provider_->base_url();
    gateway::RouteOptions& route = options.routes[0];
    route.models.front().model = cases_.weak;
    route.models.back().model = cases_.strong;
    if (cases_.simulated()) {
      TRY_ASSIGN(const auto file, train_on_simulated(options_, folder_.path()));
      route.router_file = file.string();
      for (auto& model : simulate::models())
        options.catalog.put(std::move(model));
    } else {
      gateway::ProviderOptions& provider = options.providers[0];
      provider.name = "replay";
      for (gateway::Target& target : route.models)
        target.provider = provider.name;
      provider.simulated = false;
      TRY_ASSIGN(route.threshold, median_score(cases_.queries));
      put_mixtral(options.catalog);
    }
    weak_facts_ = options.catalog.get_or_unknown(cases_.weak);
    strong_facts_ = options.catalog.get_or_unknown(cases_.strong);
    return options;
  }

  static void put_mixtral(catalog::Catalog& catalog) {
    catalog::Model model = catalog.get_or_unknown(kMixtral);
    catalog::PriceTier tier;
    tier.input_picousd = tier.output_picousd = kMixtralPicousd;
    model.price = {{tier}, "RouterArena"};
    catalog.put(std::move(model));
  }

  void ask() {
    const size_t count = cases_.queries.size();
    fmt::print(
        "sending {} {} questions through weir at {}, half of them streamed, half in each "
        "dialect\n",
        count, cases_.simulated() ? "fresh simulated" : "recorded", service_->base_url());
    std::fflush(stdout);
    const size_t part = std::max<size_t>(count / 5, 1);
    Traffic traffic;
    traffic.port = service_->port();
    traffic.progress = [count, part](size_t done) {
      if (done % part != 0 && done != count) return;
      fmt::print("  {} of {} answered\n", done, count);
      std::fflush(stdout);
    };
    answers_ = ask_all(traffic, cases_.queries);
    // What either model would have answered alone, from the provider itself.
    Traffic direct;
    direct.port = provider_->port();
    direct.mixed = false;
    direct.model = cases_.weak;
    weak_ = ask_all(direct, cases_.queries);
    direct.model = cases_.strong;
    strong_ = ask_all(direct, cases_.queries);
  }

  int64_t cost(const catalog::Model& model, const Asked& asked) const {
    catalog::Usage usage;
    usage.input_tokens = asked.input_tokens;
    usage.output_tokens = asked.output_tokens;
    return catalog::cost_nanousd(model.price, usage).value_or(0);
  }

  // Judges every answer; false when one is missing, damaged, or not what the model says when asked
  // directly.
  bool collect() {
    size_t wrong = 0;
    for (size_t i = 0; i < answers_.size(); ++i) {
      const Asked& asked = answers_[i];
      DemoRow row;
      row.strong = asked.model == cases_.strong;
      const Asked& alone = row.strong ? strong_[i] : weak_[i];
      const auto quality = cases_.judge(i, asked.model, asked.text);
      const auto weak = cases_.judge(i, cases_.weak, weak_[i].text);
      const auto strong = cases_.judge(i, cases_.strong, strong_[i].text);
      const bool known = row.strong || asked.model == cases_.weak;
      if (asked.status != 200 || !asked.error.empty() || !known || !quality || !weak || !strong ||
          asked.text != alone.text) {
        if (++wrong <= 3)
          fmt::print(stderr, "question {}: status {}, model '{}', {}\n", i, asked.status,
                     asked.model, asked.error.empty() ? "another text than expected" : asked.error);
        continue;
      }
      row.quality = *quality;
      row.weak_quality = *weak;
      row.strong_quality = *strong;
      row.weak_nanousd = cost(weak_facts_, weak_[i]);
      row.strong_nanousd = cost(strong_facts_, strong_[i]);
      row.cost_nanousd = row.strong ? row.strong_nanousd : row.weak_nanousd;
      rows_.push_back(row);
    }
    fmt::print("checked {} answers: {} arrived exactly as the model gave them\n", answers_.size(),
               answers_.size() - wrong);
    return wrong == 0;
  }

  std::expected<store::Report, Error> read_report() const {
    TRY_ASSIGN(const auto ledger, store::ReadLedger::open(folder_.path() / "state"));
    return ledger->report(0);
  }

  void print(const store::Report& report) {
    if (rows_.empty()) return;
    fmt::print("\n{}\n", cases_.simulated()
                             ? "simulated models, invented prices:"
                             : fmt::format("recorded answers of {} (weak) and {} (strong); tokens "
                                           "counted by weir:",
                                           cases_.weak, cases_.strong));
    figures_ = demo_figures(rows_, options_.seed);
    fmt::print("{}", demo_table(figures_));
    fmt::print("weir's own part of the time of a request: p50 {} us, p99 {} us\n",
               report.overhead.p50_us, report.overhead.p99_us);
    if (!cases_.simulated()) print_from_file();
  }

  // For recorded answers: the quality of the same decisions, straight from the file.
  void print_from_file() {
    double sum = 0;
    for (size_t i = 0; i < answers_.size(); ++i)
      if (const auto* row = cases_.recording->find(cases_.queries[i], answers_[i].model))
        sum += row->score.value_or(0);
    from_file_ = sum / static_cast<double>(answers_.size());
    fmt::print(
        "the quality of the same decisions computed from the file: {:.4f} %, through weir: "
        "{:.4f} %\n",
        *from_file_ * 100, figures_.policies[1].quality * 100);
  }

  // The ledger must have every request once, and the sum that the answers' own tokens give.
  bool check_bill(const store::Report& report) const {
    int64_t sum = 0;
    for (const DemoRow& row : rows_)
      sum += row.cost_nanousd;
    const bool complete = report.calls == static_cast<int64_t>(answers_.size());
    const bool equal = report.cost_nanousd == sum;
    fmt::print("the ledger holds {} requests for ${}{}\n", report.calls,
               catalog::format_usd(report.cost_nanousd.value_or(0)),
               complete && equal ? ", exactly what the answers' tokens cost"
                                 : fmt::format(", but {} requests were sent for ${}",
                                               answers_.size(), catalog::format_usd(sum)));
    const bool same_quality =
        !from_file_ || std::abs(*from_file_ - figures_.policies[1].quality) < 1e-12;
    if (!same_quality) fmt::print(stderr, "the quality differs from that of the file\n");
    return complete && equal && same_quality;
  }

  Options options_;
  TemporaryFolder folder_;
  DemoCases cases_;
  catalog::Model weak_facts_, strong_facts_;
  std::unique_ptr<simulate::Simulator> provider_;
  std::unique_ptr<gateway::Service> service_;
  std::vector<Asked> answers_, weak_, strong_;
  std::vector<DemoRow> rows_;
  DemoFigures figures_;
  std::optional<double> from_file_;
};

std::expected<bool, Error> run(const Options& options) {
  TRY_ASSIGN(TemporaryFolder folder, TemporaryFolder::make());
  Demo demo(options, std::move(folder));
  TRY(demo.start());
  TRY_ASSIGN(const bool passed, demo.run());
  if (!options.exit) {
    demo.print_invitation();
    wait_for_signal();
  }
  return passed;
}

}  // namespace

int run_demo(Arguments arguments) {
  Options options;
  CLI::App app("Shows what routing saves, with a simulated or a recorded provider, without keys.",
               "weir demo");
  app.add_option("--queries", options.queries,
                 "how many questions (600 simulated ones, or all recorded ones)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--answers", options.answers,
                 "recorded answers of two models instead of simulated ones (JSONL, .gz)");
  app.add_option("--seed", options.seed, "other questions and other mistakes")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 53))
      ->capture_default_str();
  app.add_option("--port", options.port, "port of weir (9347, or any that is free)");
  app.add_flag("--exit", options.exit, "end after the report; status 1 if a check failed");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  block_end_signals();
  const auto passed = run(options);
  if (!passed) return report_failure(passed.error());
  return *passed ? 0 : 1;
}

}  // namespace weir::apps
