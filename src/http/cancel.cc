#include "http/cancel.h"

#include <utility>

namespace weir::http {

Cancellation::Guard::Guard(Guard&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), position_(other.position_) {}

Cancellation::Guard& Cancellation::Guard::operator=(Guard&& other) noexcept {
  if (this != &other) {
    if (owner_) owner_->actions_.erase(position_);
    owner_ = std::exchange(other.owner_, nullptr);
    position_ = other.position_;
  }
  return *this;
}

Cancellation::Guard::~Guard() {
  if (owner_) owner_->actions_.erase(position_);
}

void Cancellation::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  // An action may end its own or another registration, so the entry stays in the list (its Guard
  // erases it) and only its function is taken out before it runs.
  for (bool ran = true; ran;) {
    ran = false;
    for (auto& action : actions_) {
      if (!action) continue;
      const std::function<void()> run = std::exchange(action, nullptr);
      run();
      ran = true;
      break;
    }
  }
}

Cancellation::Guard Cancellation::on_cancel(std::function<void()> action) {
  Guard guard;
  if (cancelled_) {
    action();
    return guard;
  }
  guard.owner_ = this;
  guard.position_ = actions_.insert(actions_.end(), std::move(action));
  return guard;
}

}  // namespace weir::http
