#include "http/dial.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <list>
#include <mutex>
#include <vector>

#include "http/compose.h"
#include "http/parser.h"
#include "http/tls.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int64_t kStaggerMs = 250;  // RFC 8305, 8
constexpr size_t kNamesLimit = 1024;

std::string join_host_port(const std::string& host, uint16_t port) {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

// Connection attempts that race each other; the first one that succeeds wins.
class Race final : public std::enable_shared_from_this<Race> {
 public:
  Race(Sweep& sweep, std::vector<tcp::endpoint> endpoints)
      : sweep_(sweep),
        endpoints_(std::move(endpoints)),
        stagger_(sweep.io()),
        over_(std::make_shared<Event>(sweep)) {}

  Task<IoStatus> run(int64_t deadline_us, Cancellation& cancellation) {
    start_next();
    const IoStatus status = co_await over_->wait(deadline_us, cancellation);
    finish();
    co_return status;
  }
  std::optional<Socket>& winner() { return winner_; }
  const error_code& failure() const { return failure_; }

 private:
  void start_next() {
    if (next_ == endpoints_.size()) {
      if (attempts_.empty()) over_->set(IoStatus::kReset);
      return;
    }
    const auto attempt = attempts_.emplace(attempts_.end(), sweep_.io());
    attempt->async_connect(endpoints_[next_++],
                           [self = shared_from_this(), attempt](const error_code& failure) {
                             self->attempt_over(attempt, failure);
                           });
    stagger_.expires_after(std::chrono::milliseconds(kStaggerMs));
    stagger_.async_wait([self = shared_from_this()](const error_code& stopped) {
      if (!stopped && !self->finished_ && self->next_ < self->endpoints_.size()) self->start_next();
    });
  }

  void attempt_over(std::list<Socket>::iterator attempt, const error_code& failure) {
    Socket socket = std::move(*attempt);
    attempts_.erase(attempt);
    if (finished_) return;
    if (failure) {
      failure_ = failure;
      start_next();
      return;
    }
    winner_.emplace(std::move(socket));
    finish();
    over_->set(IoStatus::kOk);
  }

  void finish() {
    finished_ = true;
    stagger_.cancel();
    error_code ignored;
    for (Socket& attempt : attempts_)
      attempt.close(ignored);
  }

  Sweep& sweep_;
  const std::vector<tcp::endpoint> endpoints_;
  size_t next_ = 0;
  std::list<Socket> attempts_;
  Timer stagger_;
  std::shared_ptr<Event> over_;
  std::optional<Socket> winner_;
  error_code failure_;
  bool finished_ = false;
};

}  // namespace

Error io_error(IoStatus status, const Endpoint& endpoint, const Channel* channel) {
  const std::string peer = endpoint.authority();
  switch (status) {
    case IoStatus::kTimeout:
      return {ErrorCode::kTimeout, peer + " did not answer in time"};
    case IoStatus::kCancelled:
      return {ErrorCode::kCancelled, "the call to " + peer + " was cancelled"};
    case IoStatus::kEnd:
      return {ErrorCode::kConnection, peer + " closed the connection"};
    case IoStatus::kOk:
    case IoStatus::kReset:
      break;
  }
  const bool known = channel != nullptr && channel->failure();
  return {ErrorCode::kConnection,
          fmt::format("the connection to {} broke{}{}", peer, known ? ": " : "",
                      known ? channel->failure().message() : "")};
}

// One name: addresses once known, those who wait for them until then.
struct Dialer::Lookup {
  std::optional<std::expected<Addresses, Error>> result;
  int64_t expires_us = 0;
  std::vector<std::shared_ptr<Event>> waiting;
};

// Lets the resolver's thread post to a loop that may be gone.
struct Dialer::Mailbox {
  std::mutex mutex;
  asio::io_context* io = nullptr;
};

Dialer::Dialer(Sweep& sweep, std::shared_ptr<Resolver> resolver, int64_t dns_cache_ms,
               size_t buffer_limit_bytes)
    : sweep_(sweep),
      resolver_(std::move(resolver)),
      dns_cache_us_(dns_cache_ms * 1000),
      buffer_limit_bytes_(buffer_limit_bytes),
      mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->io = &sweep.io();
}

Dialer::~Dialer() {
  const std::scoped_lock lock(mailbox_->mutex);
  mailbox_->io = nullptr;
}

void Dialer::remember(const std::string& host, const std::shared_ptr<Lookup>& lookup) {
  if (lookups_.size() >= kNamesLimit)
    std::erase_if(lookups_, [](const auto& entry) { return entry.second->result.has_value(); });
  lookups_[host] = lookup;
  resolver_->resolve(host, [mailbox = mailbox_, lookup, clock = &sweep_.clock(),
                            cache_us = dns_cache_us_](std::expected<Addresses, Error> result) {
    const std::scoped_lock lock(mailbox->mutex);
    if (mailbox->io == nullptr) return;
    asio::post(*mailbox->io, [lookup, clock, cache_us, result = std::move(result)] {
      // A failure is not kept: the next call asks again.
      lookup->expires_us = result ? clock->steady_us() + cache_us : 0;
      lookup->result = result;
      for (const auto& event : std::exchange(lookup->waiting, {}))
        event->set(IoStatus::kOk);
    });
  });
}

Task<std::expected<Addresses, Error>> Dialer::resolve(const std::string& host, int64_t deadline_us,
                                                      Cancellation& cancellation) {
  error_code not_an_address;
  const auto literal = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return Addresses{literal};
  std::shared_ptr<Lookup> lookup;
  if (const auto known = lookups_.find(host);
      known != lookups_.end() &&
      (!known->second->result || known->second->expires_us > sweep_.now_us()))
    lookup = known->second;
  if (!lookup) {
    lookup = std::make_shared<Lookup>();
    remember(host, lookup);
  }
  if (!lookup->result) {
    const auto event = std::make_shared<Event>(sweep_);
    lookup->waiting.push_back(event);
    const IoStatus status = co_await event->wait(deadline_us, cancellation);
    std::erase(lookup->waiting, event);
    if (status == IoStatus::kTimeout)
      co_return fail(ErrorCode::kTimeout, "the name " + host + " was not resolved in time");
    if (status != IoStatus::kOk)
      co_return fail(ErrorCode::kCancelled, "resolving " + host + " was cancelled");
  }
  co_return *lookup->result;
}

Task<std::expected<std::shared_ptr<Channel>, Error>> Dialer::connect(const std::string& host,
                                                                     uint16_t port,
                                                                     int64_t deadline_us,
                                                                     Cancellation& cancellation) {
  const auto addresses = co_await resolve(host, deadline_us, cancellation);
  if (!addresses) co_return std::unexpected(addresses.error());
  std::vector<tcp::endpoint> endpoints;
  for (const auto& address : interleave_families(*addresses))
    endpoints.emplace_back(address, port);
  const auto race = std::make_shared<Race>(sweep_, std::move(endpoints));
  const IoStatus status = co_await race->run(deadline_us, cancellation);
  const std::string peer = join_host_port(host, port);
  if (status == IoStatus::kTimeout)
    co_return fail(ErrorCode::kTimeout, "no connection to " + peer + " in time");
  if (status == IoStatus::kCancelled)
    co_return fail(ErrorCode::kCancelled, "connecting to " + peer + " was cancelled");
  if (!race->winner())
    co_return fail(ErrorCode::kConnection,
                   fmt::format("cannot connect to {}: {}", peer, race->failure().message()));
  co_return std::make_shared<Channel>(std::move(*race->winner()), sweep_, buffer_limit_bytes_);
}

Task<std::expected<void, Error>> Dialer::tunnel(Channel& channel, const Endpoint& endpoint,
                                                const ProxyRoute& proxy, int64_t deadline_us) {
  const std::string target = join_host_port(endpoint.host, endpoint.port);
  std::string head;
  append_request_head("CONNECT", target, target, Headers{}, 0, proxy.authorization, head);
  IoStatus status = co_await channel.write({head, {}, {}}, INT32_MAX, deadline_us);
  HeadScanner scanner;
  while (status == IoStatus::kOk) {
    const auto head_bytes = scanner.scan(channel.buffered());
    if (!head_bytes || channel.buffered().size() > buffer_limit_bytes_ / 2)
      co_return fail(ErrorCode::kCorrupt, "the proxy does not answer in HTTP");
    if (*head_bytes > 0) {
      ResponseHead response;
      const auto framing =
          parse_response_head(channel.buffered().substr(0, *head_bytes), "CONNECT", response);
      if (!framing) co_return fail(ErrorCode::kCorrupt, "the proxy does not answer in HTTP");
      if (response.status / 100 != 2)
        co_return fail(ErrorCode::kConnection,
                       fmt::format("the proxy {} refused a tunnel to {} with status {}",
                                   proxy.endpoint.authority(), target, response.status));
      channel.consume(*head_bytes);
      if (!channel.buffered().empty())
        co_return fail(ErrorCode::kCorrupt, "the proxy sent bytes before the TLS handshake");
      co_return std::expected<void, Error>{};
    }
    status = co_await channel.fill(deadline_us);
  }
  co_return std::unexpected(io_error(status, proxy.endpoint, &channel));
}

Task<std::expected<void, Error>> Dialer::secure(Channel& channel, const Endpoint& endpoint,
                                                int64_t deadline_us) {
  auto& context = contexts_[endpoint.ca_file];
  if (!context) {
    auto made = make_client_context(endpoint.ca_file);
    if (!made) {
      contexts_.erase(endpoint.ca_file);
      co_return std::unexpected(made.error());
    }
    context = std::move(*made);
  }
  channel.start_tls(*context);
  expect_peer(channel.native_tls(), endpoint.host);
  const IoStatus status = co_await channel.handshake(asio::ssl::stream_base::client, deadline_us);
  if (status == IoStatus::kOk) co_return std::expected<void, Error>{};
  if (status == IoStatus::kTimeout || status == IoStatus::kCancelled)
    co_return std::unexpected(io_error(status, endpoint, &channel));
  co_return fail(ErrorCode::kConnection,
                 fmt::format("no TLS with {}: {}", endpoint.authority(),
                             describe_tls_failure(channel.native_tls(), channel.failure())));
}

Task<std::expected<std::shared_ptr<Channel>, Error>> Dialer::dial(const Endpoint& endpoint,
                                                                  const ProxyRoute& proxy,
                                                                  int64_t deadline_us,
                                                                  Cancellation& cancellation) {
  const Endpoint& first = proxy.used ? proxy.endpoint : endpoint;
  auto connected = co_await connect(first.host, first.port, deadline_us, cancellation);
  if (!connected || !endpoint.tls) co_return connected;
  const std::shared_ptr<Channel> channel = std::move(*connected);
  const auto guard =
      cancellation.on_cancel([channel] { channel->interrupt(IoStatus::kCancelled); });
  std::expected<void, Error> done;
  if (proxy.used) done = co_await tunnel(*channel, endpoint, proxy, deadline_us);
  if (done) done = co_await secure(*channel, endpoint, deadline_us);
  if (done) co_return channel;
  channel->close();
  co_return std::unexpected(done.error());
}

}  // namespace weir::http
