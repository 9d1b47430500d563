// A blocking client socket and a server to talk to, for the tests of this folder: what goes over
// the wire is written and compared byte by byte.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/server.h"

namespace weir::http {

inline constexpr int kTestPatienceMs = 20'000;

class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(int fd) : fd_(fd) {}
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~RawSocket() { close(); }

  static RawSocket connect(uint16_t port, int receive_buffer_bytes = 0) {
    RawSocket made(::socket(AF_INET, SOCK_STREAM, 0));
    if (receive_buffer_bytes > 0)
      ::setsockopt(made.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    const int on = 1;
    ::setsockopt(made.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(made.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return made;
  }

  // False when the peer takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  bool send_bytewise(std::string_view bytes) {
    for (const char& c : bytes)
      if (!send({&c, 1})) return false;
    return true;
  }

  // One read; "" at the end or after a reset.
  std::string receive_some() {
    pollfd wanted{fd_, POLLIN, 0};
    if (::poll(&wanted, 1, kTestPatienceMs) != 1) {
      ADD_FAILURE() << "nothing came";
      return {};
    }
    std::string piece(1 << 16, '\0');
    const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
    reset_ = got < 0 && errno == ECONNRESET;
    piece.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return piece;
  }
  std::string receive_until_end() {
    std::string all;
    for (std::string piece = receive_some(); !piece.empty(); piece = receive_some())
      all += piece;
    return all;
  }
  // Until `mark` stands at the end of what came.
  std::string receive_until(std::string_view mark) {
    std::string all;
    while (!all.ends_with(mark)) {
      const std::string piece = receive_some();
      if (piece.empty()) {
        ADD_FAILURE() << "ended before '" << mark << "' after '" << all << "'";
        break;
      }
      all += piece;
    }
    return all;
  }
  // A head and the body that its Content-Length announces.
  std::string receive_message() {
    std::string all;
    for (;;) {
      const size_t head_end = all.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        const size_t field = all.find("Content-Length: ");
        const size_t length = field < head_end ? std::stoul(all.substr(field + 16, 20)) : 0;
        if (all.size() >= head_end + 4 + length) return all;
      }
      const std::string piece = receive_some();
      if (piece.empty()) return all;
      all += piece;
    }
  }

  bool was_reset() const { return reset_; }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void close_with_reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  bool reset_ = false;
};

// A listening socket whose other side the test plays by hand.
class RawListener {
 public:
  explicit RawListener(int backlog = 16) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, backlog), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() { close(); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  RawSocket accept() {
    pollfd wanted{fd_, POLLIN, 0};
    EXPECT_EQ(::poll(&wanted, 1, kTestPatienceMs), 1) << "nobody connected";
    return RawSocket(::accept(fd_, nullptr, nullptr));
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  uint16_t port_ = 0;
};

inline Response plain_error(const Request&, int status, std::string_view message) {
  Response response;
  response.status = status;
  response.body = message;
  return response;
}

inline std::unique_ptr<Server> start_server(Handler handler, ServerOptions options = {},
                                            const Clock& clock = SystemClock::instance()) {
  auto server = Server::bind(std::move(options), std::move(handler), plain_error, clock);
  EXPECT_TRUE(server.has_value()) << server.error().message;
  (*server)->start();
  return std::move(*server);
}

// Answers with what it was asked.
inline Task<void> echo(Exchange& exchange) {
  const Request& request = exchange.request();
  Response response;
  response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  (void)co_await exchange.respond(std::move(response));
}

// `answer` without its Date field, which no test can know.
inline std::string without_date(std::string answer) {
  for (size_t at = answer.find("Date: "); at != std::string::npos; at = answer.find("Date: "))
    answer.erase(at, answer.find("\r\n", at) + 2 - at);
  return answer;
}

}  // namespace weir::http
