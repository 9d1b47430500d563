// One question to one model, paid from a Budget: whole answers, retried while that may help, with
// the provider's Retry-After. The calls themselves are upstream::call's.
// Runs on one worker; a Caller must outlive its calls.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/random.h"
#include "catalog/usage.h"
#include "http/server.h"
#include "label/budget.h"
#include "upstream/provider.h"

namespace weir::label {

struct Model {
  upstream::Provider provider;
  std::string name;  // as the provider spells it
  catalog::Price price;

  std::string text() const { return provider.name + "/" + name; }
};

// The most that a call can cost: every byte of the prompt a token, every output token used, the
// dearest tier and input bucket. 0 when the price is unknown.
int64_t worst_case_nanousd(const Model& model, size_t prompt_bytes, int64_t max_tokens);

struct Reply {
  std::string text;
  int64_t cost_nanousd = 0;
  catalog::Usage usage = {};
  bool truncated = false;      // ended by max_tokens
  std::string served_by = {};  // what a weir in between says that it asked: x-weir-model
};

struct CallFailure {
  enum class Kind {
    kBudget,     // the worst case does not fit any more
    kCancelled,  // the user ended the run
    kFatal,      // key, quota or model name are wrong: the next call will fail as well
    kFailed,
  };
  Kind kind = Kind::kFailed;
  std::string message = {};
};

struct CallerOptions {
  int64_t timeout_ms = 300'000;  // of one try
  int retries = 4;
  int64_t retry_after_limit_ms = 60'000;
  uint64_t seed = 0;  // of the jitter between tries
};

// What one item of work has cost so far.
struct Spend {
  int64_t nanousd = 0;
  // For tries that ended without an answer, which a provider may bill all the same: counted
  // against the budget at their worst case.
  int64_t uncertain_nanousd = 0;
};

class Caller {
 public:
  Caller(http::Worker& worker, Budget& budget, http::Cancellation& cancelled,
         const CallerOptions& options)
      : worker_(worker),
        budget_(budget),
        cancelled_(cancelled),
        options_(options),
        random_(options.seed) {}

  // Adds to `spend` also when it fails.
  http::Task<std::expected<Reply, CallFailure>> ask(const Model& model, const std::string& prompt,
                                                    int64_t max_tokens, Spend& spend);

  http::Worker& worker() { return worker_; }
  http::Cancellation& cancelled() { return cancelled_; }
  const CallerOptions& options() const { return options_; }
  int64_t calls() const { return calls_; }
  int64_t retried() const { return retried_; }

 private:
  struct Tried;
  http::Task<bool> reserve(int64_t nanousd);
  http::Task<Tried> try_once(const Model& model, const std::string& body, int64_t worst_nanousd,
                             Spend& spend);

  http::Worker& worker_;
  Budget& budget_;
  http::Cancellation& cancelled_;
  CallerOptions options_;
  Random random_;
  int64_t calls_ = 0;
  int64_t retried_ = 0;
};

}  // namespace weir::label
