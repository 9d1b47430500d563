// A worker's event loop with what lives on it: time limits, upstream client, background work.
// Post to it from any thread; everything else from its own.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "http/server.h"
#include "http/sweep.h"

namespace weir::http {

// Counts what is still running over all workers, so that a stop can wait for nothing to be left.
class Running {
 public:
  void add();
  void remove();
  // True when the count reached 0 in time.
  bool wait_none(int64_t timeout_ms);

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  size_t count_ = 0;
};

class Loop final : public Worker {
 public:
  Loop(int index, const ClientOptions& options, std::shared_ptr<class Resolver> resolver,
       const Clock& clock, Running& running);
  ~Loop() override;

  int index() const override { return index_; }
  Client& client() override { return *client_; }
  const Clock& clock() const override { return sweep_.clock(); }
  Task<bool> sleep(int64_t ms, Cancellation& cancellation) override;
  Task<void> yield() override;
  void spawn(std::function<Task<void>()> work) override;

  boost::asio::io_context& io() { return io_; }
  Sweep& sweep() { return sweep_; }
  // The Date header's value, made once a second.
  std::string_view date();
  // Until stop_when_idle() or stop_now(); on the worker's thread.
  void run();
  void stop_when_idle();
  void stop_now();

 private:
  const int index_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  Sweep sweep_;
  Running& running_;
  std::unique_ptr<Client> client_;
  int64_t date_second_ = -1;
  std::string date_;
};

}  // namespace weir::http
