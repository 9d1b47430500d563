#include "eval/cascade.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "stats/binomial.h"
#include "train/calibration.h"

namespace weir::eval {
namespace {

constexpr size_t kBins = 10;
constexpr double kKept = 0.95;

std::vector<int> right_of(const std::vector<double>& quality) {
  std::vector<int> right;
  for (const double q : quality)
    right.push_back(q >= 0.5 ? 1 : 0);
  return right;
}

std::vector<double> opposite(const std::vector<double>& confidence) {
  std::vector<double> scores;
  for (const double c : confidence)
    scores.push_back(1 - c);
  return scores;
}

std::vector<uint32_t> shuffled(size_t count, Random& random) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

train::ScoredLabels take(const CascadeRows& rows, const std::vector<int>& right,
                         std::span<const uint32_t> chosen) {
  train::ScoredLabels part;
  for (const uint32_t row : chosen) {
    part.scores.push_back(std::clamp(rows.confidence[row], 0.0, 1.0));
    part.labels.push_back(right[row]);
  }
  return part;
}

train::MapChoice choose(const train::ScoredLabels& part, Random& random) {
  std::vector<uint32_t> folds(part.size());
  const auto order = shuffled(part.size(), random);
  for (size_t i = 0; i < order.size(); ++i)
    folds[order[i]] = static_cast<uint32_t>(i % train::kMapFolds);
  return train::choose_map(part, folds);
}

std::vector<double> mapped(const model::CalibrationMap& map, const std::vector<double>& scores) {
  std::vector<double> out;
  for (const double s : scores)
    out.push_back(map.apply(s));
  return out;
}

void study_calibration(const CascadeRows& rows, const CascadeStudyOptions& options,
                       CascadeFigures& figures) {
  const std::vector<int> right = right_of(rows.weak);
  Random random(options.seed);
  std::map<std::string, int> forms;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const auto order = shuffled(rows.size(), random);
    const std::span<const uint32_t> all(order);
    const train::ScoredLabels fit = take(rows, right, all.first(order.size() / 2));
    const train::ScoredLabels held = take(rows, right, all.subspan(order.size() / 2));
    const train::MapChoice choice = choose(fit, random);
    ++forms[std::string(model::to_string(choice.map().form))];
    const std::vector<double> after = mapped(choice.map(), held.scores);
    figures.reliability_before = stats::reliability_bins(held.scores, held.labels, kBins);
    figures.reliability_after = stats::reliability_bins(after, held.labels, kBins);
    const double share = 1.0 / options.repeats;
    figures.ece_before += share * stats::expected_calibration_error(figures.reliability_before);
    figures.ece_after += share * stats::expected_calibration_error(figures.reliability_after);
    figures.log_loss_before += share * stats::log_loss(held.scores, held.labels);
    figures.log_loss_after += share * stats::log_loss(after, held.labels);
  }
  figures.map_form =
      std::ranges::max_element(forms, {}, [](const auto& form) { return form.second; })->first;
}

void study_curve(const CascadeRows& rows, const CascadeStudyOptions& options,
                 CascadeFigures& figures) {
  const std::vector<double> scores = opposite(rows.confidence);
  const std::vector<uint32_t> order = rank_order(scores);
  figures.curve = full_points(take_ranked(order, {}, scores, rows.weak, rows.strong));
  figures.summary = summarize(figures.curve, Crossing::kFirst);
  Random random(options.seed);
  std::vector<uint32_t> counts;
  std::vector<double> apgr;
  for (int i = 0; i < options.resamples; ++i) {
    stats::draw_bootstrap_counts(rows.size(), random, counts);
    const Ranked ranked = take_ranked(order, counts, scores, rows.weak, rows.strong);
    apgr.push_back(summarize(full_points(ranked), Crossing::kFirst).apgr);
  }
  figures.apgr = stats::percentile_interval(apgr);
  constexpr int kSteps = 1000;
  for (int i = 0; i <= kSteps; ++i) {
    const double rate = static_cast<double>(i) / kSteps;
    if (quality_at(figures.curve, rate) < kKept * figures.strong_quality - 1e-12) continue;
    figures.rate_at_95 = rate;
    break;
  }
  figures.multiplier_at_95 = 1 / (1 / options.price_ratio + figures.rate_at_95);
}

// Rows in the order of their confidence, cut where it changes and enough are together; what is left
// at the end joins the last level.
std::vector<ConfidenceLevel> levels_of(const CascadeRows& rows, const std::vector<int>& right,
                                       const CascadeFitOptions& options) {
  std::vector<ConfidenceLevel> levels;
  const std::vector<uint32_t> order = rank_order(rows.confidence);
  ConfidenceLevel level;
  for (size_t i = 0; i < order.size(); ++i) {
    const double confidence = rows.confidence[order[i]];
    if (level.queries++ == 0) level.low = confidence;
    level.high = confidence;
    level.right += right[order[i]];
    const bool ends = i + 1 == order.size() || rows.confidence[order[i + 1]] > confidence;
    if (ends && level.queries >= options.least_queries)
      levels.push_back(std::exchange(level, ConfidenceLevel()));
  }
  if (level.queries > 0 && !levels.empty()) {
    levels.back().high = level.high;
    levels.back().queries += level.queries;
    levels.back().right += level.right;
  } else if (level.queries > 0) {
    levels.push_back(level);
  }
  for (ConfidenceLevel& one : levels)
    one.lower_bound = stats::clopper_pearson_lower(one.right, one.queries, options.delta);
  return levels;
}

// The level's queries that strong would repair.
int64_t repaired(const CascadeRows& rows, const std::vector<int>& right,
                 const ConfidenceLevel& level) {
  int64_t count = 0;
  for (size_t row = 0; row < rows.size(); ++row)
    if (rows.confidence[row] >= level.low && rows.confidence[row] <= level.high)
      count += right[row] == 0 && rows.strong[row] >= 0.5;
  return count;
}

}  // namespace

std::optional<double> auroc(const std::vector<double>& scores, const std::vector<int>& outcomes) {
  CHECK(scores.size() == outcomes.size());
  const std::vector<uint32_t> order = rank_order(scores);
  double ranks = 0, positive = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    double here = 0;
    while (end < order.size() && scores[order[end]] == scores[order[begin]])
      here += outcomes[order[end++]];
    ranks += here * (static_cast<double>(begin + end) + 1) / 2;
    positive += here;
    begin = end;
  }
  const double negative = static_cast<double>(scores.size()) - positive;
  if (positive == 0 || negative == 0) return std::nullopt;
  return (ranks - positive * (positive + 1) / 2) / (positive * negative);
}

CascadeFigures study_cascade(const CascadeRows& rows, const CascadeStudyOptions& options) {
  CHECK(rows.size() >= 20 && rows.weak.size() == rows.size() && rows.strong.size() == rows.size());
  CascadeFigures figures;
  figures.rows = static_cast<int64_t>(rows.size());
  const auto mean = [&](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(rows.size());
  };
  figures.weak_quality = mean(rows.weak);
  figures.strong_quality = mean(rows.strong);
  figures.auroc_weak_right = auroc(rows.confidence, right_of(rows.weak));
  std::vector<int> better;
  for (size_t row = 0; row < rows.size(); ++row)
    better.push_back(rows.strong[row] > rows.weak[row] ? 1 : 0);
  figures.auroc_strong_better = auroc(opposite(rows.confidence), better);
  study_curve(rows, options, figures);
  study_calibration(rows, options, figures);
  return figures;
}

CascadeFit fit_cascade(const CascadeRows& rows, const CascadeFitOptions& options) {
  CHECK(rows.size() >= 30 && rows.weak.size() == rows.size());
  const std::vector<int> right = right_of(rows.weak);
  std::vector<uint32_t> all(rows.size());
  std::iota(all.begin(), all.end(), 0U);
  Random random(options.seed);
  const train::MapChoice choice = choose(take(rows, right, all), random);
  CascadeFit fit;
  fit.queries = static_cast<int64_t>(rows.size());
  fit.map = choice.map();
  fit.map_form = model::to_string(fit.map.form);
  fit.levels = levels_of(rows, right, options);
  for (size_t i = fit.levels.size(); i-- > 0;) {
    if (fit.levels[i].lower_bound < options.target) break;
    fit.escalate_below = fit.map.apply(fit.levels[i].low);
    fit.reached = true;
  }
  if (options.unsolvable <= 0 || rows.strong.size() != rows.size()) return fit;
  for (const ConfidenceLevel& level : fit.levels) {
    const double most =
        stats::clopper_pearson_upper(repaired(rows, right, level), level.queries, options.delta);
    if (most >= options.unsolvable || fit.map.apply(level.high) >= fit.escalate_below) break;
    // Just above the level's highest confidence.
    fit.give_up_below =
        std::min(std::nextafter(fit.map.apply(level.high), 2.0), fit.escalate_below);
  }
  return fit;
}

}  // namespace weir::eval
