// One client connection of the server: reads requests in order, runs the handler on each, writes
// the answers. It is also the Exchange that the handler sees, one request at a time.
// Single-threaded: belongs to one worker.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/channel.h"
#include "http/compose.h"
#include "http/loop.h"
#include "http/parser.h"
#include "http/server.h"

namespace weir::http {

// What all connections of a server share, unchanged while it runs.
struct ConnectionSettings {
  ServerOptions options;
  Handler handler;
  ErrorResponder error_responder;
  boost::asio::ssl::context* tls = nullptr;
};

class Connection final : public Exchange, private Channel::Observer {
 public:
  Connection(Loop& loop, const ConnectionSettings& settings, Socket socket, std::string peer);

  // Until the connection is closed.
  Task<void> run();
  // The server stops: no further request after the one that runs, if any.
  void retire();
  // Ends it now. True when that cut a request off.
  bool cut();

  Request& request() override { return request_; }
  Worker& worker() override { return loop_; }
  Cancellation& gone() override { return *gone_; }
  Task<std::expected<void, Error>> respond(Response response) override;
  Task<std::expected<void, Error>> begin_stream(Response head) override;
  Task<std::expected<void, Error>> write(std::string_view bytes) override;
  Task<std::expected<void, Error>> end_stream(std::string_view last) override;
  void abort() override;

 private:
  enum class Phase : uint8_t { kIdle, kReading, kHandling, kClosing };
  enum class Answer : uint8_t { kNone, kStreaming, kComplete, kAborted };

  Task<bool> next_request();
  Task<bool> read_head();
  Task<std::optional<Fault>> read_body();
  Task<std::optional<Fault>> read_sized_body();
  Task<std::optional<Fault>> read_chunked_body();
  Task<std::optional<Fault>> fill_body();
  std::optional<Fault> decode_body();
  Task<void> handle();
  Task<void> refuse(Fault fault);
  Task<void> linger();
  void begin_request();
  void skip_blank_lines();
  Fault overlong_head() const;
  Persistence persistence() const;
  bool body_allowed(int status) const;
  Task<std::expected<void, Error>> send(Channel::Pieces pieces);
  std::expected<void, Error> outcome(IoStatus status);
  void channel_changed() override;

  Loop& loop_;
  const ConnectionSettings& settings_;
  std::shared_ptr<Channel> channel_;
  const std::string peer_;
  Phase phase_ = Phase::kIdle;
  Answer answer_ = Answer::kNone;
  bool retired_ = false;
  bool close_after_ = false;
  bool unread_input_ = false;  // the client may still be sending when the answer is out
  bool chunked_answer_ = false;
  bool muted_answer_ = false;  // HEAD: the body is not written
  Request request_;
  Framing framing_;
  HeadScanner scanner_;
  int64_t body_deadline_us_ = 0;
  std::optional<Cancellation> gone_;
  std::string out_;
};

}  // namespace weir::http
