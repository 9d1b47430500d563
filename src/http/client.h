// The HTTP/1.1 client of one worker: keep-alive pool, verified TLS, name resolution off the event
// loop with a cache, staggered connection attempts over all addresses (RFC 8305), HTTPS_PROXY.
// Use from the worker's thread only; a ClientResponse must not outlive its Client.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/cancel.h"
#include "http/message.h"
#include "http/task.h"

namespace weir::http {

// Where to: parsed from a base URL.
struct Endpoint {
  bool tls = false;
  std::string host;  // name or address literal, IPv6 without brackets
  uint16_t port = 80;
  std::string path_prefix;  // "" or "/v1" without a trailing slash
  std::string ca_file;      // PEM bundle for this endpoint only; "" = system (SSL_CERT_FILE)

  // Fails: kInvalidArgument naming what is wrong with the URL (scheme, user info, query ...).
  [[nodiscard]] static std::expected<Endpoint, Error> parse(std::string_view url);
  std::string authority() const;  // "host:port", brackets for IPv6, default port left out
};

struct ClientOptions {
  int64_t connect_timeout_ms = 5'000;  // resolve, connect and TLS handshake together
  size_t idle_connections_limit = 64;  // per endpoint
  int64_t idle_timeout_ms = 60'000;
  size_t head_limit_bytes = 64 << 10;
  int64_t dns_cache_ms = 30'000;
  std::string https_proxy;  // "" = none; "http://host:port"
  std::string http_proxy;
  std::string no_proxy;  // comma separated suffixes, "*" = all

  // Takes HTTPS_PROXY, HTTP_PROXY and NO_PROXY from the environment, or their lower-case forms,
  // which win as in curl. Call it before threads are started.
  void read_proxy_environment();
};

struct ClientRequest {
  std::string method = "POST";
  std::string target;  // path and query, appended to the endpoint's path_prefix
  Headers headers;     // Host, Content-Length, Connection and Accept-Encoding are added
  std::string body;
};

// Time limits of one call, all of them also bounded by `deadline`.
struct CallLimits {
  Deadline deadline;                  // everything
  int64_t idle_timeout_ms = 120'000;  // between two reads of the body
};

// Must not outlive the Client and the Cancellation that it was made with.
class ClientResponse {
 public:
  virtual ~ClientResponse() = default;
  virtual int status() const = 0;
  // Without Content-Encoding, and then without Content-Length, when the body is decoded here.
  virtual const Headers& headers() const = 0;
  // For the one who keeps them; headers() is empty from then on.
  virtual Headers take_headers() = 0;
  // The next piece of the body (valid until the next call), decoded from chunking and from content
  // coding; empty at the end. Fails: kTimeout, kConnection (cut short), kCancelled, kCorrupt.
  virtual Task<std::expected<std::string_view, Error>> read_some() = 0;
  // The rest, at most limit_bytes (else kTooLarge).
  virtual Task<std::expected<std::string, Error>> read_all(size_t limit_bytes) = 0;
  // Replaces the deadline that send() was given, for what is still to be read: the first event of a
  // stream may have less time than the whole.
  virtual void set_deadline(Deadline deadline) = 0;
  // The connection goes back to the pool when the body was read to its end, else it is closed by
  // the destructor: that is how a call is cancelled.
};

class Client {
 public:
  virtual ~Client() = default;
  // Sends and reads the final response head (1xx are skipped). A connection taken from the pool
  // that is reset before any response byte is replaced by a fresh one, once.
  // Fails: kConnection (message names host and cause, never a header value), kTimeout, kCancelled,
  // kCorrupt (not HTTP), kInvalidArgument.
  virtual Task<std::expected<std::unique_ptr<ClientResponse>, Error>> send(
      const Endpoint& endpoint, const ClientRequest& request, const CallLimits& limits,
      Cancellation& cancellation) = 0;
  // Closes the pooled connections that are not in use.
  virtual void close_idle() = 0;
};

}  // namespace weir::http
