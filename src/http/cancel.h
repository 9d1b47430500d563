// Telling work that nobody waits for it any more: the client has gone, or a deadline has passed.
// Single-threaded: a Cancellation belongs to one worker. Cancelling runs the registered actions at
// once, each at most once; a registration ends with its Guard.
#pragma once

#include <functional>
#include <list>

namespace weir::http {

class Cancellation {
 public:
  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept;
    Guard& operator=(Guard&& other) noexcept;
    ~Guard();

   private:
    friend class Cancellation;
    Cancellation* owner_ = nullptr;
    std::list<std::function<void()>>::iterator position_;
  };

  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  bool cancelled() const { return cancelled_; }
  void cancel();
  // Runs `action` when cancelled, at once if that has happened already. The Guard must not outlive
  // the Cancellation.
  [[nodiscard]] Guard on_cancel(std::function<void()> action);

 private:
  std::list<std::function<void()>> actions_;
  bool cancelled_ = false;
};

}  // namespace weir::http
