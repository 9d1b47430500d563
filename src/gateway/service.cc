#include "gateway/service.h"

#include <fmt/format.h>

#include <array>

#include "base/random.h"
#include "gateway/resolve.h"
#include "gateway/serve.h"

namespace weir::gateway {
namespace {

std::string make_instance_id() {
  std::array<uint8_t, 8> bytes;
  secure_random(bytes);
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// Every name that may stand in a metric.
std::vector<std::string> labels_of(const Options& options) {
  std::vector<std::string> labels;
  for (const auto& route : options.routes) {
    labels.push_back(route.name);
    for (const Target& target : route.models)
      labels.push_back(target.model);
    labels.insert(labels.end(), route.match.begin(), route.match.end());
  }
  return labels;
}

}  // namespace

std::expected<std::unique_ptr<Service>, Error> Service::start(Options options,
                                                              const LoadScorer& load_scorer) {
  std::unique_ptr<Service> service(new Service);
  store::LedgerOptions ledger_options;
  ledger_options.state_folder = options.state_folder;
  ledger_options.journal.sync_ms = options.journal_sync_ms;
  ledger_options.retention_days = options.retention_days;
  ledger_options.labels = labels_of(options);
  TRY_ASSIGN(service->ledger_, store::Ledger::open(std::move(ledger_options)));

  http::ServerOptions server_options = options.server;
  server_options.client = options.client;
  const uint64_t seed = options.seed;
  Gateway::Parts parts;
  TRY_ASSIGN(parts.snapshot, Snapshot::build(std::move(options), load_scorer,
                                             service->ledger_->salt(), make_instance_id()));
  parts.ledger = service->ledger_.get();
  parts.workers = server_options.workers;
  parts.seed = seed;
  TRY_ASSIGN(service->gateway_, Gateway::make(std::move(parts)));

  TRY_ASSIGN(service->server_, http::Server::bind(
                                   server_options,
                                   [gateway = service->gateway_.get()](http::Exchange& exchange) {
                                     return serve(*gateway, exchange);
                                   },
                                   server_error));
  TRY(service->snapshot().check_not_own(server_options.address, service->port()));
  service->server_->start();
  return service;
}

Service::~Service() {
  if (server_) stop(0);
}

std::string Service::base_url() const {
  const http::ServerOptions& server = snapshot().options().server;
  std::string host = server.address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.contains(':')) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", server.tls ? "https" : "http", host, port());
}

size_t Service::stop(int64_t grace_ms) {
  gateway_->drain();
  const size_t cut = server_->stop(grace_ms);
  server_.reset();
  gateway_.reset();
  ledger_.reset();
  return cut;
}

}  // namespace weir::gateway
