#include "quality/signals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/json.h"
#include "quality/extract.h"
#include "quality/refusal.h"
#include "quality/uncertainty.h"

namespace weir::quality {
namespace {

using Read = std::optional<double>;

double fine_unless(bool wrong) {
  return wrong ? 0 : 1;
}

Read read_mean(const JudgedAnswer& answer) {
  if (answer.tokens.tokens == 0) return std::nullopt;
  return std::exp(answer.tokens.mean_logprob);
}

Read read_min(const JudgedAnswer& answer) {
  if (answer.tokens.tokens == 0) return std::nullopt;
  return std::exp(answer.tokens.min_logprob);
}

Read read_margin(const JudgedAnswer& answer) {
  if (answer.tokens.margins == 0) return std::nullopt;
  return std::clamp(answer.tokens.mean_margin, 0.0, 1.0);
}

Read read_refusal(const JudgedAnswer& answer) {
  return fine_unless(answer.declined || looks_like_refusal(answer.text));
}

Read read_empty(const JudgedAnswer& answer) {
  return fine_unless(!answer.has_tool_calls && trimmed(answer.text).empty());
}

Read read_format(const JudgedAnswer& answer) {
  if (!answer.wants_json || answer.has_tool_calls) return 1.0;
  return fine_unless(!json::Document::parse(std::string(extract_json(answer.text))));
}

Read read_uncertainty(const JudgedAnswer& answer) {
  const std::vector<std::string_view> phrases(answer.uncertainty_phrases.begin(),
                                              answer.uncertainty_phrases.end());
  return fine_unless(says_uncertain(answer.text, phrases));
}

constexpr std::array kSignals{
    SignalInfo{Signal::kStated, "stated", SignalUse::kGraded, SignalNeeds::kConfidenceLine,
               "what the model says on the line CONFIDENCE",
               [](const JudgedAnswer& a) { return a.stated; }},
    SignalInfo{Signal::kLogprobMean, "logprob_mean", SignalUse::kGraded, SignalNeeds::kLogprobs,
               "geometric mean of the token probabilities", read_mean},
    SignalInfo{Signal::kLogprobMin, "logprob_min", SignalUse::kGraded, SignalNeeds::kLogprobs,
               "least token probability", read_min},
    SignalInfo{Signal::kMargin, "margin", SignalUse::kGraded, SignalNeeds::kLogprobs,
               "mean distance of each token to its runner-up", read_margin},
    SignalInfo{Signal::kConsistency, "consistency", SignalUse::kGraded, SignalNeeds::kSamples,
               "share of the samples that agree",
               [](const JudgedAnswer& a) { return a.consistency; }},
    SignalInfo{Signal::kRefusal, "refusal", SignalUse::kAlarm, SignalNeeds::kNothing,
               "the model declines", read_refusal},
    SignalInfo{Signal::kEmpty, "empty", SignalUse::kAlarm, SignalNeeds::kNothing,
               "there is no answer", read_empty},
    SignalInfo{Signal::kFormat, "format", SignalUse::kAlarm, SignalNeeds::kNothing,
               "JSON was asked for and is not there", read_format},
    SignalInfo{Signal::kUncertainty, "uncertainty", SignalUse::kAlarm, SignalNeeds::kNothing,
               "a phrase of uncertainty", read_uncertainty},
    SignalInfo{Signal::kChecker, "checker", SignalUse::kAlarm, SignalNeeds::kChecker,
               "a checker of your own",
               [](const JudgedAnswer& a) -> Read {
                 if (!a.checker_says_good) return 0.0;
                 return fine_unless(!*a.checker_says_good);
               }},
};

}  // namespace

std::span<const SignalInfo> signals() {
  return kSignals;
}

const SignalInfo& signal_info(Signal signal) {
  const auto found = std::ranges::find(kSignals, signal, &SignalInfo::signal);
  CHECK(found != kSignals.end());
  return *found;
}

std::optional<Signal> parse_signal(std::string_view name) {
  const auto found = std::ranges::find(kSignals, name, &SignalInfo::name);
  if (found == kSignals.end()) return std::nullopt;
  return found->signal;
}

std::string signal_names() {
  std::string names;
  for (const SignalInfo& row : kSignals)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names;
}

Reading read_signals(std::span<const Signal> chosen, const JudgedAnswer& answer) {
  Reading reading{.confidence = 1.0, .alarm = ""};
  for (const Signal signal : chosen) {
    const SignalInfo& info = signal_info(signal);
    const auto value = info.read(answer);
    if (info.use == SignalUse::kAlarm) {
      if (value == 0.0 && reading.alarm.empty()) reading.alarm = info.name;
    } else if (!value || !reading.confidence) {
      reading.confidence.reset();
    } else {
      reading.confidence = std::min(*reading.confidence, *value);
    }
  }
  return reading;
}

std::string answer_key(std::string_view answer) {
  std::string key = folded(stated_answer(answer).value_or(answer));
  while (key.ends_with('.') || key.ends_with(' '))
    key.pop_back();
  return key;
}

}  // namespace weir::quality
