#include "http/server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <future>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/loop.h"
#include "http/resolver.h"
#include "http/tls.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;

constexpr int kBacklog = 1024;
constexpr int64_t kRetryAcceptMs = 50;
constexpr int64_t kCutMs = 5'000;

// A worker with the connections that were dealt to it.
struct Seat {
  Seat(int index, const ServerOptions& options, const std::shared_ptr<Resolver>& resolver,
       const Clock& clock, Running& running)
      : loop(index, options.client, resolver, clock, running) {}

  Loop loop;
  std::unordered_set<Connection*> connections;  // on the worker's thread
  std::atomic<size_t> count = 0;                // of dealt connections that are not over
  bool retired = false;                         // on the worker's thread
  std::thread thread;
};

std::string describe(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

class AsioServer final : public Server {
 public:
  AsioServer(ServerOptions options, Handler handler, ErrorResponder error_responder,
             const Clock& clock);
  ~AsioServer() override;

  std::expected<void, Error> listen();
  uint16_t port() const override { return port_; }
  void start() override;
  size_t stop(int64_t grace_ms) override;

 private:
  void wait_for_clients();
  void accept_all();
  Seat* next_seat();
  void deal(int fd, Seat& seat);
  void receive(int fd, Seat& seat);
  void connection_over(Seat& seat);
  void retry_accept_later();
  void retire_all();
  size_t cut_all();

  ConnectionSettings settings_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::shared_ptr<Resolver> resolver_;
  Running running_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::optional<Acceptor> acceptor_;  // on the first worker's loop
  std::optional<Timer> retry_timer_;
  uint16_t port_ = 0;
  size_t next_ = 0;
  std::atomic<bool> paused_ = false;  // every worker was full
  bool started_ = false;
  bool stopped_ = false;
};

AsioServer::AsioServer(ServerOptions options, Handler handler, ErrorResponder error_responder,
                       const Clock& clock)
    : settings_{std::move(options), std::move(handler), std::move(error_responder), nullptr},
      resolver_(Resolver::make()) {
  CHECK(settings_.options.workers > 0);
  for (int index = 0; index < settings_.options.workers; ++index)
    seats_.push_back(std::make_unique<Seat>(index, settings_.options, resolver_, clock, running_));
}

AsioServer::~AsioServer() {
  stop(0);
}

std::expected<void, Error> AsioServer::listen() {
  const ServerOptions& options = settings_.options;
  if (options.tls) {
    TRY_ASSIGN(tls_, make_server_context(*options.tls));
    settings_.tls = tls_.get();
  }
  error_code failure;
  const std::string literal = options.address == "localhost" ? "127.0.0.1" : options.address;
  const auto address = asio::ip::make_address(literal, failure);
  if (failure)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not an IP address to listen on", options.address));
  const tcp::endpoint endpoint(address, options.port);
  Acceptor& acceptor = acceptor_.emplace(seats_[0]->loop.io());
  acceptor.open(endpoint.protocol(), failure);
  // Only lifts the wait after a restart; a second listener is still refused on Linux.
  if (!failure) acceptor.set_option(asio::socket_base::reuse_address(true), failure);
  if (!failure) acceptor.bind(endpoint, failure);
  if (!failure) acceptor.listen(kBacklog, failure);
  if (!failure) acceptor.non_blocking(true, failure);
  if (failure == asio::error::address_in_use)
    return fail(ErrorCode::kConflict,
                fmt::format("{} is in use by another program", describe(endpoint)));
  if (failure)
    return fail(ErrorCode::kIo,
                fmt::format("cannot listen on {}: {}", describe(endpoint), failure.message()));
  port_ = acceptor.local_endpoint(failure).port();
  retry_timer_.emplace(seats_[0]->loop.io());
  return {};
}

void AsioServer::start() {
  CHECK(!started_);
  started_ = true;
  for (auto& seat : seats_)
    seat->thread = std::thread([&loop = seat->loop] {
      pthread_setname_np(pthread_self(), fmt::format("worker.{}", loop.index()).c_str());
      loop.run();
    });
  asio::post(seats_[0]->loop.io(), [this] { wait_for_clients(); });
}

void AsioServer::wait_for_clients() {
  if (!acceptor_->is_open()) return;
  acceptor_->async_wait(Acceptor::wait_read, [this](error_code failure) {
    if (!failure) accept_all();
  });
}

// The worker that is next in turn and not full.
Seat* AsioServer::next_seat() {
  for (size_t tried = 0; tried < seats_.size(); ++tried) {
    Seat& seat = *seats_[next_];
    next_ = (next_ + 1) % seats_.size();
    if (seat.count < settings_.options.connections_limit) return &seat;
  }
  return nullptr;
}

void AsioServer::accept_all() {
  if (!acceptor_->is_open()) return;
  for (;;) {
    Seat* seat = next_seat();
    if (seat == nullptr) {
      paused_ = true;
      // A connection may have ended between the look and the flag.
      seat = next_seat();
      if (seat == nullptr || !paused_.exchange(false)) return;
    }
    const int fd =
        ::accept4(acceptor_->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      deal(fd, *seat);
      continue;
    }
    // The turn was not used.
    next_ = static_cast<size_t>(seat->loop.index());
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log_warning("cannot accept connections: {}", errno_text(errno));
      retry_accept_later();
      return;
    }
  }
  wait_for_clients();
}

void AsioServer::retry_accept_later() {
  retry_timer_->expires_after(std::chrono::milliseconds(kRetryAcceptMs));
  retry_timer_->async_wait([this](error_code failure) {
    if (!failure) accept_all();
  });
}

void AsioServer::deal(int fd, Seat& seat) {
  ++seat.count;
  running_.add();
  if (&seat == seats_[0].get())
    receive(fd, seat);
  else
    asio::post(seat.loop.io(), [this, fd, &seat] { receive(fd, seat); });
}

void AsioServer::receive(int fd, Seat& seat) {
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  tcp::endpoint peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&raw), &size) == 0 && size <= peer.capacity()) {
    std::memcpy(peer.data(), &raw, size);
    peer.resize(size);
  }
  Socket socket(seat.loop.io());
  error_code failure;
  socket.assign(raw.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, failure);
  if (failure || seat.retired) {
    if (failure) ::close(fd);
    connection_over(seat);
    return;
  }
  auto connection =
      std::make_shared<Connection>(seat.loop, settings_, std::move(socket), describe(peer));
  seat.connections.insert(connection.get());
  asio::co_spawn(seat.loop.io(), connection->run(),
                 [this, &seat, connection](std::exception_ptr thrown) {
                   if (thrown) std::rethrow_exception(thrown);
                   seat.connections.erase(connection.get());
                   connection_over(seat);
                 });
}

void AsioServer::connection_over(Seat& seat) {
  --seat.count;
  if (paused_.exchange(false)) asio::post(seats_[0]->loop.io(), [this] { accept_all(); });
  running_.remove();
}

void AsioServer::retire_all() {
  asio::post(seats_[0]->loop.io(), [this] {
    error_code ignored;
    acceptor_->close(ignored);
    retry_timer_->cancel();
  });
  for (auto& seat : seats_)
    asio::post(seat->loop.io(), [&seat = *seat] {
      seat.retired = true;
      for (Connection* connection : seat.connections)
        connection->retire();
    });
}

size_t AsioServer::cut_all() {
  std::vector<std::future<size_t>> counts;
  for (auto& seat : seats_) {
    auto count = std::make_shared<std::promise<size_t>>();
    counts.push_back(count->get_future());
    asio::post(seat->loop.io(), [&seat = *seat, count] {
      size_t cut = 0;
      for (Connection* connection : seat.connections)
        if (connection->cut()) ++cut;
      count->set_value(cut);
    });
  }
  size_t total = 0;
  for (auto& count : counts)
    if (count.wait_for(std::chrono::milliseconds(kCutMs)) == std::future_status::ready)
      total += count.get();
  return total;
}

size_t AsioServer::stop(int64_t grace_ms) {
  if (!started_ || stopped_) return 0;
  stopped_ = true;
  retire_all();
  size_t cut = 0;
  bool over = running_.wait_none(grace_ms);
  if (!over) {
    cut = cut_all();
    over = running_.wait_none(kCutMs);
  }
  if (!over) log_error("some requests did not end after they were cancelled");
  for (auto& seat : seats_)
    over ? seat->loop.stop_when_idle() : seat->loop.stop_now();
  for (auto& seat : seats_)
    seat->thread.join();
  return cut;
}

}  // namespace

std::expected<std::unique_ptr<Server>, Error> Server::bind(ServerOptions options, Handler handler,
                                                           ErrorResponder error_responder,
                                                           const Clock& clock) {
  auto server = std::make_unique<AsioServer>(std::move(options), std::move(handler),
                                             std::move(error_responder), clock);
  TRY(server->listen());
  return server;
}

}  // namespace weir::http
