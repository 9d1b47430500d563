#include "http/connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/compress.h"

namespace weir::http {
namespace {

constexpr size_t kComposeLimitBytes = 64 << 10;  // larger bodies are not copied behind the head
constexpr size_t kReserveLimitBytes = 1 << 20;   // trust in a Content-Length before bytes came
constexpr int64_t kLingerMs = 2'000;
constexpr size_t kLingerBytes = 64 << 20;
constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

Connection::Connection(Loop& loop, const ConnectionSettings& settings, Socket socket,
                       std::string peer)
    : loop_(loop),
      settings_(settings),
      // Room for a whole head and what a pipelining client sends behind it.
      channel_(std::make_shared<Channel>(std::move(socket), loop.sweep(),
                                         settings.options.head_limit_bytes + (64 << 10))),
      peer_(std::move(peer)) {
  gone_.emplace();
}

Task<void> Connection::run() {
  if (settings_.tls != nullptr) {
    phase_ = Phase::kReading;
    channel_->start_tls(*settings_.tls);
    const int64_t until_us = loop_.sweep().now_us() + settings_.options.head_timeout_ms * 1000;
    const IoStatus status =
        co_await channel_->handshake(boost::asio::ssl::stream_base::server, until_us);
    if (status != IoStatus::kOk) close_after_ = true;
  }
  while (!close_after_) {
    if (!co_await next_request()) break;
    phase_ = Phase::kHandling;
    co_await handle();
  }
  phase_ = Phase::kClosing;
  co_await linger();
  channel_->close();
}

void Connection::retire() {
  retired_ = true;
  if (phase_ == Phase::kIdle) channel_->interrupt(IoStatus::kCancelled);
}

bool Connection::cut() {
  const bool busy = phase_ == Phase::kHandling || phase_ == Phase::kReading;
  channel_->interrupt(IoStatus::kCancelled);
  gone_->cancel();
  return busy;
}

void Connection::begin_request() {
  request_ = Request{};
  request_.peer = peer_;
  framing_ = Framing{};
  framing_.keep_alive = false;
  scanner_.reset();
  answer_ = Answer::kNone;
  unread_input_ = true;
  gone_.emplace();
}

// False: the connection is to be closed; what the client must hear has been said.
Task<bool> Connection::next_request() {
  begin_request();
  phase_ = Phase::kIdle;
  if (!co_await read_head()) co_return false;
  const std::optional<Fault> fault = co_await read_body();
  if (fault) {
    if (fault->status != 0) co_await refuse(*fault);
    co_return false;
  }
  unread_input_ = false;
  co_return true;
}

// RFC 9112, 2.2: an empty line before the request line is ignored.
void Connection::skip_blank_lines() {
  while (channel_->buffered().starts_with("\r\n"))
    channel_->consume(2);
}

Fault Connection::overlong_head() const {
  return scanner_.first_line_ended() ? Fault{431, "the request head is too large"}
                                     : Fault{414, "the request line is too long"};
}

Task<bool> Connection::read_head() {
  const ServerOptions& options = settings_.options;
  Sweep& sweep = loop_.sweep();
  int64_t until_us = sweep.now_us() + options.idle_timeout_ms * 1000;
  for (;;) {
    if (phase_ == Phase::kIdle) skip_blank_lines();
    const std::string_view bytes = channel_->buffered();
    if (!bytes.empty() && phase_ == Phase::kIdle && bytes != "\r") {
      phase_ = Phase::kReading;
      request_.arrived_us = sweep.now_us();
      until_us = request_.arrived_us + options.head_timeout_ms * 1000;
      request_.deadline = {request_.arrived_us + options.total_timeout_ms * 1000};
    }
    if (phase_ == Phase::kReading) {
      const auto head_bytes = scanner_.scan(bytes.substr(0, options.head_limit_bytes));
      std::optional<Fault> fault;
      if (!head_bytes) {
        fault = head_bytes.error();
      } else if (*head_bytes > 0) {
        const auto framing = parse_request_head(bytes.substr(0, *head_bytes), request_);
        if (framing) {
          channel_->consume(*head_bytes);
          framing_ = *framing;
          co_return true;
        }
        fault = framing.error();
      } else if (bytes.size() >= options.head_limit_bytes) {
        fault = overlong_head();
      }
      if (fault) {
        co_await refuse(*fault);
        co_return false;
      }
    } else if (retired_) {
      co_return false;
    }
    const IoStatus status = co_await channel_->fill(until_us);
    if (status == IoStatus::kTimeout && phase_ == Phase::kReading && channel_->open())
      co_await refuse({408, "the request head did not arrive in time"});
    if (status != IoStatus::kOk) co_return false;
  }
}

// A fault with status 0 means that nobody is there to be told.
Task<std::optional<Fault>> Connection::read_body() {
  const auto coding = parse_content_coding(request_.headers.get("content-encoding"));
  if (framing_.body != BodyKind::kNone && !coding)
    co_return Fault{415, "unknown Content-Encoding; gzip, deflate and zstd are understood"};
  if (framing_.length_bytes > settings_.options.body_limit_bytes)
    co_return Fault{413, "the request body is too large"};
  if (framing_.body == BodyKind::kNone) co_return std::nullopt;
  body_deadline_us_ = loop_.sweep().now_us() + settings_.options.body_timeout_ms * 1000;
  if (framing_.expects_continue && channel_->buffered().empty()) {
    const auto sent = co_await send({"HTTP/1.1 100 Continue\r\n\r\n", {}, {}});
    if (!sent) co_return Fault{0};
  }
  std::optional<Fault> fault;
  if (framing_.body == BodyKind::kChunked)
    fault = co_await read_chunked_body();
  else
    fault = co_await read_sized_body();
  if (!fault) fault = decode_body();
  co_return fault;
}

Task<std::optional<Fault>> Connection::fill_body() {
  const IoStatus status = co_await channel_->fill(body_deadline_us_);
  if (status == IoStatus::kOk) co_return std::nullopt;
  if (status == IoStatus::kTimeout) co_return Fault{408, "the request body did not arrive in time"};
  co_return Fault{0};
}

Task<std::optional<Fault>> Connection::read_sized_body() {
  std::string& body = request_.body;
  const size_t wanted = framing_.length_bytes;
  body.reserve(std::min(wanted, kReserveLimitBytes));
  for (;;) {
    const std::string_view bytes = channel_->buffered().substr(0, wanted - body.size());
    body.append(bytes);
    channel_->consume(bytes.size());
    if (body.size() == wanted) co_return std::nullopt;
    const std::optional<Fault> fault = co_await fill_body();
    if (fault) co_return fault;
  }
}

Task<std::optional<Fault>> Connection::read_chunked_body() {
  ChunkedDecoder decoder;
  for (;;) {
    while (!channel_->buffered().empty() && !decoder.done()) {
      const ChunkedDecoder::Step step = decoder.next(channel_->buffered());
      if (step.bad) co_return Fault{400, "broken chunked coding of the request body"};
      if (request_.body.size() + step.data.size() > settings_.options.body_limit_bytes)
        co_return Fault{413, "the request body is too large"};
      request_.body.append(step.data);
      channel_->consume(step.consumed);
    }
    if (decoder.done()) co_return std::nullopt;
    const std::optional<Fault> fault = co_await fill_body();
    if (fault) co_return fault;
  }
}

std::optional<Fault> Connection::decode_body() {
  const auto coding = parse_content_coding(request_.headers.get("content-encoding"));
  if (!coding || *coding == ContentCoding::kIdentity) return std::nullopt;
  auto decoded = decompress(*coding, request_.body, settings_.options.body_limit_bytes);
  if (!decoded)
    return decoded.error().code == ErrorCode::kTooLarge
               ? Fault{413, "the decompressed request body is too large"}
               : Fault{400, "the request body is broken or incomplete compressed data"};
  request_.body = std::move(*decoded);
  request_.headers.remove("content-encoding");
  return std::nullopt;
}

Task<void> Connection::handle() {
  close_after_ = !framing_.keep_alive;
  channel_->watch(this);
  if (channel_->status() != IoStatus::kOk) gone_->cancel();
  co_await settings_.handler(*this);
  if (answer_ == Answer::kNone) {
    const auto sent =
        co_await respond(settings_.error_responder(request_, 500, "the handler gave no answer"));
    if (!sent) close_after_ = true;
  } else if (answer_ == Answer::kStreaming) {
    abort();
  }
  channel_->watch(nullptr);
  if (retired_) close_after_ = true;
}

Task<void> Connection::refuse(Fault fault) {
  framing_.keep_alive = false;
  close_after_ = true;
  const auto sent =
      co_await respond(settings_.error_responder(request_, fault.status, fault.message));
  if (!sent) channel_->close();
}

// Closing while the client still sends would make its system throw the answer away, so what comes
// is read and dropped for a while (RFC 9112, 9.6).
Task<void> Connection::linger() {
  const bool input_left = unread_input_ || !channel_->buffered().empty();
  if (!input_left || answer_ != Answer::kComplete || !channel_->open() || retired_) co_return;
  channel_->shutdown_write();
  const int64_t until_us = loop_.sweep().now_us() + kLingerMs * 1000;
  size_t dropped_bytes = 0;
  while (dropped_bytes < kLingerBytes) {
    dropped_bytes += channel_->buffered().size();
    channel_->consume(channel_->buffered().size());
    const IoStatus status = co_await channel_->fill(until_us);
    if (status != IoStatus::kOk) co_return;
  }
}

void Connection::channel_changed() {
  if (channel_->status() != IoStatus::kOk) gone_->cancel();
}

Persistence Connection::persistence() const {
  if (close_after_ || retired_ || !framing_.keep_alive) return Persistence::kClose;
  return request_.version >= 11 ? Persistence::kKeep : Persistence::kKeepOldClient;
}

bool Connection::body_allowed(int status) const {
  return request_.method != "HEAD" && status != 204 && status != 304;
}

std::expected<void, Error> Connection::outcome(IoStatus status) {
  if (status == IoStatus::kOk) return {};
  close_after_ = true;
  gone_->cancel();
  if (status == IoStatus::kTimeout)
    return fail(ErrorCode::kTimeout, "the client did not take the answer in time");
  return fail(ErrorCode::kConnection, "the client has closed the connection");
}

Task<std::expected<void, Error>> Connection::send(Channel::Pieces pieces) {
  const IoStatus status = co_await channel_->write(pieces, settings_.options.write_timeout_ms);
  co_return outcome(status);
}

Task<std::expected<void, Error>> Connection::respond(Response response) {
  CHECK(answer_ == Answer::kNone);
  answer_ = Answer::kComplete;
  const bool bodiless = response.status == 204 || response.status == 304;
  const bool muted = !body_allowed(response.status);
  if (persistence() == Persistence::kClose) close_after_ = true;
  out_.clear();
  append_response_head(response.status, response.headers,
                       {.body = bodiless ? BodyKind::kNone : BodyKind::kLength,
                        .length_bytes = response.body.size(),
                        .persistence = persistence(),
                        .date = loop_.date()},
                       out_);
  if (muted) return send({out_, {}, {}});
  if (out_.size() + response.body.size() > kComposeLimitBytes) {
    // The body must live as long as the write.
    return [](Connection* self, std::string body) -> Task<std::expected<void, Error>> {
      co_return co_await self->send({self->out_, body, {}});
    }(this, std::move(response.body));
  }
  out_.append(response.body);
  return send({out_, {}, {}});
}

Task<std::expected<void, Error>> Connection::begin_stream(Response head) {
  CHECK(answer_ == Answer::kNone);
  answer_ = Answer::kStreaming;
  muted_answer_ = !body_allowed(head.status);
  chunked_answer_ = request_.version >= 11;
  if (!chunked_answer_) close_after_ = true;
  const BodyKind kind = head.status == 204 || head.status == 304 ? BodyKind::kNone
                        : chunked_answer_                        ? BodyKind::kChunked
                                                                 : BodyKind::kUntilClose;
  if (persistence() == Persistence::kClose) close_after_ = true;
  out_.clear();
  append_response_head(head.status, head.headers,
                       {.body = kind, .persistence = persistence(), .date = loop_.date()}, out_);
  if (!muted_answer_ && !head.body.empty()) {
    if (chunked_answer_) append_chunk_size(head.body.size(), out_);
    out_.append(head.body);
    if (chunked_answer_) out_.append("\r\n");
  }
  return send({out_, {}, {}});
}

Task<std::expected<void, Error>> Connection::write(std::string_view bytes) {
  CHECK(answer_ == Answer::kStreaming || answer_ == Answer::kAborted);
  if (answer_ == Answer::kAborted) co_return fail(ErrorCode::kConnection, "the answer was aborted");
  if (bytes.empty() || muted_answer_) co_return std::expected<void, Error>{};
  if (!chunked_answer_) co_return co_await send({bytes, {}, {}});
  out_.clear();
  append_chunk_size(bytes.size(), out_);
  if (bytes.size() > kComposeLimitBytes) co_return co_await send({out_, bytes, "\r\n"});
  out_.append(bytes).append("\r\n");
  co_return co_await send({out_, {}, {}});
}

Task<std::expected<void, Error>> Connection::end_stream(std::string_view last) {
  CHECK(answer_ == Answer::kStreaming || answer_ == Answer::kAborted);
  if (answer_ == Answer::kAborted) co_return fail(ErrorCode::kConnection, "the answer was aborted");
  answer_ = Answer::kComplete;
  if (muted_answer_) co_return std::expected<void, Error>{};
  if (!chunked_answer_) co_return co_await send({last, {}, {}});
  out_.clear();
  if (!last.empty()) {
    append_chunk_size(last.size(), out_);
    if (last.size() > kComposeLimitBytes) co_return co_await send({out_, last, "\r\n0\r\n\r\n"});
    out_.append(last).append("\r\n");
  }
  out_.append(kLastChunk);
  co_return co_await send({out_, {}, {}});
}

void Connection::abort() {
  CHECK(answer_ == Answer::kStreaming);
  answer_ = Answer::kAborted;
  close_after_ = true;
  // Without chunks only a reset tells the client that the answer is not whole.
  if (chunked_answer_)
    channel_->close();
  else
    channel_->close_with_reset();
}

}  // namespace weir::http
