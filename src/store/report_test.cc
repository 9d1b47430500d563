#include "store/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "store/sample_records.h"
#include "store/tally.h"

namespace weir::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RequestRow weak_row() {
  return {.route = "auto",
          .mode = "route",
          .reason = "score",
          .outcome = "ok",
          .served_tier = "weak",
          .assigned = "weak",
          .cost_nanousd = 1'000,
          .modelled_strong_nanousd = 20'000,
          .modelled_weak_nanousd = 1'000,
          .input_tokens = 100,
          .latency_us = 1'000,
          .overhead_us = 50,
          .first_token_us = 500};
}

RequestRow strong_row() {
  RequestRow row = weak_row();
  row.served_tier = "strong";
  row.cost_nanousd = 20'000;
  row.input_tokens = 300;
  return row;
}

CallRow call_row(std::string_view model, std::optional<int64_t> cost_nanousd) {
  return {.route = "auto",
          .role = "served",
          .model = model,
          .tier = "weak",
          .outcome = "ok",
          .usage_source = "reported",
          .input_tokens = 100,
          .output_tokens = 10,
          .cost_nanousd = cost_nanousd};
}

TEST(Tally, StrongShareIsThatOfAnsweredRoutedRequestsAndItsPartsAddUp) {
  Tally tally(0);
  for (int i = 0; i < 6; ++i)
    tally.add(weak_row());
  tally.add(strong_row());
  RequestRow control = strong_row(), fallback = strong_row(), named = strong_row();
  control.control = true;
  fallback.fallback = true;
  named.mode = "named";
  RequestRow header = strong_row(), failed = weak_row(), interrupted = weak_row();
  header.reason = "header";
  failed.outcome = "error";
  failed.served_tier = "";
  interrupted.outcome = "interrupted";
  interrupted.served_tier = "";
  for (const auto& row : {control, control, fallback, named, header, failed, interrupted})
    tally.add(row);
  const Report report = tally.report(1);
  EXPECT_EQ(report.calls, 14);
  EXPECT_EQ(report.routed_calls, 12);
  EXPECT_EQ(report.named_calls, 2);
  EXPECT_DOUBLE_EQ(report.strong_share.value(), 0.4);
  EXPECT_DOUBLE_EQ(report.strong_share_routed.value(), 0.1);
  EXPECT_DOUBLE_EQ(report.strong_share_control.value(), 0.2);
  EXPECT_DOUBLE_EQ(report.strong_share_fallback.value(), 0.1);
  EXPECT_DOUBLE_EQ(report.avg_strong_tokens.value(), 300);
  EXPECT_DOUBLE_EQ(report.avg_weak_tokens.value(), 100);
  EXPECT_EQ(report.errors, 1);
  EXPECT_EQ(report.interrupted, 1);
  EXPECT_EQ(report.fallbacks, 1);
}

// given: $15 and $0.80 per million input tokens; one strong and three weak calls of 1,000 tokens.
TEST(Tally, SavingIsOneMinusActualOverAllStrong) {
  Tally tally(0);
  RequestRow weak = weak_row(), strong = strong_row();
  weak.cost_nanousd = weak.modelled_weak_nanousd = strong.modelled_weak_nanousd = 800'000;
  strong.cost_nanousd = weak.modelled_strong_nanousd = strong.modelled_strong_nanousd = 15'000'000;
  for (const auto& row : {weak, weak, weak, strong})
    tally.add(row);
  const Report report = tally.report(1);
  EXPECT_EQ(report.all_strong_nanousd, 60'000'000);
  EXPECT_EQ(report.all_weak_nanousd, 3'200'000);
  EXPECT_EQ(report.saved_nanousd, 60'000'000 - 17'400'000);
  EXPECT_DOUBLE_EQ(*report.saved_percent, 71.0);
}

TEST(Tally, WhatRoutingItselfCostsLowersTheSaving) {
  Tally tally(0);
  RequestRow row = weak_row();
  row.cost_nanousd = 1'000 + 5'000;  // a discarded attempt or a router's call beside the answer
  tally.add(row);
  EXPECT_EQ(tally.report(1).saved_nanousd, 14'000);
}

TEST(Tally, RequestsWithAnUnknownPriceAreLeftOutOfTheComparison) {
  Tally tally(0);
  tally.add(weak_row());
  for (auto change : {+[](RequestRow& r) { r.cost_nanousd.reset(); },
                      +[](RequestRow& r) { r.modelled_strong_nanousd.reset(); },
                      +[](RequestRow& r) { r.modelled_weak_nanousd.reset(); },
                      +[](RequestRow& r) { r.mode = "named"; }}) {
    RequestRow row = weak_row();
    change(row);
    tally.add(row);
  }
  EXPECT_EQ(tally.report(1).modelled_calls, 1);
  EXPECT_EQ(tally.report(1).saved_nanousd, 19'000);
}

TEST(Tally, ObservedRequestsAreModelledApart) {
  Tally tally(0);
  RequestRow row = strong_row();
  row.mode = "observe";
  tally.add(row);
  row.assigned = "strong";
  tally.add(row);
  const Report report = tally.report(1);
  EXPECT_EQ(report.observed_calls, 2);
  EXPECT_EQ(report.modelled_calls, 0);
  EXPECT_EQ(report.saved_nanousd, std::nullopt);
  EXPECT_EQ(report.observed_cost_nanousd, 40'000);
  EXPECT_EQ(report.observed_routed_nanousd, 21'000);
  EXPECT_EQ(report.observed_weak_calls, 1);
}

TEST(Tally, AnUnknownPriceIsCountedAndNeverZero) {
  Tally tally(0);
  tally.add(call_row("mystery", std::nullopt));
  EXPECT_EQ(tally.report(1).cost_nanousd, std::nullopt);
  tally.add(call_row("known", 700));
  const Report report = tally.report(1);
  EXPECT_EQ(report.cost_nanousd, 700);
  EXPECT_EQ(report.unpriced_calls, 1);
  ASSERT_EQ(report.models.size(), 2u);
  EXPECT_THAT(report_json(report), HasSubstr(R"("cost_usd":0.0000007)"));
}

TEST(Tally, ARefusalWithoutUsageCostsNothingACutAnswerMay) {
  for (const char* outcome : {"overloaded", "caller", "broken"})
    EXPECT_FALSE(is_unpriced(outcome, "none", std::nullopt));
  for (const char* outcome : {"ok", "cut", "cancelled", "timeout"})
    EXPECT_TRUE(is_unpriced(outcome, "none", std::nullopt));
  EXPECT_TRUE(is_unpriced("broken", "reported", std::nullopt));
  EXPECT_FALSE(is_unpriced("ok", "reported", 0));
}

TEST(Tally, HoldsABoundedNumberOfModels) {
  Tally tally(0);
  for (int i = 0; i < 10'000; ++i) {
    const std::string model = fmt::format("m{}", i);
    tally.add(call_row(model, 1));
  }
  const Report report = tally.report(1);
  EXPECT_LE(report.models.size(), Tally::kMostModels + 1);
  int64_t calls = 0;
  for (const ModelCount& model : report.models)
    calls += model.calls;
  EXPECT_EQ(calls, 10'000);
}

TEST(LatencyHistogram, QuantilesAreThoseOfTheSortedValuesWithinFourPerMille) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    LatencyHistogram histogram;
    std::vector<int64_t> values;
    const size_t count = 1 + random.below(500);
    const double octaves = 1 + random.uniform() * 35;
    for (size_t i = 0; i < count; ++i) {
      values.push_back(static_cast<int64_t>(std::exp2(random.uniform() * octaves)));
      histogram.add(values.back());
    }
    std::ranges::sort(values);
    for (const double q : {0.5, 0.9, 0.99, 1.0}) {
      const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(count) - 1e-9));
      const auto exact = static_cast<double>(values[rank - 1]);
      ASSERT_NEAR(static_cast<double>(histogram.quantile(q)), exact, exact * 0.004);
    }
  }
}

TEST(LatencyHistogram, TakesEveryNumber) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0);
  histogram.add(-5);
  EXPECT_EQ(histogram.quantile(1), 0);
  histogram.add(INT64_MAX);
  EXPECT_GT(histogram.quantile(1), INT64_MAX / 2);
}

Report full_report() {
  Tally tally(kSampleTimeUs);
  tally.add(weak_row());
  tally.add(strong_row());
  tally.add(call_row("small", 1'000));
  CallRow simulated = call_row("large \"x\"\n", 20'000);
  simulated.tier = "strong";
  simulated.simulated = true;
  tally.add(simulated);
  return tally.report(kSampleTimeUs + 3'600'000'000);
}

TEST(ReportJson, HasTheDocumentedKeys) {
  const auto document = json::Document::parse(report_json(full_report()));
  ASSERT_TRUE(document) << document.error().message;
  const json::Value root = document->root();
  for (const char* key :
       {"calls", "strong_share", "strong_share_by", "cost_usd", "modelled", "avg_strong_tokens",
        "avg_weak_tokens", "unpriced_calls", "estimated_calls", "fallbacks", "fallback_usd",
        "interrupted", "errors", "latency_us", "overhead_us", "first_token_us", "simulated_calls",
        "observed_modelled", "models"})
    EXPECT_TRUE(root[key].exists()) << key;
  for (const char* key : {"routed", "control", "fallback"})
    EXPECT_TRUE(root["strong_share_by"][key].exists()) << key;
  for (const char* key : {"all_strong_usd", "all_weak_usd", "saved_usd", "saved_percent"})
    EXPECT_TRUE(root["modelled"][key].exists()) << key;
  EXPECT_EQ(root["cost_usd"].raw(), "0.000021");
  EXPECT_EQ(root["modelled"]["saved_percent"].as_double(), 47.5);
}

TEST(ReportText, SaysThatASimulatorAnsweredAndThatSavingsAreModelled) {
  const std::string text = report_text(full_report());
  EXPECT_THAT(text, HasSubstr("SIMULATED: 1 of 2"));
  EXPECT_THAT(text, HasSubstr("modelled, not measured"));
  EXPECT_THAT(text, Not(HasSubstr("at least")));
}

TEST(ReportText, SaysWhenACostIsALowerBound) {
  Tally tally(0);
  tally.add(weak_row());
  tally.add(call_row("mystery", std::nullopt));
  tally.add(call_row("small", 5'000'000));
  const std::string text = report_text(tally.report(kSampleTimeUs));
  EXPECT_THAT(text, HasSubstr("at least $0.005"));
  EXPECT_THAT(text, HasSubstr("1 of 2 calls have no known price"));
}

TEST(ReportText, SaysWhenThereIsNothing) {
  EXPECT_THAT(report_text(Tally(0).report(kSampleTimeUs)), HasSubstr("No request has ended"));
  EXPECT_THAT(report_json(Tally(0).report(kSampleTimeUs)), HasSubstr(R"("cost_usd":0.00)"));
}

TEST(ReportJson, SharesAndAveragesOfNothingAreUnknown) {
  const auto document = json::Document::parse(report_json(Tally(0).report(kSampleTimeUs)));
  ASSERT_TRUE(document);
  const json::Value root = document->root();
  EXPECT_EQ(root["strong_share"].raw(), "null");
  for (const char* key : {"routed", "control", "fallback"})
    EXPECT_EQ(root["strong_share_by"][key].raw(), "null") << key;
  EXPECT_EQ(root["avg_strong_tokens"].raw(), "null");
  EXPECT_EQ(root["avg_weak_tokens"].raw(), "null");
}

TEST(ReportText, SharesAndAveragesOfNothingAreADash) {
  Tally tally(0);
  RequestRow named = weak_row();
  named.mode = "named";
  tally.add(named);
  const std::string text = report_text(tally.report(kSampleTimeUs));
  EXPECT_THAT(text, HasSubstr("to the strong model   -\n"));
  EXPECT_THAT(text, HasSubstr("strong -, weak -\n"));
}

TEST(ReportPrometheus, HasNoStrongShareBeforeTheFirstAnswer) {
  const std::string text = report_prometheus(Tally(0).report(1));
  EXPECT_THAT(text, Not(HasSubstr("\nweir_strong_share ")));
  EXPECT_THAT(text, Not(HasSubstr("\nweir_strong_share_by{")));
  EXPECT_THAT(report_prometheus(full_report()), HasSubstr("\nweir_strong_share 0.5\n"));
}

TEST(ReportPrometheus, EscapesLabelsAndLeavesOutWhatIsUnknown) {
  const std::string text = report_prometheus(full_report());
  EXPECT_THAT(text, HasSubstr("weir_requests_total 2\n"));
  EXPECT_THAT(text, HasSubstr(R"(model="large \"x\"\n",tier="strong"})"));
  EXPECT_THAT(text, HasSubstr("weir_latency_seconds_count 2\n"));
  for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
    EXPECT_THAT(text[begin], ::testing::AnyOf('#', 'w'));
  Tally unpriced(0);
  unpriced.add(call_row("mystery", std::nullopt));
  const std::string unknown = report_prometheus(unpriced.report(1));
  EXPECT_THAT(unknown, Not(HasSubstr("\nweir_cost_usd_total ")));
  EXPECT_THAT(unknown, Not(HasSubstr("\nweir_model_cost_usd_total{")));
  EXPECT_THAT(text, HasSubstr("\nweir_model_cost_usd_total{"));
}

TEST(ParseSince, TakesSpansDatesAndTimes) {
  const int64_t now = kSampleTimeUs;
  EXPECT_EQ(parse_since("24h", now), now - 86'400'000'000);
  EXPECT_EQ(parse_since("7d", now), now - 7 * 86'400'000'000);
  EXPECT_EQ(parse_since("90m", now), now - 5'400'000'000);
  EXPECT_EQ(parse_since("0s", now), now);
  EXPECT_EQ(parse_since("2026-11-23", now), parse_rfc3339("2026-11-23T00:00:00Z"));
  EXPECT_EQ(parse_since("2026-11-23T01:00:00+01:00", now), parse_rfc3339("2026-11-23T00:00:00Z"));
  for (const char* bad : {"", "7", "h", "7x", "-7d", "7 d", "99999999999999d", "2026-13-01", "d7",
                          "9223372036854775807s"}) {
    const auto parsed = parse_since(bad, now);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace weir::store
