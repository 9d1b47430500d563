#include "train/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <expected>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "stats/isotonic.h"
#include "stats/reliability.h"

namespace weir::train {
namespace {

using model::CalibrationMap;
using model::MapForm;

enum class Offset { kFree, kZero };

// ln(1 + exp(z)) without overflow.
double softplus(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

struct LinePoint {
  double slope, offset;
};

// Logistic regression on one number with targets in [0, 1]: strictly convex with both kinds of
// target, so Newton's method with halved steps reaches the one minimum.
class LineFit {
 public:
  LineFit(std::vector<double> x, std::vector<double> targets, Offset offset)
      : x_(std::move(x)), targets_(std::move(targets)), offset_(offset) {}

  LinePoint solve() const {
    LinePoint at{1, 0};
    double loss = loss_at(at);
    for (int step = 0; step < 100; ++step) {
      const LinePoint direction = newton_direction(at);
      double length = 1, next_loss = loss;
      LinePoint next = at;
      for (; length > 1e-10; length /= 2) {
        next = {at.slope + length * direction.slope, at.offset + length * direction.offset};
        next_loss = loss_at(next);
        if (next_loss <= loss) break;
      }
      const bool done = !(next_loss < loss - 1e-14 * std::abs(loss));
      if (next_loss <= loss) at = next, loss = next_loss;
      if (done) break;
    }
    return at;
  }

 private:
  double loss_at(LinePoint at) const {
    double loss = 0;
    for (size_t i = 0; i < x_.size(); ++i) {
      const double z = at.slope * x_[i] + at.offset;
      loss += softplus(z) - targets_[i] * z;
    }
    return loss;
  }

  LinePoint newton_direction(LinePoint at) const {
    double gs = 0, go = 0, hss = 0, hso = 0, hoo = 0;
    for (size_t i = 0; i < x_.size(); ++i) {
      const double p = 1 / (1 + std::exp(-(at.slope * x_[i] + at.offset)));
      const double w = p * (1 - p), r = p - targets_[i];
      gs += r * x_[i], go += r;
      hss += w * x_[i] * x_[i], hso += w * x_[i], hoo += w;
    }
    // Equal scores everywhere leave no curvature in one direction.
    constexpr double kRidge = 1e-12;
    hss += kRidge, hoo += kRidge;
    if (offset_ == Offset::kZero) return {-gs / hss, 0};
    const double det = hss * hoo - hso * hso;
    if (!(det > 0)) return {0, -go / hoo};
    return {(-gs * hoo + go * hso) / det, (-go * hss + gs * hso) / det};
  }

  std::vector<double> x_, targets_;
  Offset offset_;
};

std::vector<double> logits(const ScoredLabels& rows) {
  std::vector<double> x;
  for (const double score : rows.scores)
    x.push_back(model::clamped_logit(score));
  return x;
}

struct Candidate {
  MapForm form;
  size_t least_rows;
  CalibrationMap (*fit)(const ScoredLabels& rows);
};

constexpr std::array kCandidates{
    Candidate{MapForm::kNone, 0, [](const ScoredLabels&) { return CalibrationMap(); }},
    Candidate{MapForm::kTemperature, kTemperatureRows, fit_temperature},
    Candidate{MapForm::kPlatt, kPlattRows, fit_platt},
    Candidate{MapForm::kIsotonic, kIsotonicRows, fit_isotonic_map},
};

bool has_both(const ScoredLabels& rows) {
  const auto positive = std::ranges::count(rows.labels, 1);
  return positive > 0 && positive < std::ssize(rows.labels);
}

bool rises(const CalibrationMap& map) {
  constexpr double kMost = 1e5;  // well inside what a file may hold
  return map.slope > 0 && map.slope < kMost && std::abs(map.offset) < kMost;
}

// Nothing when a fold cannot be fitted with a rising map.
std::expected<double, std::string> cross_validate(const Candidate& candidate,
                                                  const ScoredLabels& rows,
                                                  std::span<const uint32_t> folds) {
  std::vector<double> probs(rows.size());
  for (uint32_t fold = 0; fold < kMapFolds; ++fold) {
    ScoredLabels outside;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (folds[i] == fold) continue;
      outside.scores.push_back(rows.scores[i]);
      outside.labels.push_back(rows.labels[i]);
    }
    if (candidate.form != MapForm::kNone && !has_both(outside))
      return std::unexpected("a fold leaves one kind of label only");
    const CalibrationMap map = candidate.fit(outside);
    if (!rises(map)) return std::unexpected("higher scores do not mean that strong is needed");
    for (size_t i = 0; i < rows.size(); ++i)
      if (folds[i] == fold) probs[i] = map.apply(rows.scores[i]);
  }
  return stats::log_loss(probs, rows.labels);
}

}  // namespace

CalibrationMap fit_platt(const ScoredLabels& rows) {
  CHECK(has_both(rows));
  const auto positive = static_cast<double>(std::ranges::count(rows.labels, 1));
  const auto negative = static_cast<double>(rows.size()) - positive;
  std::vector<double> targets;
  for (const int label : rows.labels)
    targets.push_back(label == 1 ? (positive + 1) / (positive + 2) : 1 / (negative + 2));
  const LinePoint line = LineFit(logits(rows), std::move(targets), Offset::kFree).solve();
  return {.form = MapForm::kPlatt, .slope = line.slope, .offset = line.offset};
}

CalibrationMap fit_temperature(const ScoredLabels& rows) {
  CHECK(rows.size() > 0);
  const std::vector<double> targets(rows.labels.begin(), rows.labels.end());
  const LinePoint line = LineFit(logits(rows), targets, Offset::kZero).solve();
  return {.form = MapForm::kTemperature, .slope = line.slope};
}

CalibrationMap fit_isotonic_map(const ScoredLabels& rows) {
  const std::vector<double> labels(rows.labels.begin(), rows.labels.end());
  stats::IsotonicFit fit = stats::fit_isotonic(rows.scores, labels);
  const double least = 1 / (static_cast<double>(rows.size()) + 2);
  for (double& prob : fit.ys)
    prob = std::clamp(prob, least, 1 - least);
  return {.form = MapForm::kIsotonic, .scores = std::move(fit.xs), .probs = std::move(fit.ys)};
}

MapChoice choose_map(const ScoredLabels& rows, std::span<const uint32_t> folds) {
  CHECK(rows.size() > 0 && folds.size() == rows.size());
  MapChoice choice;
  for (const Candidate& candidate : kCandidates) {
    MapCandidate result{.map = {.form = candidate.form}};
    if (rows.size() < candidate.least_rows) {
      result.why_not =
          fmt::format("needs {} labels, there are {}", candidate.least_rows, rows.size());
    } else if (auto loss = cross_validate(candidate, rows, folds); !loss) {
      result.why_not = std::move(loss).error();
    } else {
      result.map = candidate.fit(rows);
      result.tried = rises(result.map);
      if (!result.tried) result.why_not = "higher scores do not mean that strong is needed";
      result.log_loss = *loss;
    }
    choice.candidates.push_back(std::move(result));
    const MapCandidate &last = choice.candidates.back(), &best = choice.candidates[choice.best];
    if (last.tried && last.log_loss < best.log_loss) choice.best = choice.candidates.size() - 1;
  }
  return choice;
}

}  // namespace weir::train
