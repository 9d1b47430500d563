#include "gateway/cascade.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>
#include <utility>

#include "base/log.h"
#include "gateway/call_models.h"
#include "gateway/gateway.h"
#include "gateway/records.h"
#include "model/sections.h"
#include "quality/command.h"
#include "quality/extract.h"
#include "quality/stated_confidence.h"
#include "quality/uncertainty.h"

namespace weir::gateway {
namespace {

using quality::Signal;
using quality::SignalNeeds;
using quality::SignalUse;

// As published: the stated confidence and the phrases, with what no client wants to get.
constexpr std::array kDefaultSignals{Signal::kStated, Signal::kRefusal, Signal::kEmpty,
                                     Signal::kUncertainty};
constexpr int64_t kCheckerMs = 10'000;
constexpr int64_t kPollMs = 2;
constexpr size_t kCheckerAnswerLimit = 64 << 10;

bool wants_json(const wire::Chat& chat) {
  return chat.needs.json_schema ||
         chat.body->root()["response_format"]["type"].string_or("") == "json_object";
}

// A line may be added to a question that is answered in free text, and to no other.
bool takes_confidence_line(const wire::Chat& chat) {
  return !chat.needs.tools && !chat.needs.thinking && !wants_json(chat) &&
         !chat.last_holds_tool_result;
}

bool gives_logprobs(const Cascade& cascade, const wire::Chat& chat, const Deployment& weak) {
  if (weak.provider->spoken_to(chat.dialect) != wire::Dialect::kOpenAi) return false;
  const json::Value root = chat.body->root();
  const bool own = chat.dialect == wire::Dialect::kOpenAi && root["logprobs"].as_bool() == true;
  return !own || !cascade.reads(Signal::kMargin) || root["top_logprobs"].as_int64().value_or(0) > 1;
}

// Asks a checker that is not in process; nullopt: it gave no verdict.
http::Task<std::optional<bool>> run_command(http::Exchange& exchange,
                                            const quality::Checker& checker, std::string answer) {
  auto run = quality::CommandRun::start(checker.argv(), std::move(answer),
                                        {.timeout_ms = kCheckerMs, .output_bytes = 64 << 10}, {},
                                        exchange.worker().clock());
  if (!run) {
    log_warning("cascade: checker: {}", run.error().message);
    co_return std::nullopt;
  }
  for (;;) {
    if (const auto end = run->poll()) {
      const quality::Checked checked = quality::judge_command(end->status, end->output);
      if (checked.outcome == quality::Outcome::kUnknown) co_return std::nullopt;
      co_return checked.good();
    }
    if (!co_await exchange.worker().sleep(kPollMs, exchange.gone())) co_return std::nullopt;
  }
}

http::Task<std::optional<bool>> ask_url(http::Exchange& exchange, const quality::Checker& checker,
                                        std::string body) {
  const auto endpoint = http::Endpoint::parse(checker.url());
  if (!endpoint) co_return std::nullopt;
  http::ClientRequest request;
  request.headers.add("content-type", "application/json");
  request.body = std::move(body);
  http::CallLimits limits;
  limits.deadline = exchange.request().deadline.earlier(
      Deadline::after_ms(exchange.worker().clock(), kCheckerMs));
  auto response =
      co_await exchange.worker().client().send(*endpoint, request, limits, exchange.gone());
  if (!response) co_return std::nullopt;
  const auto answer = co_await (*response)->read_all(kCheckerAnswerLimit);
  if (!answer) co_return std::nullopt;
  const quality::Checked checked = quality::judge_http((*response)->status(), *answer);
  if (checked.outcome == quality::Outcome::kUnknown) co_return std::nullopt;
  co_return checked.good();
}

http::Task<std::optional<bool>> run_checker(http::Exchange& exchange, const Decided& decided,
                                            const quality::Checker& checker, std::string answer) {
  switch (checker.kind()) {
    case quality::CheckKind::kCommand:
      co_return co_await run_command(exchange, checker, std::move(answer));
    case quality::CheckKind::kHttp: {
      std::string body = quality::outside_request(decided.question.words, answer, "");
      co_return co_await ask_url(exchange, checker, std::move(body));
    }
    default:
      co_return checker.check(answer).good();
  }
}

// The share of the samples whose answer is the first one's. Stops when the rest cannot change the
// verdict any more.
http::Task<double> ask_samples(Gateway& gateway, http::Exchange& exchange, const Decided& decided,
                               const Cascade& cascade, const policy::CascadeRule& rule,
                               std::string_view text, upstream::Outcome& outcome) {
  const std::string key = quality::answer_key(text);
  const auto share = [&](int agree) {
    return static_cast<double>(agree) / static_cast<double>(cascade.samples);
  };
  const auto accepted = [&](int agree) {
    return cascade.map.apply(share(agree)) >= rule.escalate_below;
  };
  int agree = 1;
  for (int asked = 1; asked < cascade.samples; ++asked) {
    const int rest = cascade.samples - asked;
    const bool settled = accepted(agree) || !accepted(agree + rest);
    // With a second threshold the exact share matters below the first one.
    if (settled && (accepted(agree) || rule.give_up_below <= 0)) break;
    CallWish wish;
    wish.sample = true;
    upstream::Outcome sample = co_await call_models(gateway, exchange, decided, wish);
    outcome.waited_us += sample.waited_us;
    if (sample.opened) {
      const upstream::Opened& opened = *sample.opened;
      sample.attempts.back().usage = usage_of(opened, decided.chat);
      if (opened.view && quality::answer_key(opened.view->text) == key) ++agree;
    }
    // The attempt that may serve stays the last.
    outcome.attempts.insert(outcome.attempts.end() - 1,
                            std::make_move_iterator(sample.attempts.begin()),
                            std::make_move_iterator(sample.attempts.end()));
    if (exchange.client_gone()) break;
  }
  co_return share(agree);
}

quality::TokenConfidence confidence_of(const wire::TokenStats& stats) {
  quality::TokenConfidence out;
  out.tokens = stats.tokens;
  out.margins = stats.margins;
  out.min_logprob = stats.logprob_min;
  if (stats.tokens > 0) out.mean_logprob = stats.logprob_sum / static_cast<double>(stats.tokens);
  if (stats.margins > 0) out.mean_margin = stats.margin_sum / static_cast<double>(stats.margins);
  return out;
}

std::unexpected<Error> wrong(std::string_view setting, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("cascade.{} {}", setting, what));
}

std::string setting_or(const model::RouterFile& file, std::string_view name) {
  const auto found = file.settings.find(name);
  return found == file.settings.end() ? std::string() : found->second;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::expected<void, Error> read_file_rule(const model::RouterFile& file, Cascade& cascade) {
  if (file.calibration) cascade.map = file.calibration->map;
  cascade.rule.escalate_below = file.threshold;
  if (!file.weights.contains(cascade_section::kGiveUpBelow)) return {};
  TRY_ASSIGN(const std::vector<double> give_up,
             model::numbers_of(file, cascade_section::kGiveUpBelow, 1));
  cascade.rule.give_up_below = give_up[0];
  return {};
}

std::expected<void, Error> set_signals(const std::vector<std::string>& names, Cascade& cascade) {
  for (const std::string& name : names) {
    const auto signal = quality::parse_signal(name);
    if (!signal)
      return wrong("signals", fmt::format("has no signal '{}': choose from {}", name,
                                          quality::signal_names()));
    if (!cascade.reads(*signal)) cascade.signals.push_back(*signal);
  }
  if (cascade.signals.empty())
    cascade.signals.assign(kDefaultSignals.begin(), kDefaultSignals.end());
  return {};
}

std::expected<void, Error> set_checker(const CascadeOptions& options, const model::RouterFile* file,
                                       Cascade& cascade) {
  std::string text = options.checker;
  if (text.empty() && file != nullptr) text = setting_or(*file, cascade_section::kChecker);
  if (!cascade.reads(Signal::kChecker)) {
    return options.checker.empty() ? std::expected<void, Error>()
                                   : wrong("checker", "has no effect without the signal `checker`");
  }
  if (text.empty()) return wrong("checker", "is missing: the signal `checker` needs one");
  auto checker = quality::Checker::parse(text);
  if (!checker) return wrong("checker", checker.error().message);
  if (checker->needs_reference())
    return wrong("checker", "compares with a reference answer, which live requests do not have");
  cascade.checker = std::move(*checker);
  return {};
}

std::vector<std::string> phrases_of(const CascadeOptions& options) {
  std::vector<std::string> phrases;
  if (!options.uncertainty.contains("en"))
    for (const std::string_view phrase : quality::uncertainty_phrases())
      phrases.emplace_back(phrase);
  for (const auto& [language, own] : options.uncertainty)
    for (const std::string& phrase : own)
      if (!quality::folded(phrase).empty()) phrases.push_back(quality::folded(phrase));
  return phrases;
}

// The answer's text as the client would see it, and the confidence that stood in it.
std::expected<std::optional<double>, Error> take_stated(upstream::Opened& opened) {
  const quality::StatedConfidence stated = quality::find_confidence(opened.view->text);
  if (stated.cut_begin == stated.cut_end) return stated.value;
  TRY(upstream::cut_text({stated.cut_begin, stated.cut_end}, opened));
  opened.view->text.erase(stated.cut_begin, stated.cut_end - stated.cut_begin);
  return stated.value;
}

}  // namespace

std::expected<Cascade, Error> make_cascade(const CascadeOptions& options,
                                           const model::RouterFile* file) {
  Cascade cascade;
  cascade.samples = options.samples;
  cascade.answer_ms = options.answer_ms;
  if (file != nullptr) TRY(read_file_rule(*file, cascade));
  std::vector<std::string> names = options.signals;
  if (names.empty() && file != nullptr)
    names = words_of(setting_or(*file, cascade_section::kSignals));
  TRY(set_signals(names, cascade));
  TRY(set_checker(options, file, cascade));
  if (options.escalate_below) cascade.rule.escalate_below = *options.escalate_below;
  if (options.give_up_below) cascade.rule.give_up_below = *options.give_up_below;
  if (cascade.rule.give_up_below > cascade.rule.escalate_below)
    return wrong("give_up_below", "is above escalate_below");
  cascade.uncertainty_phrases = phrases_of(options);
  return cascade;
}

bool Cascade::reads(Signal signal) const {
  return std::ranges::find(signals, signal) != signals.end();
}

bool Cascade::needs(SignalNeeds wanted) const {
  return std::ranges::any_of(signals,
                             [&](Signal s) { return quality::signal_info(s).needs == wanted; });
}

std::string_view Judgement::text() const {
  if (!verdict) return "";
  return strong_failed ? "strong_failed" : policy::to_string(*verdict);
}

bool can_judge(const Cascade& cascade, const wire::Chat& chat, const Deployment& weak) {
  // Only one of several choices would be read.
  if (chat.body->root()["n"].as_int64().value_or(1) > 1) return false;
  if (cascade.needs(SignalNeeds::kConfidenceLine) && !takes_confidence_line(chat)) return false;
  if (cascade.needs(SignalNeeds::kLogprobs) && !gives_logprobs(cascade, chat, weak)) return false;
  return !cascade.needs(SignalNeeds::kSamples) || !chat.needs.tools;
}

void judge_target(const Cascade& cascade, upstream::Target& target) {
  target.judged = true;
  target.answer_ms = cascade.answer_ms;
  target.additions.logprobs = cascade.needs(SignalNeeds::kLogprobs);
  if (cascade.needs(SignalNeeds::kConfidenceLine))
    target.additions.last_user_text = quality::confidence_request();
}

http::Task<Judgement> judge_answer(Gateway& gateway, http::Exchange& exchange,
                                   const Decided& decided, upstream::Outcome& outcome) {
  Judgement judgement;
  if (!decided.decision.cascades || !outcome.opened || outcome.opened->target_index > 0)
    co_return judgement;
  const Cascade& cascade = *decided.asked.route->scorer->cascade;
  upstream::Opened& opened = *outcome.opened;
  const Clock& clock = exchange.worker().clock();
  quality::JudgedAnswer answer;
  if (cascade.reads(Signal::kStated)) {
    auto stated = take_stated(opened);
    if (stated) answer.stated = *stated;
  }
  answer.text = opened.view->text;
  answer.has_tool_calls = opened.view->has_tool_calls;
  answer.declined = opened.view->has_refusal || opened.view->finish_reason == "content_filter" ||
                    opened.view->finish_reason == "refusal";
  answer.wants_json = wants_json(decided.chat);
  answer.tokens = confidence_of(opened.view->tokens);
  answer.uncertainty_phrases = cascade.uncertainty_phrases;
  if (cascade.checker) {
    const int64_t begin_us = clock.steady_us();
    answer.checker_says_good =
        co_await run_checker(exchange, decided, *cascade.checker, opened.view->text);
    if (cascade.checker->asks_outside()) outcome.waited_us += clock.steady_us() - begin_us;
  }
  policy::CascadeRule rule = cascade.rule;
  if (decided.asked.threshold) rule.escalate_below = *decided.asked.threshold;
  rule.give_up_below = std::min(rule.give_up_below, rule.escalate_below);
  // What the other signals refuse already needs no samples.
  if (cascade.reads(Signal::kConsistency) && !exchange.client_gone()) {
    answer.consistency = 1;
    if (quality::read_signals(cascade.signals, answer).alarm.empty())
      answer.consistency =
          co_await ask_samples(gateway, exchange, decided, cascade, rule, answer.text, outcome);
  }
  const quality::Reading reading = quality::read_signals(cascade.signals, answer);
  judgement.confidence = reading.confidence;
  judgement.alarm = reading.alarm;
  policy::WeakAnswer weak{.prob_right = std::nullopt, .alarm = !reading.alarm.empty()};
  if (reading.confidence) weak.prob_right = cascade.map.apply(*reading.confidence);
  judgement.verdict = policy::judge_weak_answer(rule, weak);
  opened.first_content_us = clock.steady_us();
  co_return judgement;
}

http::Task<void> escalate(Gateway& gateway, http::Exchange& exchange, const Decided& decided,
                          upstream::Outcome& outcome, Judgement& judgement) {
  upstream::Outcome weak = std::move(outcome);
  CallWish wish;
  wish.first = 1;
  outcome = co_await call_models(gateway, exchange, decided, wish);
  outcome.waited_us += weak.waited_us;
  const auto strong_attempts = static_cast<ptrdiff_t>(outcome.attempts.size());
  outcome.attempts.insert(outcome.attempts.begin(), weak.attempts.begin(), weak.attempts.end());
  const auto weak_end = outcome.attempts.end() - strong_attempts;
  if (outcome.failed) {
    // An answer in hand is better than none; its attempt becomes the last again.
    std::rotate(weak_end - 1, weak_end, outcome.attempts.end());
    outcome.failed.reset();
    outcome.opened = std::move(weak.opened);
    outcome.opened->first_content_us = exchange.worker().clock().steady_us();
    outcome.dropped = std::move(weak.dropped);
    judgement.strong_failed = true;
    co_return;
  }
  (weak_end - 1)->usage = usage_of(*weak.opened, decided.chat);
}

void add_cascade_headers(const Judgement& judgement, http::Headers& headers) {
  if (!judgement.verdict) return;
  headers.add("x-weir-cascade", judgement.text());
  if (judgement.confidence)
    headers.add("x-weir-weak-confidence", fmt::format("{:.4f}", *judgement.confidence));
  if (!judgement.alarm.empty()) headers.add("x-weir-cascade-alarm", judgement.alarm);
}

}  // namespace weir::gateway
