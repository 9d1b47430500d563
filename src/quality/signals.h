// What a weak model's answer says about itself: the signals by which a cascade keeps it or asks the
// strong model. A signal is one row of a table: graded ones give a confidence in [0, 1], alarms
// only say that the answer will not do. Pure, thread-safe, linear in the answer.
// Sources: mean and minimum token log-probability, Gupta et al., Language Model Cascades
// (arXiv 2404.10136); top-2 margin, UCCI (arXiv 2605.18796); stated confidence, Tian et al.
// (arXiv 2305.14975); self-consistency, Wang et al. (arXiv 2203.11171).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::quality {

enum class Signal : uint8_t {
  kStated,       // the line `CONFIDENCE: <0..1>`
  kLogprobMean,  // e to the mean log-probability of the tokens
  kLogprobMin,   // probability of the least likely token
  kMargin,       // mean over the tokens: probability less that of the runner-up
  kConsistency,  // share of the samples whose answer is this one's
  kRefusal,
  kEmpty,
  kFormat,  // the client asked for JSON, and this is none
  kUncertainty,
  kChecker,
};

// What a request must allow before the signal can be read.
enum class SignalNeeds : uint8_t { kNothing, kConfidenceLine, kLogprobs, kSamples, kChecker };
enum class SignalUse : uint8_t { kGraded, kAlarm };

// Probabilities of an answer's tokens, as far as the provider gave them.
struct TokenConfidence {
  int64_t tokens = 0;
  double mean_logprob = 0, min_logprob = 0;
  int64_t margins = 0;
  double mean_margin = 0;
};

struct JudgedAnswer {
  std::string_view text = {};         // without the line of confidence
  bool has_tool_calls = false;        // then an empty text is no empty answer
  bool declined = false;              // the provider says that the model refused
  bool wants_json = false;            // the client asked for JSON
  std::optional<double> stated = {};  // nullopt: it was not asked for
  TokenConfidence tokens = {};
  std::optional<double> consistency = {};
  std::optional<bool> checker_says_good = {};
  std::span<const std::string> uncertainty_phrases = {};  // folded
};

struct SignalInfo {
  Signal signal;
  std::string_view name;  // in settings and router files
  SignalUse use;
  SignalNeeds needs;
  std::string_view summary;
  // Graded: the confidence, nullopt when the answer does not hold it. Alarms: 0 raises it.
  std::optional<double> (*read)(const JudgedAnswer& answer);
};

std::span<const SignalInfo> signals();
const SignalInfo& signal_info(Signal signal);
std::optional<Signal> parse_signal(std::string_view name);
std::string signal_names();  // "stated, logprob_mean, ...": for messages

struct Reading {
  // The least of the graded ones; 1 when only alarms are read. nullopt: one could not be read.
  std::optional<double> confidence;
  std::string_view alarm;  // the first one raised, "" for none
};
Reading read_signals(std::span<const Signal> chosen, const JudgedAnswer& answer);

// What two samples are compared by: the stated answer of each, or all of it, folded.
std::string answer_key(std::string_view answer);

}  // namespace weir::quality
