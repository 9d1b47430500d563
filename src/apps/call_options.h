// What the commands that ask models share (label, evaluate): which models, where, for how much
// money, and where the rows go. Models come from weir.yaml, from an address named on the command
// line, or from the simulator when nothing is configured, as in `weir serve`.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/load.h"
#include "label/compare.h"
#include "label/job.h"
#include "simulate/server.h"

namespace CLI {
class App;
}

namespace weir::apps {

struct CallOptions {
  std::optional<std::string> config;
  std::string url;  // base URL that serves all models named on the command line
  std::string weak, strong, judge;
  std::vector<std::filesystem::path> files;
  std::string out;
  size_t sample = 500;
  uint64_t seed = 0;
  int64_t max_tokens = 1024;
  int concurrency = 8;
  int64_t timeout_s = 300;
  int retries = 4;
  std::optional<double> max_cost_usd;
  double answer_tokens = 300;  // assumed by the estimate
  bool dry_run = false;
  bool json = false;
};

// Everything but the judge's; `options` must live until the arguments are parsed.
void add_call_options(CLI::App& app, CallOptions& options);

// Where models are, made ready for calls.
class Providers {
 public:
  // Reads the settings; starts the simulator when no provider is configured.
  [[nodiscard]] static std::expected<Providers, Error> open(const CallOptions& options);

  // "provider/model", or "model" with a single provider. Fails: kInvalidArgument naming `role`.
  [[nodiscard]] std::expected<label::Model, Error> find(std::string_view role,
                                                        const std::string& text) const;
  // The first route's cheapest and dearest model, where the option names none.
  [[nodiscard]] std::expected<label::Model, Error> weak(const CallOptions& options) const;
  [[nodiscard]] std::expected<label::Model, Error> strong(const CallOptions& options) const;
  // --judge, else the setting judge.model, else the strong model; with the settings' rubric.
  [[nodiscard]] std::expected<label::Judge, Error> judge(const CallOptions& options,
                                                         quality::JudgeForm form) const;
  // A running weir as a model, `route` the name that it routes.
  [[nodiscard]] std::expected<label::Model, Error> running_weir(const std::string& url,
                                                                const std::string& route) const;
  catalog::Price price(const std::string& model) const;
  const http::ClientOptions& client() const { return loaded_.options.client; }

 private:
  [[nodiscard]] std::expected<label::Model, Error> of_route(std::string_view role,
                                                            const std::string& option,
                                                            size_t from_end) const;

  config::Loaded loaded_;
  std::vector<upstream::Provider> providers_;
  std::unique_ptr<simulate::Simulator> simulator_;
};

// What a run will do, for --dry-run and for the line before the start.
struct Forecast {
  struct Part {
    std::string what;  // "weak answers"
    const label::Model* model = nullptr;
    double calls = 0;
    double input_tokens = 0;   // of one call
    double output_tokens = 0;  // of one call, expected
    int64_t most_output_tokens = 0;
  };
  std::vector<Part> parts;
  size_t queries = 0;
};

// Expected dollars; nullopt when a price is unknown.
std::optional<double> expected_usd(const Forecast& forecast);
// Prints calls, dollars (expected and at most) and time as text or JSON.
[[nodiscard]] std::expected<void, Error> print_forecast(const Forecast& forecast,
                                                        const CallOptions& options);

// The mean number of input tokens of the queries, characters / 4.
double mean_query_tokens(const std::vector<label::Query>& queries);

[[nodiscard]] std::expected<std::vector<label::Query>, Error> read_sample(
    const CallOptions& options);

// Refuses a limit where a price is unknown. `models`: all that will be asked.
[[nodiscard]] std::expected<label::JobOptions, Error> job_options(
    std::string name, const CallOptions& options, const Providers& providers,
    const std::vector<const label::Model*>& models);

inline constexpr int kStoppedEarly = 3;  // exit status: rows are kept, the same command goes on

// 0 when all is done, kStoppedEarly when not; 1 when a provider was the cause, with its message.
int end_status(const label::JobEnd& end);
// "37 rows are new, 63 were there; 12 left ..." and what to do; common members of the JSON summary.
std::string describe_end(const label::JobEnd& end, const CallOptions& options);
void write_end(const label::JobEnd& end, json::Writer& out);

}  // namespace weir::apps
