#include "eval/cost_multiplier.h"

#include <limits>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "eval/curve.h"

namespace weir::eval {
namespace {

// What stands at one cut, summed over the rows that weak answers.
struct WeakSide {
  double lost = 0;   // sum of strong - weak
  double worse = 0;  // rows where weak is worse
};

class Search {
 public:
  Search(const Ranked& rows, const CallCosts& costs, const MultiplierLimits& limits)
      : rows_(rows), costs_(costs), limits_(limits) {
    for (const double quality : rows.strong)
      strong_sum_ += quality;
  }

  // Strong shares shrink from cut to cut. Quality may rise again after a fall, so every cut is
  // looked at and the last that keeps the limits wins.
  MultiplierPoint best() const {
    MultiplierPoint best = point(0, {});
    WeakSide weak;
    for (size_t cut = 0; cut < rows_.size(); ++cut) {
      weak.lost += rows_.strong[cut] - rows_.weak[cut];
      weak.worse += rows_.weak[cut] < rows_.strong[cut] ? 1 : 0;
      if (cut + 1 < rows_.size() && rows_.score[cut + 1] == rows_.score[cut]) continue;
      const MultiplierPoint here = point(cut + 1, weak);
      if (const Binding broken = broken_limit(here); broken == Binding::kNothing)
        best = here;
      else if (best.binding == Binding::kNothing)
        best.binding = broken;
    }
    return best;
  }

 private:
  MultiplierPoint point(size_t weak_rows, const WeakSide& weak) const {
    const auto count = static_cast<double>(rows_.size());
    MultiplierPoint p;
    p.threshold = weak_rows == rows_.size() ? std::numeric_limits<double>::infinity()
                                            : rows_.score[weak_rows];
    p.strong_share = 1 - static_cast<double>(weak_rows) / count;
    p.quality = (strong_sum_ - weak.lost) / count;
    p.quality_ratio = strong_sum_ > 0 ? (strong_sum_ - weak.lost) / strong_sum_ : 1;
    p.worse_share = weak.worse / count;
    p.multiplier = cost_multiplier(p.strong_share, costs_);
    return p;
  }

  Binding broken_limit(const MultiplierPoint& p) const {
    // Sums of equal values in another order differ in the last digits.
    constexpr double kSlack = 1e-12;
    if (limits_.max_worse && p.worse_share > *limits_.max_worse + kSlack) return Binding::kMaxWorse;
    if (limits_.keep && p.quality_ratio < *limits_.keep - kSlack) return Binding::kKeep;
    return Binding::kNothing;
  }

  const Ranked& rows_;
  const CallCosts& costs_;
  const MultiplierLimits& limits_;
  double strong_sum_ = 0;
};

}  // namespace

double cost_multiplier(double strong_share, const CallCosts& costs) {
  return costs.strong_usd /
         (costs.router_usd + strong_share * costs.strong_usd + (1 - strong_share) * costs.weak_usd);
}

std::string_view to_string(Binding binding) {
  switch (binding) {
    case Binding::kNothing:
      return "none";
    case Binding::kKeep:
      return "keep";
    case Binding::kMaxWorse:
      return "max_worse";
  }
  return "none";
}

MultiplierPoint best_multiplier(const MultiplierRows& rows, const CallCosts& costs,
                                const MultiplierLimits& limits) {
  CHECK(!rows.score.empty());
  const auto order = rank_order(rows.score);
  const Ranked ranked = take_ranked(order, {}, rows.score, rows.weak, rows.strong);
  return Search(ranked, costs, limits).best();
}

MultiplierResult measure_multiplier(const MultiplierRows& rows, const CallCosts& costs,
                                    const MultiplierLimits& limits, uint64_t seed, int resamples) {
  MultiplierResult result;
  result.best = best_multiplier(rows, costs, limits);
  const auto order = rank_order(rows.score);
  Random random(seed);
  std::vector<uint32_t> counts;
  std::vector<double> multipliers;
  for (int i = 0; i < resamples; ++i) {
    stats::draw_bootstrap_counts(rows.score.size(), random, counts);
    const Ranked ranked = take_ranked(order, counts, rows.score, rows.weak, rows.strong);
    multipliers.push_back(Search(ranked, costs, limits).best().multiplier);
  }
  result.multiplier_ci95 = stats::percentile_interval(multipliers);
  return result;
}

}  // namespace weir::eval
