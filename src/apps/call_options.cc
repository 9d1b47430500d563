#include "apps/call_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "apps/commands.h"
#include "apps/output.h"
#include "apps/token_counter.h"
#include "base/files.h"
#include "base/utf8.h"

namespace weir::apps {
namespace {

constexpr std::string_view kUrlProvider = "url";
constexpr const char* kUrlKeyVariable = "WEIR_LABEL_API_KEY";
constexpr double kCharactersPerToken = 4;
// What the forecast of the time assumes of a call.
constexpr double kCallSeconds = 0.7;
constexpr double kTokensPerSecond = 60;
constexpr double kMostUsd = 1e9;

std::expected<upstream::Provider, Error> make_provider(const gateway::ProviderOptions& from) {
  upstream::Provider provider;
  auto endpoint = http::Endpoint::parse(from.base_url);
  if (!endpoint)
    return fail(endpoint.error().code,
                fmt::format("provider '{}': {}", from.name, endpoint.error().message));
  provider.endpoint = *std::move(endpoint);
  provider.endpoint.ca_file = from.ca_file;
  provider.name = from.name;
  provider.dialect = from.dialect;
  provider.both_dialects = from.speaks_both;
  provider.simulated = from.simulated;
  provider.api_key = from.api_key;
  provider.stream_usage = from.stream_usage;
  for (const auto& [name, value] : from.headers)
    provider.extra_headers.add(name, value);
  return provider;
}

// One OpenAI-compatible address in place of all that is configured.
gateway::ProviderOptions url_provider(const std::string& url) {
  gateway::ProviderOptions provider;
  provider.name = kUrlProvider;
  provider.base_url = url;
  if (const char* key = std::getenv(kUrlKeyVariable)) provider.api_key = key;
  return provider;
}

double usd(int64_t nanousd) {
  return static_cast<double>(nanousd) / 1e9;
}

double seconds_of(const Forecast& forecast, int concurrency) {
  double seconds = 0;
  for (const auto& part : forecast.parts)
    seconds += part.calls * (kCallSeconds + part.output_tokens / kTokensPerSecond);
  return seconds / std::max(1, std::min<int>(concurrency, static_cast<int>(forecast.queries)));
}

std::optional<double> usd_of(const Forecast::Part& part, double output_tokens) {
  if (!part.model->price.known()) return std::nullopt;
  const catalog::PriceTier& base = part.model->price.tiers.front();
  const double picousd = part.input_tokens * static_cast<double>(base.input_picousd) +
                         output_tokens * static_cast<double>(base.output_picousd);
  return part.calls * picousd / 1e12;
}

std::string dollars(const std::optional<double>& amount) {
  return amount ? fmt::format("${:.4f}", *amount) : "unknown price";
}

std::optional<double> sum_usd(const Forecast& forecast, bool most) {
  double sum = 0;
  for (const auto& part : forecast.parts) {
    const auto one =
        usd_of(part, most ? static_cast<double>(part.most_output_tokens) : part.output_tokens);
    if (!one) return std::nullopt;
    sum += *one;
  }
  return sum;
}

}  // namespace

void add_call_options(CLI::App& app, CallOptions& o) {
  app.add_option("--queries", o.files,
                 "JSONL or JSONL.gz with `query`, and where known `reference`, `checker`, `id`")
      ->required();
  app.add_option("--out", o.out, "JSONL file of results; an earlier run's is continued");
  app.add_option(
      "--config", o.config,
      "settings file with providers (./weir.yaml where it exists, else the environment)");
  app.add_option("--url", o.url,
                 "base URL of an OpenAI-compatible server for all models, in place of the "
                 "settings (key in WEIR_LABEL_API_KEY)");
  app.add_option("--weak", o.weak, "the weak model, provider/model (default: the first route's)");
  app.add_option("--seed", o.seed, "of the sample and of the order of answers")
      ->capture_default_str();
  app.add_option("--max-tokens", o.max_tokens, "output limit of an answer")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--concurrency", o.concurrency, "queries at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--timeout-s", o.timeout_s, "time for one call")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--retries", o.retries, "of a call that failed and may succeed later")
      ->check(CLI::Range(0, 20))
      ->capture_default_str();
  app.add_option("--max-cost-usd", o.max_cost_usd,
                 "never spend more than this, earlier runs of the same file included")
      ->check(CLI::Range(0.0, kMostUsd));
  app.add_option("--answer-tokens", o.answer_tokens,
                 "length of an answer that the forecast assumes")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_flag("--dry-run", o.dry_run, "only say what it would cost and how long it would take");
  app.add_flag("--json", o.json, "print the summary as JSON");
}

std::expected<Providers, Error> Providers::open(const CallOptions& options) {
  Providers all;
  config::LoadInputs inputs;
  inputs.environment = config::process_environment();
  if (options.url.empty()) inputs.file = config::find_settings_file(options.config);
  TRY_ASSIGN(all.loaded_, config::load(inputs));
  if (!options.url.empty()) {
    all.loaded_.options.providers = {url_provider(options.url)};
    all.loaded_.options.routes.clear();
    all.loaded_.use_simulator = false;
    for (auto& model : simulate::models())
      all.loaded_.options.catalog.put(std::move(model));
  }
  if (all.loaded_.use_simulator) {
    simulate::Options simulator;
    TRY_ASSIGN(simulator.count_tokens, load_token_counter());
    TRY_ASSIGN(all.simulator_, simulate::Simulator::start(std::move(simulator)));
    for (auto& provider : all.loaded_.options.providers)
      if (provider.base_url.empty()) provider.base_url = all.simulator_->base_url();
    for (auto& model : simulate::models())
      all.loaded_.options.catalog.put(std::move(model));
  }
  for (const auto& provider : all.loaded_.options.providers) {
    TRY_ASSIGN(upstream::Provider made, make_provider(provider));
    all.providers_.push_back(std::move(made));
  }
  return all;
}

std::expected<label::Model, Error> Providers::find(std::string_view role,
                                                   const std::string& text) const {
  const size_t slash = text.find('/');
  const auto named =
      std::ranges::find(providers_, text.substr(0, slash), &upstream::Provider::name);
  label::Model model;
  if (slash != std::string::npos && named != providers_.end()) {
    model.provider = *named;
    model.name = text.substr(slash + 1);
  } else if (providers_.size() == 1) {
    model.provider = providers_[0];
    model.name = text;
  } else {
    std::vector<std::string> names;
    for (const auto& provider : providers_)
      names.push_back(provider.name);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}': say which provider serves it: PROVIDER/MODEL with one of {}",
                            role, text, fmt::join(names, ", ")));
  }
  model.price = loaded_.options.catalog.get_or_unknown(model.name).price;
  return model;
}

std::expected<label::Model, Error> Providers::of_route(std::string_view role,
                                                       const std::string& option,
                                                       size_t from_end) const {
  if (!option.empty()) return find(role, option);
  if (loaded_.options.routes.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("no {} model: name it with --{} PROVIDER/MODEL", role, role));
  const auto& models = loaded_.options.routes[0].models;
  const gateway::Target& target = from_end == 0 ? models.back() : models.front();
  return find(role, target.provider + "/" + target.model);
}

std::expected<label::Model, Error> Providers::weak(const CallOptions& options) const {
  return of_route("weak", options.weak, 1);
}
std::expected<label::Model, Error> Providers::strong(const CallOptions& options) const {
  return of_route("strong", options.strong, 0);
}

std::expected<label::Judge, Error> Providers::judge(const CallOptions& options,
                                                    quality::JudgeForm form) const {
  label::Judge judge;
  judge.form = form;
  judge.max_tokens = form == quality::JudgeForm::kYesNo ? quality::judge_max_tokens(form)
                                                        : loaded_.judge.max_tokens;
  const std::string& named = options.judge.empty() ? loaded_.judge.model : options.judge;
  if (named.empty()) {
    TRY_ASSIGN(judge.model, strong(options));
  } else {
    TRY_ASSIGN(judge.model, find("judge", named));
  }
  if (!loaded_.judge.rubric_file.empty()) {
    TRY_ASSIGN(judge.rubric, read_file(loaded_.judge.rubric_file, 64 << 10));
  }
  return judge;
}

std::expected<label::Model, Error> Providers::running_weir(const std::string& url,
                                                           const std::string& route) const {
  gateway::ProviderOptions options = url_provider(url);
  options.name = "weir";
  label::Model model;
  TRY_ASSIGN(model.provider, make_provider(options));
  model.name = route;
  return model;
}

catalog::Price Providers::price(const std::string& model) const {
  return loaded_.options.catalog.get_or_unknown(model).price;
}

double mean_query_tokens(const std::vector<label::Query>& queries) {
  double characters = 0;
  for (const label::Query& query : queries)
    characters += static_cast<double>(count_utf8(query.text));
  return characters / kCharactersPerToken /
         static_cast<double>(std::max<size_t>(1, queries.size()));
}

std::expected<std::vector<label::Query>, Error> read_sample(const CallOptions& options) {
  TRY_ASSIGN(label::QueryFile file, label::read_queries(options.files));
  if (file.queries.empty())
    return fail(ErrorCode::kInvalidArgument, fmt::format("no query to ask in {} rows", file.rows));
  if (file.repeated + file.empty > 0)
    fmt::print(stderr, "weir: left out {} repeated and {} empty queries of {}\n", file.repeated,
               file.empty, file.rows);
  return label::sample(std::move(file.queries), options.sample, options.seed);
}

std::optional<double> expected_usd(const Forecast& forecast) {
  return sum_usd(forecast, false);
}

std::expected<void, Error> print_forecast(const Forecast& forecast, const CallOptions& options) {
  const auto expected = sum_usd(forecast, false), most = sum_usd(forecast, true);
  const double seconds = seconds_of(forecast, options.concurrency);
  if (options.json) {
    json::Writer out;
    out.begin_object().member("dry_run", true);
    out.member("queries", static_cast<int64_t>(forecast.queries)).key("parts").begin_array();
    for (const auto& part : forecast.parts) {
      out.begin_object().member("what", part.what).member("model", part.model->text());
      out.member("calls", part.calls).member("input_tokens", part.input_tokens);
      out.member("output_tokens", part.output_tokens).end_object();
    }
    out.end_array().key("expected_usd");
    expected ? out.value(*expected) : out.null();
    out.key("at_most_usd");
    most ? out.value(*most) : out.null();
    out.member("expected_seconds", seconds).end_object();
    return write_output(out.text() + "\n");
  }
  std::string text = fmt::format("{} queries; nothing was asked (--dry-run)\n", forecast.queries);
  for (const auto& part : forecast.parts)
    text += fmt::format("  {:<16}{:>7.0f} calls  {:>6.0f} tokens in, {:>5.0f} out  {:<14} {}\n",
                        part.what, part.calls, part.input_tokens, part.output_tokens,
                        dollars(usd_of(part, part.output_tokens)), part.model->text());
  text += fmt::format("  expected {}, at most {} without retries; about {:.0f} s at {} at a time\n",
                      dollars(expected), dollars(most), seconds, options.concurrency);
  text += fmt::format(
      "  assumed: {:.0f} characters a token, answers of {:.0f} tokens (--answer-tokens), {:.0f} "
      "tokens/s\n",
      kCharactersPerToken, options.answer_tokens, kTokensPerSecond);
  return write_output(text);
}

std::expected<label::JobOptions, Error> job_options(
    std::string name, const CallOptions& options, const Providers& providers,
    const std::vector<const label::Model*>& models) {
  if (options.out.empty())
    return fail(ErrorCode::kInvalidArgument, "name the file of results with --out FILE");
  label::JobOptions job;
  for (const label::Model* model : models) {
    if (model->price.known()) continue;
    job.priced = false;
    const std::string what = fmt::format(
        "no price is known for '{0}', so {1}: set models.{0}.input_usd_per_million and "
        "output_usd_per_million",
        model->name, options.max_cost_usd ? "--max-cost-usd cannot be kept" : "costs are unknown");
    if (options.max_cost_usd) return fail(ErrorCode::kInvalidArgument, what);
    fmt::print(stderr, "weir: {}\n", what);
  }
  job.name = std::move(name);
  job.client = providers.client();
  job.caller.timeout_ms = options.timeout_s * 1000;
  job.caller.retries = options.retries;
  job.caller.seed = options.seed;
  job.concurrency = options.concurrency;
  if (options.max_cost_usd)
    job.budget_nanousd = static_cast<int64_t>(std::floor(*options.max_cost_usd * 1e9));
  job.show_progress = !options.json && ::isatty(STDERR_FILENO) == 1;
  return job;
}

int end_status(const label::JobEnd& end) {
  if (end.provider_died) return report_failure({ErrorCode::kConnection, end.stopped});
  return end.left > 0 ? kStoppedEarly : 0;
}

std::string describe_end(const label::JobEnd& end, const CallOptions& options) {
  std::string text =
      fmt::format("{} rows in {}: {} new, {} were there; {} calls ({} retried), {:.1f} s\n",
                  end.done_now + end.done_before, options.out, end.done_now, end.done_before,
                  end.calls, end.retried, end.seconds);
  const std::string limit =
      options.max_cost_usd ? fmt::format(" of ${:g}", *options.max_cost_usd) : "";
  text += end.priced ? fmt::format("spent ${:.6f}{}",
                                   usd(end.spent_nanousd - end.uncertain_nanousd), limit)
                     : "what it cost is unknown";
  if (end.uncertain_nanousd > 0)
    text += fmt::format(", and at most ${:.6f} for calls that ended without an answer",
                        usd(end.uncertain_nanousd));
  text += "\n";
  if (end.left > 0)
    text += fmt::format("{} queries are left ({}{}); the same command goes on from here\n",
                        end.left, end.stopped.empty() ? "calls failed" : end.stopped,
                        end.failed > 0 ? fmt::format("; {} failed", end.failed) : "");
  return text;
}

void write_end(const label::JobEnd& end, json::Writer& out) {
  out.member("rows", end.done_now + end.done_before).member("new_rows", end.done_now);
  out.member("left", end.left).member("failed", end.failed).member("calls", end.calls);
  out.member("retried", end.retried);
  out.raw_member("spent_usd", end.priced ? catalog::format_usd(end.spent_nanousd) : "null");
  out.raw_member("uncertain_usd", catalog::format_usd(end.uncertain_nanousd));
  out.member("seconds", end.seconds).key("stopped");
  if (end.stopped.empty())
    out.null();
  else
    out.value(end.stopped);
}

}  // namespace weir::apps
