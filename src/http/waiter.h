// One coroutine waits until a callback of the same event loop wakes it.
#pragma once

// clang-format off
#include "http/task.h"  // first, see there
// clang-format on

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "base/check.h"

namespace weir::http {

class Waiter {
 public:
  bool waiting() const { return handler_.has_value(); }

  // At most one at a time.
  Task<void> wait() {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [this](Handler handler) {
          CHECK(!handler_);
          handler_.emplace(std::move(handler));
        },
        boost::asio::use_awaitable);
  }

  // Runs the coroutine on, inside this call. Call it from the event loop's own callbacks, not from
  // a coroutine, whose locals the other one could pull away.
  void wake() {
    CHECK(handler_);
    Handler handler = std::move(*handler_);
    handler_.reset();
    std::move(handler)();
  }

 private:
  using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
  std::optional<Handler> handler_;
};

}  // namespace weir::http
