// A gateway that runs: ledger, snapshot, workers and server together, in the order in which they
// must start and stop. What `weir serve` and `weir demo` start.
// Used from main only.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "gateway/gateway.h"
#include "gateway/options.h"
#include "gateway/snapshot.h"
#include "http/server.h"
#include "store/ledger.h"

namespace weir::gateway {

class Service {
 public:
  // Locks the state folder, loads the routers, binds, and serves. Fails as Ledger::open,
  // Snapshot::build and Server::bind do, and when a provider leads back to weir's own address.
  [[nodiscard]] static std::expected<std::unique_ptr<Service>, Error> start(
      Options options, const LoadScorer& load_scorer);
  ~Service();  // cuts what still runs

  uint16_t port() const { return server_->port(); }
  std::string base_url() const;  // "http://127.0.0.1:9347", for a client on this machine
  const Snapshot& snapshot() const { return gateway_->snapshot(); }
  store::Ledger& ledger() { return *ledger_; }

  // Readiness turns red, new connections are refused, running answers may end within the limit.
  // Returns how many were cut.
  size_t stop(int64_t grace_ms);

 private:
  Service() = default;

  std::unique_ptr<store::Ledger> ledger_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace weir::gateway
