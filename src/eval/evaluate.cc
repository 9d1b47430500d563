#include "eval/evaluate.h"

#include <array>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace weir::eval {
namespace {

using Counts = std::span<const uint32_t>;
enum class Rule { kEdges, kEvenShares };

// A score whose order is sorted once and then reused by every resample.
class Contender {
 public:
  Contender(const Measured& measured, std::vector<double> scores, Rule rule)
      : measured_(measured), scores_(std::move(scores)), order_(rank_order(scores_)), rule_(rule) {}

  Ranked rows(Counts counts = {}) const {
    return take_ranked(order_, counts, scores_, measured_.weak, measured_.strong);
  }
  std::vector<Point> points(const Ranked& rows) const {
    return rule_ == Rule::kEdges ? edge_points(rows) : even_points(rows);
  }
  Summary summary(Counts counts) const {
    return summarize(points(rows(counts)), Crossing::kInterpolated);
  }

 private:
  const Measured& measured_;
  std::vector<double> scores_;
  std::vector<uint32_t> order_;
  Rule rule_;
};

Result measure(const Contender& contender) {
  const Ranked rows = contender.rows();
  Result result;
  result.curve = contender.points(rows);
  result.full_curve = full_points(rows);
  result.edges = summarize(result.curve, Crossing::kInterpolated);
  result.first_crossing = summarize(result.curve, Crossing::kFirst);
  result.full = summarize(result.full_curve, Crossing::kFirst);
  return result;
}

// Ranks in random order in place of uniform scores: only the order matters.
std::vector<double> random_scores(size_t count, Random& random) {
  std::vector<double> scores(count);
  for (size_t i = 0; i < count; ++i)
    scores[i] = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
  for (size_t i = count; i > 1; --i)
    std::swap(scores[i - 1], scores[random.below(i)]);
  return scores;
}

void add(const Summary& from, Summary& to) {
  to.apgr += from.apgr, to.cpt20 += from.cpt20, to.cpt50 += from.cpt50, to.cpt80 += from.cpt80;
}
void divide(Summary& summary, double by) {
  summary.apgr /= by, summary.cpt20 /= by, summary.cpt50 /= by, summary.cpt80 /= by;
}

// Different orders of the same ranks cut at the same shares, so curves are averaged point by point.
Result measure_random(const Measured& measured, int runs, Random& random) {
  Result mean;
  for (int run = 0; run < runs; ++run) {
    Result one = measure(Contender(measured, random_scores(measured.size(), random), Rule::kEdges));
    if (run == 0) {
      mean = std::move(one);
      continue;
    }
    add(one.edges, mean.edges), add(one.first_crossing, mean.first_crossing);
    add(one.full, mean.full);
    for (size_t i = 0; i < mean.curve.size(); ++i)
      mean.curve[i].quality += one.curve[i].quality;
    for (size_t i = 0; i < mean.full_curve.size(); ++i)
      mean.full_curve[i].quality += one.full_curve[i].quality;
  }
  for (Summary* summary : {&mean.edges, &mean.first_crossing, &mean.full})
    divide(*summary, runs);
  for (Point& point : mean.curve)
    point.quality /= runs;
  for (Point& point : mean.full_curve)
    point.quality /= runs;
  return mean;
}

struct Resampled {
  std::vector<double> apgr, cpt50, cpt80;

  void push(const Summary& summary) {
    apgr.push_back(summary.apgr);
    cpt50.push_back(summary.cpt50);
    cpt80.push_back(summary.cpt80);
  }
  void store(Result& result) const {
    result.apgr = stats::percentile_interval(apgr);
    result.cpt50 = stats::percentile_interval(cpt50);
    result.cpt80 = stats::percentile_interval(cpt80);
  }
};

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Evaluation evaluate(const Measured& measured, const EvaluateOptions& options) {
  const size_t n = measured.size();
  CHECK(n > 0 && measured.length.size() == n && measured.weak.size() == n &&
        measured.strong.size() == n);
  std::vector<double> gap(n);
  for (size_t i = 0; i < n; ++i)
    gap[i] = measured.strong[i] - measured.weak[i];
  const Contender router(measured, measured.score, Rule::kEdges);
  const Contender length(measured, measured.length, Rule::kEdges);
  const Contender oracle(measured, std::move(gap), Rule::kEvenShares);

  Random random(options.seed);
  Evaluation result{.queries = static_cast<int64_t>(n),
                    .weak_quality = mean_of(measured.weak),
                    .strong_quality = mean_of(measured.strong),
                    .router = measure(router),
                    .random = measure_random(measured, options.random_runs, random),
                    .length = measure(length),
                    .oracle = measure(oracle),
                    .apgr_over_length = std::nullopt};
  std::array<Resampled, 4> samples;
  std::vector<double> over_length;
  std::vector<uint32_t> counts;
  for (int i = 0; i < options.resamples; ++i) {
    stats::draw_bootstrap_counts(n, random, counts);
    const Summary own = router.summary(counts), by_length = length.summary(counts);
    samples[0].push(own);
    samples[1].push(Contender(measured, random_scores(n, random), Rule::kEdges).summary(counts));
    samples[2].push(by_length);
    samples[3].push(oracle.summary(counts));
    over_length.push_back(own.apgr - by_length.apgr);
  }
  samples[0].store(result.router);
  samples[1].store(result.random);
  samples[2].store(result.length);
  samples[3].store(result.oracle);
  result.apgr_over_length = stats::percentile_interval(over_length);
  return result;
}

}  // namespace weir::eval
