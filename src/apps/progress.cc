#include "apps/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace weir::apps {
namespace {

constexpr int64_t kEveryUs = 100'000;
constexpr size_t kBarColumns = 20;
constexpr size_t kUsualColumns = 80;

size_t columns_of(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

// "4 s", "3 min", "2.5 h".
std::string duration_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string rate_text(double per_second) {
  return per_second < 10 ? fmt::format("{:.1f}/s", per_second)
                         : fmt::format("{:.0f}/s", per_second);
}

}  // namespace

std::string progress_line(const ProgressState& state, size_t columns) {
  const double rate = state.elapsed_s > 0 ? static_cast<double>(state.done) / state.elapsed_s : 0;
  std::string line = state.what;
  if (state.total > 0) {
    const double part =
        std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
    const auto full = static_cast<size_t>(part * static_cast<double>(kBarColumns));
    line += fmt::format("  [{}{}] {:3.0f} %  {}/{}", std::string(full, '#'),
                        std::string(kBarColumns - full, '-'), 100 * part, state.done, state.total);
  } else {
    line += fmt::format("  {}", state.done);
  }
  if (rate > 0) line += "  " + rate_text(rate);
  if (rate > 0 && state.total > state.done)
    line += fmt::format("  {} left",
                        duration_text(static_cast<double>(state.total - state.done) / rate));
  line.resize(std::min(line.size(), std::max<size_t>(columns, 20)));
  return line;
}

Progress::Progress(std::string what, uint64_t total, Show show, const Clock& clock,
                   std::FILE* stream)
    : what_(std::move(what)),
      clock_(clock),
      stream_(stream),
      begin_us_(clock.steady_us()),
      shown_(show == Show::kOnTerminal && ::isatty(::fileno(stream)) == 1),
      total_(total),
      next_us_(begin_us_ + kEveryUs) {}

void Progress::reach(uint64_t done) {
  done_ = done;
  set(done);
}

void Progress::set(uint64_t done) {
  if (!shown_) return;
  const int64_t now_us = clock_.steady_us();
  int64_t due_us = next_us_.load(std::memory_order_relaxed);
  if (now_us < due_us || !next_us_.compare_exchange_strong(due_us, now_us + kEveryUs)) return;
  draw(done);
}

void Progress::draw(uint64_t done) {
  const std::scoped_lock lock(drawing_);
  const double elapsed_s = static_cast<double>(clock_.steady_us() - begin_us_) / 1e6;
  // One column stays free: a full line would wrap and could not be rewritten.
  const std::string line = progress_line({what_, done, total_, elapsed_s}, columns_of(stream_) - 1);
  fmt::print(stream_, "\r\x1b[K{}", line);
  std::fflush(stream_);
  drawn_ = true;
}

void Progress::finish() {
  const std::scoped_lock lock(drawing_);
  if (drawn_) {
    std::fputs("\r\x1b[K", stream_);
    std::fflush(stream_);
  }
  drawn_ = shown_ = false;
}

}  // namespace weir::apps
