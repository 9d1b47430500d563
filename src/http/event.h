// Something that a coroutine waits for, with a time limit: set once, by a callback of the same
// event loop. Held by shared_ptr, because whoever sets it may come late.
#pragma once

#include <boost/asio/post.hpp>
#include <memory>
#include <optional>

#include "http/cancel.h"
#include "http/channel.h"
#include "http/sweep.h"
#include "http/waiter.h"

namespace weir::http {

class Event final : public std::enable_shared_from_this<Event>, private Sweep::Entry {
 public:
  explicit Event(Sweep& sweep) : Entry(sweep) {}

  // kTimeout and kCancelled come from here, what else from set().
  Task<IoStatus> wait(int64_t deadline_us, Cancellation& cancellation) {
    const auto guard = cancellation.on_cancel([this] {
      boost::asio::post(sweep().io(),
                        [self = shared_from_this()] { self->set(IoStatus::kCancelled); });
    });
    set_deadline_us(deadline_us);
    if (!status_) co_await waiter_.wait();
    set_deadline_us(kNoDeadline);
    co_return *status_;
  }

  // The first one counts.
  void set(IoStatus status) {
    if (status_) return;
    status_ = status;
    if (waiter_.waiting()) waiter_.wake();
  }

 private:
  void deadline_passed() override { set(IoStatus::kTimeout); }

  Waiter waiter_;
  std::optional<IoStatus> status_;
};

}  // namespace weir::http
