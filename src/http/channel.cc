#include "http/channel.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cstring>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kSmallBufferBytes = 8 << 10;
constexpr size_t kLargeBufferBytes = 64 << 10;
constexpr size_t kRoomWantedBytes = 2 << 10;

// Drops `bytes` from the front of the pieces.
void advance(Channel::Pieces& pieces, size_t bytes) {
  for (std::string_view& piece : pieces) {
    const size_t step = std::min(bytes, piece.size());
    piece.remove_prefix(step);
    bytes -= step;
  }
}

size_t total(const Channel::Pieces& pieces) {
  return pieces[0].size() + pieces[1].size() + pieces[2].size();
}

std::array<asio::const_buffer, 3> to_buffers(const Channel::Pieces& pieces) {
  return {asio::const_buffer(pieces[0].data(), pieces[0].size()),
          asio::const_buffer(pieces[1].data(), pieces[1].size()),
          asio::const_buffer(pieces[2].data(), pieces[2].size())};
}

}  // namespace

Channel::Channel(Socket socket, Sweep& sweep, size_t buffer_limit_bytes)
    : Entry(sweep),
      socket_(std::move(socket)),
      data_(new char[kSmallBufferBytes]),
      capacity_(kSmallBufferBytes),
      buffer_limit_bytes_(std::max(buffer_limit_bytes, kSmallBufferBytes)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Channel::~Channel() = default;

Task<IoStatus> Channel::fill(int64_t deadline_us) {
  if (interrupted_ != IoStatus::kOk) co_return interrupted_;
  if (status_ != IoStatus::kOk) co_return status_;
  start_read();
  if (!reading_) co_return IoStatus::kReset;
  set_deadline_us(deadline_us);
  timed_out_ = false;
  co_await reader_.wait();
  set_deadline_us(kNoDeadline);
  if (interrupted_ != IoStatus::kOk) co_return interrupted_;
  if (timed_out_) co_return IoStatus::kTimeout;
  co_return status_;
}

void Channel::watch(Observer* observer, int64_t deadline_us) {
  observer_ = observer;
  set_deadline_us(deadline_us);
  if (observer_ != nullptr && status_ == IoStatus::kOk) start_read();
}

// Never moves bytes while a read is in flight; callers hold views only between two reads.
bool Channel::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (last_read_filled_ && capacity_ < kLargeBufferBytes) {
      data_.reset(new char[kLargeBufferBytes]);
      capacity_ = kLargeBufferBytes;
    }
  }
  if (capacity_ - end_ >= kRoomWantedBytes) return true;
  if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ >= kRoomWantedBytes) return true;
  if (capacity_ < buffer_limit_bytes_) {
    const size_t capacity = std::min(capacity_ * 2, buffer_limit_bytes_);
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), data_.get(), end_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }
  return capacity_ > end_;
}

void Channel::start_read() {
  if (reading_ || !socket_.is_open() || !make_room()) return;
  reading_ = true;
  const auto room = asio::buffer(data_.get() + end_, capacity_ - end_);
  const auto done = [self = shared_from_this()](const error_code& failure, size_t bytes) {
    self->finish_read(failure, bytes);
  };
  if (tls_)
    tls_->async_read_some(room, done);
  else
    socket_.async_read_some(room, done);
}

void Channel::finish_read(const error_code& failure, size_t bytes) {
  reading_ = false;
  end_ += bytes;
  last_read_filled_ = end_ == capacity_;
  if (failure) status_ = note(failure);
  if (reader_.waiting()) {
    reader_.wake();
    return;
  }
  if (observer_ == nullptr) return;
  if (status_ == IoStatus::kOk && end_ - begin_ < kLargeBufferBytes) start_read();
  observer_->channel_changed();
}

IoStatus Channel::note(const error_code& failure) {
  failure_ = failure;
  if (interrupted_ != IoStatus::kOk) return interrupted_;
  return failure == asio::error::eof ? IoStatus::kEnd : IoStatus::kReset;
}

template <typename Buffers>
void Channel::start_write(const Buffers& buffers) {
  const auto done = [self = shared_from_this()](const error_code& failure, size_t bytes) {
    self->write_failure_ = failure;
    self->written_bytes_ = bytes;
    self->writer_.wake();
  };
  if (tls_)
    tls_->async_write_some(buffers, done);
  else
    socket_.async_write_some(buffers, done);
}

Task<IoStatus> Channel::wait_written(int64_t deadline_us) {
  set_deadline_us(deadline_us);
  co_await writer_.wait();
  set_deadline_us(kNoDeadline);
  if (interrupted_ != IoStatus::kOk) co_return interrupted_;
  co_return write_failure_ ? note(write_failure_) : IoStatus::kOk;
}

Task<IoStatus> Channel::write(Pieces pieces, int64_t timeout_ms, int64_t deadline_us) {
  while (total(pieces) > 0) {
    if (interrupted_ != IoStatus::kOk) co_return interrupted_;
    if (!socket_.is_open()) co_return IoStatus::kReset;
    if (!tls_) {
      error_code failure;
      // The common case, one piece, spares the system call the walk over a vector.
      const bool single = pieces[1].empty() && pieces[2].empty();
      const size_t bytes = single ? socket_.write_some(asio::buffer(pieces[0]), failure)
                                  : socket_.write_some(to_buffers(pieces), failure);
      advance(pieces, bytes);
      if (failure && failure != asio::error::would_block && failure != asio::error::try_again)
        co_return note(failure);
      if (total(pieces) == 0) break;
      if (!failure) continue;
      start_write(to_buffers(pieces));
    } else {
      // One TLS record a write: gathering would make a record of each piece.
      const size_t first = pieces[0].empty() ? (pieces[1].empty() ? 2 : 1) : 0;
      start_write(asio::const_buffer(pieces[first].data(), pieces[first].size()));
    }
    const int64_t until_us = std::min(deadline_us, sweep().now_us() + timeout_ms * 1000);
    const IoStatus status = co_await wait_written(until_us);
    if (status != IoStatus::kOk) co_return status;
    advance(pieces, written_bytes_);
  }
  co_return IoStatus::kOk;
}

void Channel::start_tls(asio::ssl::context& context) {
  tls_ = std::make_unique<Tls>(socket_, context);
}

Task<IoStatus> Channel::handshake(asio::ssl::stream_base::handshake_type role,
                                  int64_t deadline_us) {
  tls_->async_handshake(role, [self = shared_from_this()](const error_code& failure) {
    self->write_failure_ = failure;
    self->writer_.wake();
  });
  return wait_written(deadline_us);
}

void Channel::deadline_passed() {
  if (writer_.waiting()) {
    interrupt(IoStatus::kTimeout);
  } else if (reader_.waiting()) {
    timed_out_ = true;
    reader_.wake();
  } else if (observer_ != nullptr) {
    timed_out_ = true;
    observer_->channel_changed();
  }
}

void Channel::interrupt(IoStatus why) {
  if (interrupted_ != IoStatus::kOk) return;
  interrupted_ = why;
  if (status_ == IoStatus::kOk) status_ = why;
  close();
}

void Channel::shutdown_write() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void Channel::close_with_reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Channel::close() {
  observer_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace weir::http
