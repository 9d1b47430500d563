// An HTTP/1.x server: N workers, each one event loop on one thread with its own upstream Client.
// A single acceptor deals connections to the workers in turn; a connection stays on its worker.
// Knows no LLM word: the Handler gives meaning.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "http/cancel.h"
#include "http/client.h"
#include "http/message.h"
#include "http/task.h"

namespace weir::http {

struct ServerTls {
  std::string certificate_file;  // PEM, chain
  std::string key_file;          // PEM
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: the system chooses, see Server::port()
  int workers = 1;
  size_t head_limit_bytes = 64 << 10;
  size_t body_limit_bytes = 32 << 20;  // after content decoding, too
  size_t connections_limit = 4096;     // per worker; beyond it new ones wait in the backlog
  int64_t head_timeout_ms = 30'000;    // first byte of a request to the end of its head
  int64_t body_timeout_ms = 60'000;
  int64_t idle_timeout_ms = 75'000;    // keep-alive without a request
  int64_t write_timeout_ms = 60'000;   // a client that does not read
  int64_t total_timeout_ms = 600'000;  // makes Request::deadline
  std::optional<ServerTls> tls;
  ClientOptions client;  // of every worker's own Client
};

// What a worker lends to the code that runs on it. Use from that worker's thread only.
class Worker {
 public:
  virtual ~Worker() = default;
  virtual int index() const = 0;
  virtual Client& client() = 0;
  virtual const Clock& clock() const = 0;
  // Waits; false when cancelled first.
  virtual Task<bool> sleep(int64_t ms, Cancellation& cancellation) = 0;
  // Waits until what is ready to run now has run, and what this has made ready comes after.
  virtual Task<void> yield() = 0;
  // Runs work that belongs to no exchange on this worker; Server::stop waits for it as well.
  virtual void spawn(std::function<Task<void>()> work) = 0;
};

// Runs `work` on a worker without a server, on the calling thread, until it is over: for programs
// that only call out, such as a load generator.
void run_on_worker(const ClientOptions& options, std::function<Task<void>(Worker&)> work,
                   const Clock& clock = SystemClock::instance());

// One request and its answer. Exactly one of respond() or begin_stream() .. end_stream() is called;
// a handler that does neither leaves a 500. Every write fails with kConnection or kTimeout when the
// client does not take it, and then client_gone() is true.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual Request& request() = 0;
  virtual Worker& worker() = 0;
  // Fires when the client closes or resets while the handler runs; lives until the handler returns.
  virtual Cancellation& gone() = 0;
  bool client_gone() { return gone().cancelled(); }

  // The whole answer in one write; adds Content-Length, Date and Connection.
  virtual Task<std::expected<void, Error>> respond(Response response) = 0;
  // Head now, body in pieces: chunked for HTTP/1.1, closed at the end for 1.0. A body in `head` is
  // the first piece and goes out in the same system call.
  virtual Task<std::expected<void, Error>> begin_stream(Response head) = 0;
  virtual Task<std::expected<void, Error>> write(std::string_view bytes) = 0;
  // Writes `last` (may be empty) together with the end of the body.
  virtual Task<std::expected<void, Error>> end_stream(std::string_view last) = 0;
  // Ends a begun stream without its terminator, so that the client sees the cut.
  virtual void abort() = 0;
};

// Called on the connection's worker; runs until the answer is complete.
using Handler = std::function<Task<void>(Exchange&)>;
// What the server itself must say (400, 408, 413, 415, 431, 501, 503 ...): gives the answer in the
// shape of the application. `request` has what was read so far; its path may be empty.
using ErrorResponder =
    std::function<Response(const Request& request, int status, std::string_view message)>;

class Server {
 public:
  // Binds and listens. Fails: kConflict with the address when the port is taken, kInvalidArgument
  // for a bad address or certificate, kIo.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, Error> bind(
      ServerOptions options, Handler handler, ErrorResponder error_responder,
      const Clock& clock = SystemClock::instance());
  virtual ~Server() = default;

  virtual uint16_t port() const = 0;
  // Starts the workers and returns.
  virtual void start() = 0;
  // From any thread, also from a signal-waiting one: stops accepting, lets running exchanges finish
  // for at most grace_ms, closes the rest, joins the workers. Returns the number cut off.
  virtual size_t stop(int64_t grace_ms) = 0;
};

}  // namespace weir::http
