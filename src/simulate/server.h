// A provider of our own: answers OpenAI chat completions and Anthropic Messages on loopback, plain
// and streamed, so that weir can be tried, tested and measured without keys and without network.
// It either simulates (solves the questions of questions.h, with documented error rates) or replays
// recorded answers (recording.h). Every answer says that it is simulated or replayed.
// Documented in docs/simulator.md.
// start() and stop() from one thread; the server runs on its own workers.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "catalog/models.h"

namespace weir::simulate {

inline constexpr std::string_view kWeakModel = "sim-weak";
inline constexpr std::string_view kStrongModel = "sim-strong";

// The catalog entries of the two models, with invented prices in the ratio 1 : 18.75.
std::vector<catalog::Model> models();

// Number of tokens of a text. Called from several threads at once.
using CountTokens = std::function<int64_t(std::string_view text)>;

class Recording;

struct Options {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: the system chooses
  int workers = 1;
  uint64_t seed = 1;                           // decides which answers are wrong
  int64_t latency_ms = 0;                      // before the first byte of every answer
  double tokens_per_second = 0;                // of streams; 0: as fast as the reader reads
  CountTokens count_tokens;                    // required
  std::shared_ptr<const Recording> recording;  // set: replay instead of simulating
};

class Simulator {
 public:
  // Binds, starts and returns. Fails as http::Server::bind does.
  [[nodiscard]] static std::expected<std::unique_ptr<Simulator>, Error> start(Options options);
  virtual ~Simulator() = default;  // stops at once
  virtual uint16_t port() const = 0;
  // "http://127.0.0.1:PORT/v1", for a provider of either dialect.
  virtual std::string base_url() const = 0;
  virtual uint64_t requests() const = 0;  // answered so far, any status
  virtual void stop() = 0;
};

}  // namespace weir::simulate
