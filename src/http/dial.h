// A new connection: name resolution with a cache, attempts over all addresses, each started
// 250 ms after the one before or as soon as that fails (RFC 8305), then the proxy's CONNECT and
// the TLS handshake. Single-threaded: belongs to one worker.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <unordered_map>

#include "http/cancel.h"
#include "http/channel.h"
#include "http/client.h"
#include "http/event.h"
#include "http/proxy.h"
#include "http/resolver.h"

namespace weir::http {

class Dialer {
 public:
  Dialer(Sweep& sweep, std::shared_ptr<Resolver> resolver, int64_t dns_cache_ms,
         size_t buffer_limit_bytes);
  ~Dialer();

  // Connected, through the proxy's tunnel and TLS where these are asked for.
  // Fails: kConnection naming host and cause, kTimeout, kCancelled, kInvalidArgument (ca_file).
  Task<std::expected<std::shared_ptr<Channel>, Error>> dial(const Endpoint& endpoint,
                                                            const ProxyRoute& proxy,
                                                            int64_t deadline_us,
                                                            Cancellation& cancellation);

 private:
  struct Lookup;
  struct Mailbox;
  Task<std::expected<Addresses, Error>> resolve(const std::string& host, int64_t deadline_us,
                                                Cancellation& cancellation);
  void remember(const std::string& host, const std::shared_ptr<Lookup>& lookup);
  Task<std::expected<std::shared_ptr<Channel>, Error>> connect(const std::string& host,
                                                               uint16_t port, int64_t deadline_us,
                                                               Cancellation& cancellation);
  Task<std::expected<void, Error>> tunnel(Channel& channel, const Endpoint& endpoint,
                                          const ProxyRoute& proxy, int64_t deadline_us);
  Task<std::expected<void, Error>> secure(Channel& channel, const Endpoint& endpoint,
                                          int64_t deadline_us);

  Sweep& sweep_;
  std::shared_ptr<Resolver> resolver_;
  const int64_t dns_cache_us_;
  const size_t buffer_limit_bytes_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unordered_map<std::string, std::shared_ptr<Lookup>> lookups_;
  std::unordered_map<std::string, std::unique_ptr<boost::asio::ssl::context>> contexts_;
};

// The Error for a status that is not kOk: "api.example.com:443 did not answer in time".
Error io_error(IoStatus status, const Endpoint& endpoint, const Channel* channel);

}  // namespace weir::http
