#include "model/calibration_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "model/header_field.h"

namespace weir::model {
namespace {

constexpr std::array kForms{MapForm::kNone, MapForm::kTemperature, MapForm::kPlatt,
                            MapForm::kIsotonic};
constexpr double kMostSlope = 1e6;
constexpr double kMostLoss = 1e3;

std::expected<std::string, Error> read_time(json::Value parent) {
  const Field field(parent, "time");
  TRY_ASSIGN(std::string time, field.text(64));
  if (parse_rfc3339(time) != INT64_MIN) return time;
  return field.wrong("a time such as 2026-11-23T20:00:00Z");
}

std::expected<std::vector<double>, Error> read_ascending(json::Value parent, std::string_view name,
                                                         bool strictly) {
  const Field field(parent, name);
  TRY_ASSIGN(const json::Value list, field.array(1, kMostKnots));
  std::vector<double> numbers;
  for (const json::Value element : list) {
    const auto number = element.as_double();
    const bool rises =
        numbers.empty() || (strictly ? number > numbers.back() : number >= numbers.back());
    if (!number || !(*number >= 0 && *number <= 1) || !rises)
      return field.wrong("ascending numbers from 0 to 1");
    numbers.push_back(*number);
  }
  return numbers;
}

std::expected<CalibrationMap, Error> read_map(json::Value value) {
  TRY_ASSIGN(const std::string name, Field(value, "map").text(64));
  const auto form = std::ranges::find(kForms, name, [](MapForm f) { return to_string(f); });
  if (form == kForms.end()) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("its calibration map is '{}', which this program does not know", name));
  }
  CalibrationMap map{.form = *form};
  if (map.form == MapForm::kTemperature || map.form == MapForm::kPlatt) {
    const Field slope(value, "slope");
    TRY_ASSIGN(map.slope, slope.number(0, kMostSlope));
    if (!(map.slope > 0)) return slope.wrong("above 0");
    TRY_ASSIGN(map.offset, Field(value, "offset").number(-kMostSlope, kMostSlope));
  }
  if (map.form == MapForm::kIsotonic) {
    TRY_ASSIGN(map.scores, read_ascending(value, "scores", true));
    TRY_ASSIGN(map.probs, read_ascending(value, "probs", false));
    if (map.scores.size() != map.probs.size())
      return Field(value, "probs").wrong("as long as 'scores'");
  }
  return map;
}

void write_list(std::string_view key, const std::vector<double>& numbers, json::Writer& out) {
  out.key(key).begin_array();
  for (const double number : numbers)
    out.value(number);
  out.end_array();
}

}  // namespace

std::expected<std::optional<Calibration>, Error> read_calibration(json::Value header) {
  const Field field(header, "calibration");
  const json::Value value = field.value();
  if (!value.exists() || value.is_null()) return std::nullopt;
  if (!value.is_object()) return field.wrong("an object or null");
  Calibration calibration;
  TRY_ASSIGN(calibration.map, read_map(value));
  TRY_ASSIGN(calibration.fit_rows, Field(value, "fit_rows").integer(0, INT64_MAX));
  TRY_ASSIGN(calibration.held_out_rows, Field(value, "held_out_rows").integer(0, INT64_MAX));
  TRY_ASSIGN(calibration.seed, Field(value, "seed").integer(0, INT64_MAX));
  TRY_ASSIGN(calibration.log_loss_before, Field(value, "log_loss_before").number(0, kMostLoss));
  TRY_ASSIGN(calibration.log_loss_after, Field(value, "log_loss_after").number(0, kMostLoss));
  TRY_ASSIGN(calibration.ece_before, Field(value, "ece_before").number(0, 1));
  TRY_ASSIGN(calibration.ece_after, Field(value, "ece_after").number(0, 1));
  TRY_ASSIGN(calibration.ece_bins, Field(value, "ece_bins").integer(0, 1000));
  TRY_ASSIGN(calibration.time, read_time(value));
  TRY_ASSIGN(calibration.data_hash, Field(value, "data_hash").text(128));
  return calibration;
}

std::expected<std::vector<StoredThreshold>, Error> read_thresholds(json::Value header) {
  const Field field(header, "thresholds");
  std::vector<StoredThreshold> thresholds;
  if (!field.value().exists()) return thresholds;
  TRY_ASSIGN(const json::Value list, field.array(0, kMostThresholds));
  for (const json::Value value : list) {
    StoredThreshold threshold;
    TRY_ASSIGN(threshold.rule, Field(value, "rule").text(256));
    TRY_ASSIGN(threshold.value, Field(value, "threshold").number(0, 1));
    TRY_ASSIGN(threshold.strong_share, Field(value, "strong_share").number(0, 1));
    TRY_ASSIGN(threshold.rows, Field(value, "rows").integer(0, INT64_MAX));
    TRY_ASSIGN(threshold.time, read_time(value));
    TRY_ASSIGN(threshold.data_hash, Field(value, "data_hash").text(128));
    thresholds.push_back(std::move(threshold));
  }
  return thresholds;
}

void write_calibration(const std::optional<Calibration>& calibration, json::Writer& out) {
  out.key("calibration");
  if (!calibration) {
    out.null();
    return;
  }
  const Calibration& c = *calibration;
  out.begin_object().member("map", to_string(c.map.form));
  if (c.map.form == MapForm::kTemperature || c.map.form == MapForm::kPlatt)
    out.member("slope", c.map.slope).member("offset", c.map.offset);
  if (c.map.form == MapForm::kIsotonic) {
    write_list("scores", c.map.scores, out);
    write_list("probs", c.map.probs, out);
  }
  out.member("fit_rows", c.fit_rows).member("held_out_rows", c.held_out_rows);
  out.member("seed", c.seed).member("log_loss_before", c.log_loss_before);
  out.member("log_loss_after", c.log_loss_after).member("ece_before", c.ece_before);
  out.member("ece_after", c.ece_after).member("ece_bins", c.ece_bins);
  out.member("time", c.time).member("data_hash", c.data_hash).end_object();
}

void write_thresholds(const std::vector<StoredThreshold>& thresholds, json::Writer& out) {
  if (thresholds.empty()) return;
  out.key("thresholds").begin_array();
  for (const StoredThreshold& t : thresholds) {
    out.begin_object().member("rule", t.rule).member("threshold", t.value);
    out.member("strong_share", t.strong_share).member("rows", t.rows).member("time", t.time);
    out.member("data_hash", t.data_hash).end_object();
  }
  out.end_array();
}

}  // namespace weir::model
