#include "http/loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>

#include "http/compose.h"
#include "http/pool.h"
#include "http/resolver.h"
#include "http/waiter.h"

namespace weir::http {
namespace asio = boost::asio;

void Running::add() {
  const std::scoped_lock lock(mutex_);
  ++count_;
}

void Running::remove() {
  const std::scoped_lock lock(mutex_);
  if (--count_ == 0) none_.notify_all();
}

bool Running::wait_none(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return none_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                        [this] { return count_ == 0; });
}

Loop::Loop(int index, const ClientOptions& options, std::shared_ptr<Resolver> resolver,
           const Clock& clock, Running& running)
    : index_(index),
      guard_(io_.get_executor()),
      sweep_(io_, clock),
      running_(running),
      client_(make_client(options, sweep_, std::move(resolver))) {}

Loop::~Loop() = default;

Task<bool> Loop::sleep(int64_t ms, Cancellation& cancellation) {
  if (cancellation.cancelled()) co_return false;
  Timer timer(io_);
  Waiter waiter;
  timer.expires_after(std::chrono::milliseconds(ms));
  timer.async_wait([&waiter](boost::system::error_code) { waiter.wake(); });
  const auto guard = cancellation.on_cancel([&timer] { timer.cancel(); });
  co_await waiter.wait();
  co_return !cancellation.cancelled();
}

Task<void> Loop::yield() {
  Waiter waiter;
  asio::post(io_, [&waiter] { waiter.wake(); });
  co_await waiter.wait();
}

void Loop::spawn(std::function<Task<void>()> work) {
  running_.add();
  // The function object must outlive the coroutine that it makes, which may refer to its captures.
  auto kept = std::make_shared<std::function<Task<void>()>>(std::move(work));
  asio::co_spawn(io_, (*kept)(), [this, kept](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
    running_.remove();
  });
}

std::string_view Loop::date() {
  const int64_t unix_us = clock().unix_us();
  if (unix_us / 1'000'000 != date_second_) {
    date_second_ = unix_us / 1'000'000;
    date_ = format_http_date(unix_us);
  }
  return date_;
}

void run_on_worker(const ClientOptions& options, std::function<Task<void>(Worker&)> work,
                   const Clock& clock) {
  Running running;
  Loop loop(0, options, Resolver::make(), clock, running);
  asio::co_spawn(loop.io(), work(loop), [&loop](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
    loop.stop_when_idle();
  });
  loop.run();
}

void Loop::run() {
  io_.run();
}

void Loop::stop_when_idle() {
  asio::post(io_, [this] {
    client_->close_idle();
    sweep_.stop();
    guard_.reset();
  });
}

void Loop::stop_now() {
  io_.stop();
}

}  // namespace weir::http
