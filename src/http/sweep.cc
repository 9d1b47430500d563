#include "http/sweep.h"

namespace weir::http {

Sweep::Entry::Entry(Sweep& sweep) : sweep_(&sweep), next_(sweep.first_) {
  if (next_) next_->previous_ = this;
  sweep.first_ = this;
  sweep.arm();
}

Sweep::Entry::~Entry() {
  if (sweep_ == nullptr) return;
  if (sweep_->cursor_ == this) sweep_->cursor_ = next_;
  (previous_ ? previous_->next_ : sweep_->first_) = next_;
  if (next_) next_->previous_ = previous_;
}

Sweep::Sweep(boost::asio::io_context& io, const Clock& clock)
    : io_(io), clock_(clock), timer_(io) {}

Sweep::~Sweep() {
  for (Entry* entry = first_; entry != nullptr; entry = entry->next_)
    entry->sweep_ = nullptr;
}

void Sweep::arm() {
  if (armed_ || stopped_) return;
  armed_ = true;
  timer_.expires_after(std::chrono::milliseconds(kSweepPeriodMs));
  timer_.async_wait([this](boost::system::error_code failure) {
    armed_ = false;
    if (!failure) tick();
  });
}

void Sweep::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Sweep::tick() {
  const int64_t now = now_us();
  for (Entry* entry = first_; entry != nullptr; entry = cursor_) {
    cursor_ = entry->next_;
    if (entry->at_us_ > now) continue;
    entry->at_us_ = kNoDeadline;
    entry->deadline_passed();
  }
  if (first_ != nullptr) arm();
}

}  // namespace weir::http
