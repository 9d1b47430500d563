// Whether the statistics of src/stats keep what they promise, found out on simulated streams whose
// truth is known: coverage at any time, false alarms, delay of detection, width, and the fixed-n
// interval that is looked at again and again beside them, which must be seen to fail.
// Pure for a given seed, thread-safe; cost grows with `streams`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::eval {

struct StudyOptions {
  double alpha = 0.05;
  int streams = 2000;
  uint64_t seed = 1;
  int length = 5000;                // values of a stream
  double alarm_threshold = 50'000;  // of the change detector
};

// One kind of stream under one method, watched at every value.
struct CoverageCell {
  std::string stream;  // "stationary", "drifting mean", "conversations", "weighted"
  std::string method;
  int64_t missed = 0;  // streams whose truth has ever been outside
};

struct DetectionCell {
  double before = 0, after = 0, limit = 0;
  int64_t history = 0;  // good values before the change
  double median_pairs = 0, p90_pairs = 0;
  int64_t early_alarms = 0;  // streams that raised an alarm before the change
};

struct WidthCell {
  int64_t count = 0;
  double running = 0, betting = 0, fixed = 0;  // mean widths of the intervals
};

struct Study {
  StudyOptions options;
  std::vector<CoverageCell> coverage;
  std::vector<CoverageCell> false_alarms;  // of the level-alpha test at the edge of its hypothesis
  std::vector<DetectionCell> detection;
  std::vector<WidthCell> widths;
  int64_t peeking_misses =
      0;  // streams whose truth a fixed-n interval, looked at each time, misses
  // At the limit itself; streams are cut at `run_cut`, which can only lower the mean.
  double average_run_length = 0;
  int64_t run_streams = 0, run_cut = 0;
};

// Requires streams >= 1, length >= 100.
Study study_statistics(const StudyOptions& options);

std::string to_text(const Study& study);
// {alpha, streams, coverage, false_alarm_rate, average_run_length, detection: [{effect, history,
// median_pairs}], peeking_false_alarm_rate, ...}: coverage and false_alarm_rate are the worst
// cell's.
std::string to_json(const Study& study);

}  // namespace weir::eval
