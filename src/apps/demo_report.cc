#include "apps/demo_report.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "base/random.h"
#include "catalog/usage.h"
#include "stats/interval.h"

namespace weir::apps {
namespace {

constexpr int kResamples = 1000;

struct Means {
  double share = 0, quality = 0, weak = 0, strong = 0;
  double cost = 0, weak_cost = 0, strong_cost = 0;
  // What picking at random at weir's share gives on average.
  double random_quality() const { return share * strong + (1 - share) * weak; }
  double random_cost() const { return share * strong_cost + (1 - share) * weak_cost; }
};

Means means_of(const std::vector<DemoRow>& rows, const std::vector<uint32_t>& counts) {
  Means sum;
  for (size_t i = 0; i < rows.size(); ++i) {
    const DemoRow& row = rows[i];
    const double count = counts[i];
    sum.share += row.strong ? count : 0;
    sum.quality += count * row.quality;
    sum.weak += count * row.weak_quality;
    sum.strong += count * row.strong_quality;
    sum.cost += count * static_cast<double>(row.cost_nanousd);
    sum.weak_cost += count * static_cast<double>(row.weak_nanousd);
    sum.strong_cost += count * static_cast<double>(row.strong_nanousd);
  }
  const double n = static_cast<double>(rows.size());
  for (double* value : {&sum.share, &sum.quality, &sum.weak, &sum.strong, &sum.cost, &sum.weak_cost,
                        &sum.strong_cost})
    *value /= n;
  return sum;
}

}  // namespace

DemoFigures demo_figures(const std::vector<DemoRow>& rows, uint64_t seed) {
  CHECK(!rows.empty());
  const Means means = means_of(rows, std::vector<uint32_t>(rows.size(), 1));
  std::array<std::vector<double>, 5> samples;
  Random random(seed);
  std::vector<uint32_t> counts;
  for (int i = 0; i < kResamples; ++i) {
    stats::draw_bootstrap_counts(rows.size(), random, counts);
    const Means drawn = means_of(rows, counts);
    samples[0].push_back(drawn.strong);
    samples[1].push_back(drawn.quality);
    samples[2].push_back(drawn.random_quality());
    samples[3].push_back(drawn.weak);
    samples[4].push_back(drawn.quality - drawn.random_quality());
  }
  const double n = static_cast<double>(rows.size());
  DemoFigures figures;
  figures.policies = {
      {"all strong", 1, means.strong, 0, 0, means.strong_cost * n},
      {"weir", means.share, means.quality, 0, 0, means.cost * n},
      {"random, same share", means.share, means.random_quality(), 0, 0, means.random_cost() * n},
      {"all weak", 0, means.weak, 0, 0, means.weak_cost * n}};
  for (size_t i = 0; i < figures.policies.size(); ++i) {
    const auto interval = stats::percentile_interval(samples[i]);
    if (interval)
      figures.policies[i].low = interval->low, figures.policies[i].high = interval->high;
  }
  figures.gain_over_random = means.quality - means.random_quality();
  if (const auto interval = stats::percentile_interval(samples[4]))
    figures.gain_low = interval->low, figures.gain_high = interval->high;
  if (means.strong_cost > 0) figures.saved_percent = 100 * (1 - means.cost / means.strong_cost);
  return figures;
}

std::string demo_table(const DemoFigures& figures) {
  std::string out = fmt::format("{:<20} {:>8} {:>9} {:>17} {:>14}\n", "", "strong", "quality",
                                "95 % interval", "cost");
  for (const DemoPolicy& policy : figures.policies)
    out += fmt::format("{:<20} {:>6.1f} % {:>7.1f} % {:>8.1f} - {:>4.1f} % {:>14}\n", policy.name,
                       policy.strong_share * 100, policy.quality * 100, policy.low * 100,
                       policy.high * 100,
                       "$" + catalog::format_usd(static_cast<int64_t>(policy.cost_nanousd)));
  out += fmt::format(
      "weir saves {:.1f} % of all-strong's cost; its answers are {:+.1f} points better than random "
      "picking at the same share (95 %: {:+.1f} to {:+.1f})\n",
      figures.saved_percent, figures.gain_over_random * 100, figures.gain_low * 100,
      figures.gain_high * 100);
  return out;
}

}  // namespace weir::apps
