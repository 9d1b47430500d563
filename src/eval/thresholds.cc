#include "eval/thresholds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/random.h"
#include "eval/curve.h"
#include "stats/quantile.h"

namespace weir::eval {
namespace {

constexpr double kSlack = 1e-12;  // sums in another order differ in the last digits

// Sums over rows, each taken `times` times.
class EffectSum {
 public:
  void add(const JudgedRows& rows, size_t row, bool to_strong, double times) {
    count_ += times;
    weak_ += times * rows.weak[row];
    strong_ += times * rows.strong[row];
    routed_ += times * (to_strong ? rows.strong[row] : rows.weak[row]);
    to_strong_ += to_strong ? times : 0;
    if (rows.label[row] != 1) return;
    needed_ += times;
    caught_ += to_strong ? times : 0;
  }
  // Moves a row that was added as strong to weak.
  void move_to_weak(const JudgedRows& rows, size_t row) {
    routed_ += rows.weak[row] - rows.strong[row];
    to_strong_ -= 1;
    if (rows.label[row] == 1) caught_ -= 1;
  }
  Effect effect() const {
    Effect e;
    e.strong_share = to_strong_ / count_;
    e.recall = needed_ > 0 ? caught_ / needed_ : 1;
    e.quality = routed_ / count_;
    e.quality_ratio = strong_ > 0 ? routed_ / strong_ : 1;
    e.gap = (strong_ - routed_) / count_;
    e.gap_recovered = strong_ > weak_ + kSlack * count_ ? (routed_ - weak_) / (strong_ - weak_)
                                                        : std::numeric_limits<double>::quiet_NaN();
    return e;
  }

 private:
  double count_ = 0, weak_ = 0, strong_ = 0, routed_ = 0;
  double to_strong_ = 0, needed_ = 0, caught_ = 0;
};

bool meets(const Effect& effect, const ThresholdAim& aim) {
  switch (aim.aim) {
    case Aim::kRecall:
      return effect.recall >= aim.value - kSlack;
    case Aim::kQuality:
      return effect.quality_ratio >= aim.value - kSlack;
    case Aim::kGap:
      // Where there is no gap, weak loses nothing.
      return !(effect.gap_recovered < aim.value - kSlack);
    case Aim::kAcceptableGap:
      return effect.gap <= aim.value + kSlack;
    case Aim::kStrongShare:
    case Aim::kValueUsd:
      return true;
  }
  return true;
}

double net_value(const Effect& effect, double value_usd, const CallCosts& costs) {
  return value_usd * effect.quality - effect.strong_share * (costs.strong_usd - costs.weak_usd);
}

// Above every score, where a threshold can be: P = 1 still goes to strong.
double above(double score) {
  return std::min(1.0, std::nextafter(score, 2.0));
}

// Calls visit(threshold, effect) for every cut between different scores, all-strong first.
template <typename Visit>
void for_each_cut(const JudgedRows& rows, Visit&& visit) {
  const auto order = rank_order(rows.score);
  EffectSum sum;
  for (size_t row = 0; row < rows.size(); ++row)
    sum.add(rows, row, true, 1);
  visit(0.0, sum.effect());
  for (size_t i = 0; i < order.size(); ++i) {
    sum.move_to_weak(rows, order[i]);
    const double score = rows.score[order[i]];
    const bool last = i + 1 == order.size();
    if (!last && rows.score[order[i + 1]] == score) continue;
    const double threshold = last ? above(score) : rows.score[order[i + 1]];
    if (threshold > score) visit(threshold, sum.effect());
  }
}

}  // namespace

Effect effect_of(const JudgedRows& rows, double threshold) {
  EffectSum sum;
  for (size_t row = 0; row < rows.size(); ++row)
    sum.add(rows, row, rows.score[row] >= threshold, 1);
  return sum.effect();
}

std::string to_string(const ThresholdAim& aim) {
  switch (aim.aim) {
    case Aim::kStrongShare:
      return fmt::format("strong share {}", aim.value);
    case Aim::kRecall:
      return fmt::format("recall {}", aim.value);
    case Aim::kQuality:
      return fmt::format("quality {}", aim.value);
    case Aim::kGap:
      return fmt::format("gap {}", aim.value);
    case Aim::kAcceptableGap:
      return fmt::format("acceptable gap {}", aim.value);
    case Aim::kValueUsd:
      return fmt::format("value {} USD", aim.value);
  }
  return "";
}

double find_threshold(const JudgedRows& rows, const ThresholdAim& aim, const CallCosts& costs) {
  CHECK(rows.size() > 0);
  // In percent and back, so that 0.8 gives the quantile 0.2 exactly.
  if (aim.aim == Aim::kStrongShare)
    return stats::quantile(rows.score, (100 - aim.value * 100) / 100);
  double found = 0, best_value = -std::numeric_limits<double>::infinity();
  for_each_cut(rows, [&](double threshold, const Effect& effect) {
    if (aim.aim != Aim::kValueUsd) {
      if (meets(effect, aim)) found = threshold;
      return;
    }
    const double value = net_value(effect, aim.value, costs);
    if (value < best_value - kSlack) return;
    best_value = value;
    found = threshold;
  });
  return found;
}

FoundThreshold measure_threshold(const JudgedRows& rows, const ThresholdAim& aim,
                                 const CallCosts& costs, uint64_t seed, int resamples) {
  FoundThreshold found;
  found.aim = aim;
  found.threshold = find_threshold(rows, aim, costs);
  found.effect = effect_of(rows, found.threshold);
  Random random(seed);
  std::vector<uint32_t> counts;
  std::vector<double> shares, recalls, ratios, gaps;
  int met = 0;
  for (int i = 0; i < resamples; ++i) {
    stats::draw_bootstrap_counts(rows.size(), random, counts);
    EffectSum sum;
    for (size_t row = 0; row < rows.size(); ++row)
      if (counts[row] > 0) sum.add(rows, row, rows.score[row] >= found.threshold, counts[row]);
    const Effect effect = sum.effect();
    shares.push_back(effect.strong_share);
    recalls.push_back(effect.recall);
    ratios.push_back(effect.quality_ratio);
    gaps.push_back(effect.gap);
    met += meets(effect, aim) ? 1 : 0;
  }
  found.strong_share_ci95 = stats::percentile_interval(shares);
  found.recall_ci95 = stats::percentile_interval(recalls);
  found.quality_ratio_ci95 = stats::percentile_interval(ratios);
  found.gap_ci95 = stats::percentile_interval(gaps);
  if (aim.aim != Aim::kStrongShare && aim.aim != Aim::kValueUsd && resamples > 0)
    found.met_in_resamples = static_cast<double>(met) / resamples;
  return found;
}

std::vector<SweepRow> sweep(const JudgedRows& rows, double acceptable_gap,
                            const std::optional<CallCosts>& costs) {
  CHECK(rows.size() > 0);
  std::vector<double> sorted = rows.score;
  std::ranges::sort(sorted);
  const auto count = static_cast<double>(rows.size());
  std::vector<SweepRow> result;
  for (int tenth = 0; tenth <= 10; ++tenth) {
    SweepRow row;
    row.threshold = tenth == 0    ? 0
                    : tenth == 10 ? above(sorted.back())
                                  : stats::quantile_of_sorted(sorted, tenth / 10.0);
    row.effect = effect_of(rows, row.threshold);
    double squares = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const double loss = rows.score[i] >= row.threshold ? 0 : rows.strong[i] - rows.weak[i];
      squares += (loss - row.effect.gap) * (loss - row.effect.gap);
    }
    const double half = 1.959963984540054 * std::sqrt(squares) / count;
    row.gap_ci95 = {row.effect.gap - half, row.effect.gap + half};
    row.acceptable = row.effect.gap <= acceptable_gap + kSlack;
    if (costs) row.multiplier = cost_multiplier(row.effect.strong_share, *costs);
    result.push_back(row);
  }
  return result;
}

}  // namespace weir::eval
