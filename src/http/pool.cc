#include "http/pool.h"

#include <list>
#include <utility>
#include <vector>

#include "http/compose.h"
#include "http/dial.h"
#include "http/proxy.h"
#include "http/response_reader.h"

namespace weir::http {
namespace {

constexpr size_t kComposeLimitBytes = 64 << 10;  // larger bodies are not copied behind the head

// Whether a call may take a connection from the pool.
enum class Reuse : uint8_t { kAllowed, kFreshOnly };

bool same_peer(const Endpoint& a, const Endpoint& b) {
  return a.tls == b.tls && a.port == b.port && a.host == b.host && a.ca_file == b.ca_file;
}

class PooledClient;

// The idle connections of one endpoint, the most recently used one last.
struct Shelf {
  // A connection that is readable while it idles is over, and so is one that idles too long.
  struct Idle final : Channel::Observer {
    Idle(Shelf& owner, std::shared_ptr<Channel> idle) : shelf(owner), channel(std::move(idle)) {}
    void channel_changed() override { shelf.drop(*this); }
    Shelf& shelf;
    std::shared_ptr<Channel> channel;
  };

  explicit Shelf(Endpoint peer) : endpoint(std::move(peer)) {}

  void put(std::shared_ptr<Channel> channel, size_t limit, int64_t until_us) {
    if (idle.size() >= limit && !idle.empty()) drop(idle.front());
    if (limit == 0) {
      channel->close();
      return;
    }
    Idle& added = idle.emplace_back(*this, std::move(channel));
    added.channel->watch(&added, until_us);
  }

  std::shared_ptr<Channel> take() {
    while (!idle.empty()) {
      const std::shared_ptr<Channel> channel = std::move(idle.back().channel);
      channel->watch(nullptr);
      idle.pop_back();
      if (channel->open() && channel->status() == IoStatus::kOk && channel->buffered().empty())
        return channel;
      channel->close();
    }
    return nullptr;
  }

  void drop(const Idle& dropped) {
    dropped.channel->close();
    idle.remove_if([&dropped](const Idle& entry) { return &entry == &dropped; });
  }

  void drop_all() {
    while (!idle.empty())
      drop(idle.front());
  }

  const Endpoint endpoint;
  std::list<Idle> idle;
};

class PooledClient final : public Client {
 public:
  PooledClient(const ClientOptions& options, Sweep& sweep, std::shared_ptr<Resolver> resolver)
      : options_(options),
        sweep_(sweep),
        proxies_(ProxyTable::make(options)),
        dialer_(sweep, std::move(resolver), options.dns_cache_ms,
                options.head_limit_bytes + (64 << 10)) {}
  ~PooledClient() override { close_idle(); }

  Task<std::expected<std::unique_ptr<ClientResponse>, Error>> send(
      const Endpoint& endpoint, const ClientRequest& request, const CallLimits& limits,
      Cancellation& cancellation) override;
  void close_idle() override {
    for (Shelf& shelf : shelves_)
      shelf.drop_all();
  }

 private:
  struct Attempt {
    std::expected<std::unique_ptr<ClientResponse>, Error> result;
    bool stale = false;  // a reused connection that was dead; nothing was answered on it
  };
  Task<Attempt> attempt(const Endpoint& endpoint, const ClientRequest& request,
                        const CallLimits& limits, Cancellation& cancellation, Reuse reuse);
  Shelf& shelf_of(const Endpoint& endpoint);
  std::string compose(const Endpoint& endpoint, const ClientRequest& request,
                      const ProxyRoute& proxy) const;

  const ClientOptions options_;
  Sweep& sweep_;
  const std::expected<ProxyTable, Error> proxies_;
  Dialer dialer_;
  std::list<Shelf> shelves_;  // few; their addresses must not change
};

Shelf& PooledClient::shelf_of(const Endpoint& endpoint) {
  for (Shelf& shelf : shelves_)
    if (same_peer(shelf.endpoint, endpoint)) return shelf;
  return shelves_.emplace_back(endpoint);
}

std::string PooledClient::compose(const Endpoint& endpoint, const ClientRequest& request,
                                  const ProxyRoute& proxy) const {
  std::string target;
  const bool absolute = proxy.used && !endpoint.tls;
  if (absolute) target.append("http://").append(endpoint.authority());
  target.append(endpoint.path_prefix).append(request.target);
  std::string out;
  out.reserve(512 + std::min(request.body.size(), kComposeLimitBytes));
  append_request_head(request.method, target, endpoint.authority(), request.headers,
                      request.body.size(), absolute ? proxy.authorization : std::string_view{},
                      out);
  if (request.body.size() <= kComposeLimitBytes) out.append(request.body);
  return out;
}

Task<PooledClient::Attempt> PooledClient::attempt(const Endpoint& endpoint,
                                                  const ClientRequest& request,
                                                  const CallLimits& limits,
                                                  Cancellation& cancellation, Reuse reuse) {
  Attempt outcome;
  const ProxyRoute& proxy = proxies_->route(endpoint);
  Shelf& shelf = shelf_of(endpoint);
  std::shared_ptr<Channel> channel;
  if (reuse == Reuse::kAllowed) channel = shelf.take();
  const bool reused = channel != nullptr;
  if (!channel) {
    const int64_t until_us =
        std::min(limits.deadline.at_us, sweep_.now_us() + options_.connect_timeout_ms * 1000);
    auto dialed = co_await dialer_.dial(endpoint, proxy, until_us, cancellation);
    if (!dialed) {
      outcome.result = std::unexpected(dialed.error());
      co_return outcome;
    }
    channel = std::move(*dialed);
  }
  auto reader =
      std::make_unique<ResponseReader>(channel, shelf.endpoint, limits, cancellation, sweep_);
  const std::string head = compose(endpoint, request, proxy);
  const std::string_view rest =
      request.body.size() > kComposeLimitBytes ? std::string_view(request.body) : "";
  const IoStatus written =
      co_await channel->write({head, rest, {}}, INT32_MAX, limits.deadline.at_us);
  std::expected<void, Error> read;
  // A peer may refuse and close before it has read everything; its answer is worth reading then.
  if (written == IoStatus::kOk || written == IoStatus::kReset)
    read = co_await reader->read_head(request.method, options_.head_limit_bytes);
  else
    read = std::unexpected(io_error(written, endpoint, channel.get()));
  if (!read) {
    outcome.stale = reused && reader->nothing_came() && read.error().code == ErrorCode::kConnection;
    outcome.result = std::unexpected(read.error());
    co_return outcome;
  }
  if (written == IoStatus::kOk)
    reader->when_over([this, &shelf](std::shared_ptr<Channel> kept) {
      shelf.put(std::move(kept), options_.idle_connections_limit,
                sweep_.now_us() + options_.idle_timeout_ms * 1000);
    });
  outcome.result = std::move(reader);
  co_return outcome;
}

Task<std::expected<std::unique_ptr<ClientResponse>, Error>> PooledClient::send(
    const Endpoint& endpoint, const ClientRequest& request, const CallLimits& limits,
    Cancellation& cancellation) {
  if (!proxies_) co_return std::unexpected(proxies_.error());
  if (!is_token(request.method) || !request.target.starts_with('/') ||
      request.target.find_first_of(" \r\n\t") != std::string::npos)
    co_return fail(ErrorCode::kInvalidArgument, "invalid method or target of an upstream request");
  if (cancellation.cancelled())
    co_return fail(ErrorCode::kCancelled, "the call was cancelled before it began");
  Attempt first = co_await attempt(endpoint, request, limits, cancellation, Reuse::kAllowed);
  if (!first.stale || cancellation.cancelled()) co_return std::move(first.result);
  Attempt second = co_await attempt(endpoint, request, limits, cancellation, Reuse::kFreshOnly);
  co_return std::move(second.result);
}

}  // namespace

std::unique_ptr<Client> make_client(const ClientOptions& options, Sweep& sweep,
                                    std::shared_ptr<Resolver> resolver) {
  return std::make_unique<PooledClient>(options, sweep, std::move(resolver));
}

}  // namespace weir::http
