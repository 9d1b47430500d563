// The figures of the demo: weir against all-strong, all-weak and random at the same share, with
// intervals. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::apps {

// One question: what happened, and what each model would have given.
struct DemoRow {
  bool strong = false;  // weir's choice
  double quality = 0;   // of the answer that came through weir
  double weak_quality = 0, strong_quality = 0;
  int64_t cost_nanousd = 0, weak_nanousd = 0, strong_nanousd = 0;
};

struct DemoPolicy {
  std::string name;
  double strong_share = 0;
  double quality = 0;
  double low = 0, high = 0;  // 95 % percentile bootstrap over questions
  double cost_nanousd = 0;
};

struct DemoFigures {
  std::vector<DemoPolicy> policies;  // all strong, weir, random, all weak
  double saved_percent = 0;          // weir against all strong
  double gain_over_random = 0;       // quality, with its interval
  double gain_low = 0, gain_high = 0;
};

// Requires at least one row.
DemoFigures demo_figures(const std::vector<DemoRow>& rows, uint64_t seed);
std::string demo_table(const DemoFigures& figures);

}  // namespace weir::apps
