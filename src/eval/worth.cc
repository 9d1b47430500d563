#include "eval/worth.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/random.h"

namespace weir::eval {
namespace {

struct Means {
  std::vector<CostQuality> models;
  CostQuality router;
};

// Each row taken counts[row] times; empty: once.
Means mean_of(const WorthInput& input, std::span<const uint32_t> counts) {
  Means means;
  double total = 0;
  for (const ModelRow& model : input.models)
    means.models.push_back({model.call_usd, 0});
  for (size_t row = 0; row < input.choice.size(); ++row) {
    const double times = counts.empty() ? 1 : counts[row];
    if (times == 0) continue;
    total += times;
    for (size_t m = 0; m < input.models.size(); ++m)
      means.models[m].quality += times * input.models[m].quality[row];
    const ModelRow& chosen = input.models[input.choice[row]];
    means.router.quality += times * chosen.quality[row];
    means.router.cost += times * chosen.call_usd;
  }
  for (CostQuality& model : means.models)
    model.quality /= total;
  means.router.quality /= total;
  means.router.cost = means.router.cost / total + input.router_usd;
  return means;
}

double over_mix(const Means& means) {
  return means.router.quality - mix_quality(means.models, means.router.cost);
}

size_t best_model(std::span<const CostQuality> models) {
  size_t best = 0;
  for (size_t m = 1; m < models.size(); ++m) {
    const bool better = models[m].quality > models[best].quality;
    const bool cheaper =
        models[m].quality == models[best].quality && models[m].cost < models[best].cost;
    if (better || cheaper) best = m;
  }
  return best;
}

size_t cheapest_enough(std::span<const CostQuality> models, double quality) {
  size_t found = best_model(models);
  for (size_t m = 0; m < models.size(); ++m)
    if (models[m].quality >= quality && models[m].cost < models[found].cost) found = m;
  return found;
}

Verdict verdict_of(const Worth& worth) {
  const bool best_is_cheapest = std::ranges::none_of(
      worth.models, [&](const CostQuality& m) { return m.cost < worth.models[worth.best].cost; });
  if (best_is_cheapest) return Verdict::kBestIsCheapest;
  const bool gains = worth.over_mix_ci95 && worth.over_mix_ci95->low > 0;
  if (gains) return Verdict::kUse;
  if (worth.enough != worth.best) return Verdict::kCheaperIsEnough;
  return worth.over_mix_ci95 && worth.over_mix_ci95->high < 0 ? Verdict::kWorseThanMix
                                                              : Verdict::kNotShown;
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUse:
      return "use";
    case Verdict::kNotShown:
      return "not_shown";
    case Verdict::kWorseThanMix:
      return "worse_than_mix";
    case Verdict::kBestIsCheapest:
      return "best_is_cheapest";
    case Verdict::kCheaperIsEnough:
      return "cheaper_is_enough";
  }
  return "";
}

}  // namespace

Worth judge_worth(const WorthInput& input, uint64_t seed, int resamples) {
  CHECK(input.models.size() >= 2 && !input.choice.empty());
  const Means means = mean_of(input, {});
  Worth worth;
  worth.models = means.models;
  worth.router = means.router;
  worth.best = best_model(worth.models);
  worth.enough = cheapest_enough(worth.models, input.keep * worth.models[worth.best].quality);
  worth.mix = mix_quality(worth.models, worth.router.cost);
  Random random(seed);
  std::vector<uint32_t> counts;
  std::vector<double> differences;
  for (int i = 0; i < resamples; ++i) {
    stats::draw_bootstrap_counts(input.choice.size(), random, counts);
    differences.push_back(over_mix(mean_of(input, counts)));
  }
  worth.over_mix_ci95 = stats::percentile_interval(differences);
  const CostQuality& best = worth.models[worth.best];
  worth.saving = worth.router.cost > 0 ? best.cost / worth.router.cost : 1;
  worth.quality_kept = best.quality > 0 ? worth.router.quality / best.quality : 1;
  std::vector<CostQuality> curve = input.curve;
  if (curve.empty()) curve.push_back(worth.router);
  worth.aiq = aiq(curve);
  worth.routerbench_aiq = routerbench_aiq(curve);
  worth.mix_aiq = aiq(worth.models);
  worth.arena = router_arena_score(1000 * worth.router.cost, worth.router.quality);
  worth.quality_per_usd = worth.router.cost > 0 ? worth.router.quality / worth.router.cost : 0;
  worth.verdict = verdict_of(worth);
  return worth;
}

std::string verdict_text(const WorthInput& input, const Worth& worth) {
  const std::string& best = input.models[worth.best].name;
  const std::string mix =
      fmt::format("{:+.2f} points [{:+.2f}, {:+.2f}] against a random mix of equal cost",
                  100 * (worth.router.quality - worth.mix),
                  100 * worth.over_mix_ci95.value_or(stats::Interval{}).low,
                  100 * worth.over_mix_ci95.value_or(stats::Interval{}).high);
  const std::string kept =
      fmt::format("{:.2f} times cheaper than {} alone at {:.1f} % of its quality", worth.saving,
                  best, 100 * worth.quality_kept);
  switch (worth.verdict) {
    case Verdict::kUse:
      return fmt::format("this router is worth it here: {}, and {}", kept, mix);
    case Verdict::kNotShown:
      return fmt::format(
          "do not use this router yet: {}, so no gain over tossing a coin can be shown on {} "
          "queries; label more, or train another kind",
          mix, input.choice.size());
    case Verdict::kWorseThanMix:
      return fmt::format("do not use a router here: {}; tossing a coin does better", mix);
    case Verdict::kBestIsCheapest:
      return fmt::format("do not use a router here: {} is the best model and the cheapest", best);
    case Verdict::kCheaperIsEnough:
      return fmt::format(
          "do not use a router here: {} alone keeps {:.1f} % of {}'s quality, and routing shows no "
          "gain over mixing models at random ({})",
          input.models[worth.enough].name,
          100 * worth.models[worth.enough].quality / worth.models[worth.best].quality, best, mix);
  }
  return "";
}

std::string to_text(const WorthInput& input, const Worth& worth) {
  std::string out =
      fmt::format("\n{:<36} {:>14} {:>9} {:>12}\n", "", "USD per 1,000", "quality", "per USD");
  const auto put = std::back_inserter(out);
  const auto line = [&](std::string_view name, const CostQuality& at) {
    fmt::format_to(put, "{:<36} {:>14.4f} {:>9.4f} {:>12}\n", name.substr(0, 36), 1000 * at.cost,
                   at.quality, at.cost > 0 ? fmt::format("{:.1f}", at.quality / at.cost) : "-");
  };
  for (size_t m = 0; m < worth.models.size(); ++m)
    line(fmt::format("{}{}", input.models[m].name, m == worth.best ? " (best)" : ""),
         worth.models[m]);
  line("router at its threshold", worth.router);
  line("random mix at equal cost", {worth.router.cost, worth.mix});
  fmt::format_to(put,
                 "AIQ {:.4f} (weir's: mean height of the cost-quality hull; of the models alone "
                 "{:.4f}; RouterBench's division {:.4f})\n",
                 worth.aiq, worth.mix_aiq, worth.routerbench_aiq);
  fmt::format_to(put, "RouterArena score {:.4f}\n", worth.arena);
  return out + "verdict: " + verdict_text(input, worth) + "\n";
}

std::string to_json(const WorthInput& input, const Worth& worth) {
  json::Writer out;
  out.begin_object().member("verdict", to_string(worth.verdict));
  out.member("sentence", verdict_text(input, worth)).key("models").begin_array();
  for (size_t m = 0; m < worth.models.size(); ++m) {
    out.begin_object().member("model", input.models[m].name);
    out.member("usd_per_1k", 1000 * worth.models[m].cost);
    out.member("quality", worth.models[m].quality).end_object();
  }
  out.end_array().member("best_single", input.models[worth.best].name);
  out.member("usd_per_1k", 1000 * worth.router.cost).member("quality", worth.router.quality);
  out.member("mix_quality", worth.mix).key("over_mix_ci95");
  if (worth.over_mix_ci95)
    out.begin_array().value(worth.over_mix_ci95->low).value(worth.over_mix_ci95->high).end_array();
  else
    out.null();
  out.member("cost_reduction_multiplier", worth.saving).member("quality_kept", worth.quality_kept);
  out.member("aiq", worth.aiq).member("models_aiq", worth.mix_aiq);
  out.member("routerbench_aiq", worth.routerbench_aiq).member("router_arena", worth.arena);
  out.member("quality_per_usd", worth.quality_per_usd).end_object();
  return out.take();
}

}  // namespace weir::eval
