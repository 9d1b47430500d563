// The data plane's shared state: the snapshot, the conversations, and for each worker its journal
// writer, generator and scratch memory. The path of a request is in serve.cc.
// Made and destroyed on main; used by all workers. A Worker's part is touched by that worker only.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "gateway/decide.h"
#include "gateway/sessions.h"
#include "gateway/share_limit.h"
#include "gateway/snapshot.h"
#include "http/server.h"
#include "store/ledger.h"

namespace weir::gateway {

// What one worker has for itself.
struct WorkerPart {
  std::unique_ptr<store::JournalWriter> journal;
  Random random{0};
  model::Scratch scratch;
};

class Gateway {
 public:
  struct Parts {
    std::shared_ptr<const Snapshot> snapshot;
    store::Ledger* ledger = nullptr;  // outlives the Gateway
    const Clock* clock = &SystemClock::instance();
    int workers = 1;
    uint64_t seed = 0;  // 0: from the system
  };
  // Fails as Ledger::make_writer does.
  [[nodiscard]] static std::expected<std::unique_ptr<Gateway>, Error> make(Parts parts);

  const Snapshot& snapshot() const { return *snapshot_; }
  store::Ledger& ledger() { return *ledger_; }
  const Clock& clock() const { return *clock_; }
  Sessions& sessions() { return sessions_; }
  WorkerPart& part(const http::Worker& worker) { return parts_[worker.index()]; }
  int64_t started_unix_us() const { return started_unix_us_; }

  // The threshold for this decision: the route's, lowered by its share limit. kRemember takes the
  // score into account for later ones.
  enum class Seen { kRemember, kForget };
  double threshold_in_force(const Asked& asked, const Estimate& estimate,
                            const policy::Inputs& inputs, Seen seen);

  // Readiness is red while draining, so that a load balancer looks elsewhere.
  void drain() { draining_ = true; }
  bool is_ready() const { return !draining_ && ledger_->healthy(); }
  // A record that could not be written; logged at most once a second.
  void count_ledger_failure(const Error& error);

  // Counts an exchange for as long as it lives.
  class InFlight {
   public:
    explicit InFlight(Gateway& gateway) : gateway_(gateway) { ++gateway_.in_flight; }
    ~InFlight() { --gateway_.in_flight; }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    Gateway& gateway_;
  };

  // For /metrics: what the ledger cannot know.
  std::atomic<int64_t> refused{0};          // requests that no station 5 has seen
  std::atomic<int64_t> ledger_failures{0};  // records not written
  std::atomic<int64_t> in_flight{0};

 private:
  explicit Gateway(const Parts& parts);

  std::shared_ptr<const Snapshot> snapshot_;
  store::Ledger* ledger_;
  const Clock* clock_;
  Sessions sessions_;
  std::vector<WorkerPart> parts_;
  std::map<const Route*, ShareLimit> share_limits_;  // of the routes that have one
  int64_t started_unix_us_;
  std::atomic<bool> draining_{false};
  std::atomic<int64_t> last_failure_logged_us_{INT64_MIN};
};

}  // namespace weir::gateway
