// How far a long command is, as one line on standard error that rewrites itself:
//   train  [####-----]  45 %  450/1000  123/s  4 s left
// Nothing is printed when standard error is no terminal, or when a program reads the results
// (--json), so that logs and pipes stay clean.
// A Progress may be advanced from any thread; it is made and finished by one.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace weir::apps {

struct ProgressState {
  std::string what;  // one or two words
  uint64_t done = 0;
  uint64_t total = 0;  // 0: unknown
  double elapsed_s = 0;
};

// The line without control characters, at most `columns` long (at least 20).
std::string progress_line(const ProgressState& state, size_t columns);

enum class Show { kOnTerminal, kNever };

class Progress {
 public:
  // `total` 0: unknown. `clock` must outlive it; `stream` stays the caller's.
  Progress(std::string what, uint64_t total, Show show = Show::kOnTerminal,
           const Clock& clock = SystemClock::instance(), std::FILE* stream = stderr);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  void advance(uint64_t count = 1) { set(done_.fetch_add(count) + count); }
  // What is done in all, for callers that count themselves.
  void reach(uint64_t done);
  void set_total(uint64_t total) { total_ = total; }
  // Removes the line, so that results start on an empty one. Further calls do nothing.
  void finish();

 private:
  void set(uint64_t done);
  void draw(uint64_t done);

  const std::string what_;
  const Clock& clock_;
  std::FILE* stream_;
  const int64_t begin_us_;
  bool shown_;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<uint64_t> total_;
  std::atomic<int64_t> next_us_;  // nothing is drawn before
  std::mutex drawing_;            // guards what follows and the stream
  bool drawn_ = false;
};

}  // namespace weir::apps
