// A calibration for people, for programs and as pictures. docs/calibration.md explains the figures.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/chart.h"
#include "eval/thresholds.h"
#include "eval/transfer.h"
#include "model/calibration.h"
#include "stats/reliability.h"
#include "train/calibration.h"

namespace weir::eval {

struct CalibrationReport {
  std::string router;         // Router::describe of what came in
  int64_t rows = 0;           // in all, of which:
  int64_t trained_rows = 0;   // left out: the router was trained on them
  int64_t unjudged_rows = 0;  // cannot be judged: strong, whatever the threshold
  train::MapChoice choice = {};
  model::Calibration calibration = {};
  std::vector<stats::ReliabilityBin> before = {}, after = {};  // on the held-out rows
  std::vector<FoundThreshold> thresholds = {};
  double threshold = 0.5;  // in force
  std::string threshold_origin = {};
  std::vector<SweepRow> sweep = {};
  double acceptable_gap = 0.05;
  std::optional<CallCosts> costs = {};
  std::optional<Transfer> transfer = {};
  std::string out = {};  // file that was written; empty: none
};

std::string to_text(const CalibrationReport& report);
std::string to_json(const CalibrationReport& report);  // keys: docs/calibration.md

// What was said against what happened, before and after.
Chart reliability_chart(const CalibrationReport& report);
// Quality gap against the share of calls to weak, with its interval and the limit.
Chart sweep_chart(const CalibrationReport& report);

}  // namespace weir::eval
