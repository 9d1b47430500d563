#include "http/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::http {
namespace asio = boost::asio;

namespace {
constexpr size_t kThreadsLimit = 4;
}

struct Resolver::State {
  struct Job {
    std::string host;
    Done done;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  size_t threads = 0, idle_threads = 0;
  bool ended = false;
  Lookup lookup;

  static void work(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    for (;;) {
      ++state->idle_threads;
      state->changed.wait(lock, [&] { return state->ended || !state->jobs.empty(); });
      --state->idle_threads;
      if (state->ended) return;
      Job job = std::move(state->jobs.front());
      state->jobs.pop_front();
      lock.unlock();
      job.done(state->lookup(job.host));
      job.done = nullptr;
      lock.lock();
    }
  }
};

std::expected<Addresses, Error> Resolver::system_lookup(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (status == EAI_NONAME || status == EAI_ADDRFAMILY) {
    // AI_ADDRCONFIG hides loopback names on a machine that has no other address.
    hints.ai_flags = 0;
    status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  }
  if (status != 0)
    return fail(ErrorCode::kConnection,
                fmt::format("cannot resolve {}: {}", host, ::gai_strerror(status)));
  Addresses addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      sockaddr_in raw{};
      std::memcpy(&raw, entry->ai_addr, sizeof raw);
      addresses.emplace_back(asio::ip::address_v4(ntohl(raw.sin_addr.s_addr)));
    } else if (entry->ai_family == AF_INET6) {
      sockaddr_in6 raw{};
      std::memcpy(&raw, entry->ai_addr, sizeof raw);
      asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &raw.sin6_addr, bytes.size());
      addresses.emplace_back(asio::ip::address_v6(bytes, raw.sin6_scope_id));
    }
  }
  ::freeaddrinfo(found);
  if (addresses.empty())
    return fail(ErrorCode::kConnection, fmt::format("{} has no address", host));
  return addresses;
}

std::shared_ptr<Resolver> Resolver::make(Lookup lookup) {
  auto state = std::make_shared<State>();
  state->lookup = std::move(lookup);
  return std::shared_ptr<Resolver>(new Resolver(std::move(state)));
}

Resolver::Resolver(std::shared_ptr<State> state) : state_(std::move(state)) {}

Resolver::~Resolver() {
  const std::scoped_lock lock(state_->mutex);
  state_->ended = true;
  state_->changed.notify_all();
}

void Resolver::resolve(std::string host, Done done) {
  const std::scoped_lock lock(state_->mutex);
  state_->jobs.push_back({std::move(host), std::move(done)});
  state_->changed.notify_one();
  if (state_->idle_threads >= state_->jobs.size() || state_->threads >= kThreadsLimit) return;
  ++state_->threads;
  std::thread([state = state_] {
    pthread_setname_np(pthread_self(), "resolver");
    State::work(state);
  }).detach();
}

Addresses interleave_families(const Addresses& addresses) {
  if (addresses.empty()) return {};
  const bool six_first = addresses.front().is_v6();
  Addresses first, second, mixed;
  for (const auto& address : addresses)
    (address.is_v6() == six_first ? first : second).push_back(address);
  for (size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

}  // namespace weir::http
