#include "store/tally.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace weir::store {
namespace {

constexpr int kStepBits = 8;  // 256 steps an octave

size_t bucket_of(int64_t us) {
  const auto value = static_cast<uint64_t>(std::max<int64_t>(us, 0));
  if (value < 2u << kStepBits) return value;
  const int shift = std::bit_width(value) - kStepBits - 1;
  return (static_cast<size_t>(shift) << kStepBits) + static_cast<size_t>(value >> shift);
}

int64_t middle_of(size_t bucket) {
  if (bucket < 2u << kStepBits) return static_cast<int64_t>(bucket);
  const size_t shift = (bucket >> kStepBits) - 1;
  const uint64_t low = ((bucket & ((1u << kStepBits) - 1)) | 1u << kStepBits) << shift;
  return static_cast<int64_t>(low + (uint64_t{1} << shift) / 2);
}

void add_to(std::optional<int64_t>& total, int64_t amount) {
  total = total.value_or(0) + amount;
}

std::optional<double> ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

Quantiles quantiles(const LatencyHistogram& histogram) {
  return {.p50_us = histogram.quantile(0.5),
          .p90_us = histogram.quantile(0.9),
          .p99_us = histogram.quantile(0.99),
          .count = histogram.count(),
          .sum_us = histogram.sum_us()};
}

}  // namespace

bool is_routed(std::string_view mode, std::string_view reason) {
  return mode == "route" && reason != "named" && reason != "header" && reason != "off";
}

bool is_unpriced(std::string_view outcome, std::string_view usage_source,
                 std::optional<int64_t> cost_nanousd) {
  if (cost_nanousd) return false;
  return usage_source != "none" || outcome == "ok" || outcome == "cut" || outcome == "cancelled" ||
         outcome == "timeout";
}

void LatencyHistogram::add(int64_t us) {
  const size_t bucket = bucket_of(us);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_us_ += std::max<int64_t>(us, 0);
}

int64_t LatencyHistogram::quantile(double q) const {
  if (count_ == 0) return 0;
  // The smallest value with at least q of the values at or below it.
  const auto rank =
      std::max<int64_t>(1, static_cast<int64_t>(std::ceil(q * static_cast<double>(count_) - 1e-9)));
  int64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return middle_of(bucket);
  }
  return middle_of(buckets_.size() - 1);
}

Tally::Tally(int64_t since_us, IsLabel is_label) : is_label_(std::move(is_label)) {
  counts_.since_us = since_us;
}

void Tally::add(const RequestRow& row) {
  ++counts_.calls;
  const bool routed = is_routed(row.mode, row.reason);
  if (row.mode == "observe") ++counts_.observed_calls;
  if (row.outcome == "interrupted") {
    ++counts_.interrupted;
    if (routed) ++counts_.routed_calls;
    return;
  }
  if (!routed && row.mode != "observe") ++counts_.named_calls;
  if (row.outcome == "error" || row.outcome == "cut") ++counts_.errors;
  if (row.outcome == "client_gone") ++counts_.client_gone;
  if (row.fallback) ++counts_.fallbacks;
  if (row.latency_us) latency_.add(*row.latency_us);
  if (row.overhead_us) overhead_.add(*row.overhead_us);
  if (row.first_token_us) first_token_.add(*row.first_token_us);
  add_modelled(row);
  if (!row.cascade.empty()) add_cascaded(row);
  if (!routed) return;

  ++counts_.routed_calls;
  if (row.served_tier == "strong") {
    ++answered_;
    strong_tokens_ += row.input_tokens;
    ++(row.fallback ? strong_fallback_ : row.control ? strong_control_ : strong_routed_);
  } else if (row.served_tier == "weak") {
    ++answered_;
    ++weak_requests_;
    weak_tokens_ += row.input_tokens;
  }
}

void Tally::add_modelled(const RequestRow& row) {
  if (!row.cost_nanousd || !row.modelled_strong_nanousd || !row.modelled_weak_nanousd) return;
  if (row.mode == "observe") {
    const bool weak = row.assigned == "weak";
    ++counts_.observed_modelled_calls;
    if (weak) ++counts_.observed_weak_calls;
    add_to(counts_.observed_cost_nanousd, *row.cost_nanousd);
    add_to(counts_.observed_routed_nanousd,
           weak ? *row.modelled_weak_nanousd : *row.modelled_strong_nanousd);
  } else if (is_routed(row.mode, row.reason)) {
    ++counts_.modelled_calls;
    add_to(counts_.modelled_cost_nanousd, *row.cost_nanousd);
    add_to(counts_.all_strong_nanousd, *row.modelled_strong_nanousd);
    add_to(counts_.all_weak_nanousd, *row.modelled_weak_nanousd);
  }
}

void Tally::add_cascaded(const RequestRow& row) {
  Cascades& cascades = counts_.cascades;
  ++cascades.judged;
  if (row.cascade == "escalated" || row.cascade == "strong_failed") ++cascades.escalated;
  if (row.cascade == "gave_up") ++cascades.gave_up;
  if (row.cascade == "strong_failed") ++cascades.strong_failed;
  if (!row.cost_nanousd || !row.modelled_strong_nanousd) return;
  ++cascades.modelled;
  add_to(cascades.cost_nanousd, *row.cost_nanousd);
  add_to(cascades.all_strong_nanousd, *row.modelled_strong_nanousd);
}

void Tally::add(const CallRow& row) {
  ++counts_.upstream_calls;
  ModelCount& model = model_count(row);
  ++model.calls;
  if (row.role == "served") ++model.served;
  model.input_tokens += row.input_tokens;
  model.cache_read_tokens += row.cache_read_tokens;
  model.cache_write_tokens += row.cache_write_tokens + row.cache_write_1h_tokens;
  model.output_tokens += row.output_tokens;
  // Answers that were paid for and not sent on: of cascades, their samples included.
  if (row.role == "discarded" && row.cost_nanousd)
    add_to(counts_.cascades.discarded_nanousd, *row.cost_nanousd);
  if (row.cost_nanousd) {
    model.cost_nanousd += *row.cost_nanousd;
    add_to(counts_.cost_nanousd, *row.cost_nanousd);
    if (row.fallback && row.tier == "strong") add_to(counts_.fallback_nanousd, *row.cost_nanousd);
  }
  if (is_unpriced(row.outcome, row.usage_source, row.cost_nanousd)) {
    ++counts_.unpriced_calls;
    ++model.unpriced_calls;
  }
  if (row.usage_source == "estimated") ++counts_.estimated_calls;
  if (row.simulated) ++counts_.simulated_calls;
}

ModelCount& Tally::model_count(const CallRow& row) {
  const auto label = [&](std::string_view name) -> std::string_view {
    return name.empty() || !is_label_ || is_label_(name) ? name : "other";
  };
  std::tuple key(std::string(label(row.route)), std::string(label(row.model)),
                 std::string(row.tier));
  if (models_.size() >= kMostModels && !models_.contains(key)) key = {"other", "other", ""};
  ModelCount& count = models_[key];
  std::tie(count.route, count.model, count.tier) = key;
  return count;
}

Report Tally::report(int64_t until_us) const {
  Report report = counts_;
  report.until_us = until_us;
  const int64_t strong = strong_routed_ + strong_control_ + strong_fallback_;
  report.strong_share = ratio(strong, answered_);
  report.strong_share_routed = ratio(strong_routed_, answered_);
  report.strong_share_control = ratio(strong_control_, answered_);
  report.strong_share_fallback = ratio(strong_fallback_, answered_);
  report.avg_strong_tokens = ratio(strong_tokens_, strong);
  report.avg_weak_tokens = ratio(weak_tokens_, weak_requests_);
  if (report.unpriced_calls == 0) report.cost_nanousd = report.cost_nanousd.value_or(0);
  if (report.fallbacks == 0) report.fallback_nanousd = 0;
  if (report.modelled_calls > 0) {
    report.saved_nanousd = *report.all_strong_nanousd - *report.modelled_cost_nanousd;
    if (*report.all_strong_nanousd > 0)
      report.saved_percent = 100 * *ratio(*report.saved_nanousd, *report.all_strong_nanousd);
  }
  report.latency = quantiles(latency_);
  report.overhead = quantiles(overhead_);
  report.first_token = quantiles(first_token_);
  for (const auto& [key, count] : models_)
    report.models.push_back(count);
  return report;
}

}  // namespace weir::store
