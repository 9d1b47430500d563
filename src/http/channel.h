// A byte channel to one peer, TCP or TLS over it, shared by the server's and the client's side.
// Reading and watching are one thing: at most one read is in flight, into a buffer of the channel,
// and while somebody watches there is always one, so that the end of the peer is noticed at once
// without further system calls and without losing bytes that came early. Writing tries the system
// call first and waits only when the socket is full.
// Single-threaded: belongs to one worker. Held by shared_ptr, because operations in flight keep it.
#pragma once

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/sweep.h"
#include "http/task.h"
#include "http/waiter.h"

namespace weir::http {

using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

enum class IoStatus : uint8_t { kOk, kEnd, kReset, kTimeout, kCancelled };

class Channel final : public std::enable_shared_from_this<Channel>, private Sweep::Entry {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // Bytes, the end or a failure arrived, or the watch's deadline passed, while nobody waited.
    virtual void channel_changed() = 0;
  };
  using Pieces = std::array<std::string_view, 3>;

  // The socket is connected. Requires a call of start() before anything else.
  Channel(Socket socket, Sweep& sweep, size_t buffer_limit_bytes);
  ~Channel() override;

  // --- reading
  std::string_view buffered() const { return {data_.get() + begin_, end_ - begin_}; }
  void consume(size_t bytes) { begin_ += bytes; }
  // Waits until more bytes are buffered. Views of buffered() end here. After anything but kOk or
  // kTimeout the channel gives the same answer for ever; after kTimeout it may be used on.
  Task<IoStatus> fill(int64_t deadline_us);
  // Keeps a read in flight and tells `observer` until it is replaced; nullptr ends the watch.
  void watch(Observer* observer, int64_t deadline_us = kNoDeadline);
  IoStatus status() const { return status_; }

  // --- writing
  // All pieces in one system call where the socket takes them. The time limit counts anew whenever
  // the peer has taken something.
  Task<IoStatus> write(Pieces pieces, int64_t timeout_ms, int64_t deadline_us = kNoDeadline);

  // --- TLS
  // Turns the channel into TLS. For a client set names on native_tls() before handshake().
  void start_tls(boost::asio::ssl::context& context);
  Task<IoStatus> handshake(boost::asio::ssl::stream_base::handshake_type role, int64_t deadline_us);
  SSL* native_tls() { return tls_ ? tls_->native_handle() : nullptr; }
  // What OpenSSL or the system said last, for error messages.
  const boost::system::error_code& failure() const { return failure_; }

  // --- ending
  // Pending and later operations end with `why`, from the event loop, not inside this call.
  void interrupt(IoStatus why);
  // No more bytes will be written; the peer sees the end.
  void shutdown_write();
  // The peer sees a reset in place of an orderly end.
  void close_with_reset();
  void close();
  bool open() const { return socket_.is_open(); }

 private:
  using Tls = boost::asio::ssl::stream<Socket&>;

  void deadline_passed() override;
  void start_read();
  void finish_read(const boost::system::error_code& failure, size_t bytes);
  bool make_room();
  Task<IoStatus> wait_written(int64_t deadline_us);
  template <typename Buffers>
  void start_write(const Buffers& buffers);
  IoStatus note(const boost::system::error_code& failure);

  Socket socket_;
  std::unique_ptr<Tls> tls_;
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
  const size_t buffer_limit_bytes_;
  IoStatus status_ = IoStatus::kOk;       // of reading, kept once it is not kOk
  IoStatus interrupted_ = IoStatus::kOk;  // why the owner ended everything
  boost::system::error_code failure_;
  Observer* observer_ = nullptr;
  Waiter reader_, writer_;
  bool reading_ = false;
  bool timed_out_ = false;
  bool last_read_filled_ = false;
  boost::system::error_code write_failure_;
  size_t written_bytes_ = 0;
};

}  // namespace weir::http
