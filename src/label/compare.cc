#include "label/compare.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "quality/extract.h"

namespace weir::label {
namespace {

using quality::JudgeForm;
using quality::Preference;

enum class Winner { kWeak, kStrong, kSame };

std::string_view to_string(Winner winner) {
  switch (winner) {
    case Winner::kWeak:
      return "weak";
    case Winner::kStrong:
      return "strong";
    case Winner::kSame:
      break;
  }
  return "same";
}

Winner winner_of(Preference preference, bool weak_first) {
  if (preference == Preference::kSame) return Winner::kSame;
  return (preference == Preference::kFirst) == weak_first ? Winner::kWeak : Winner::kStrong;
}

struct Verdict {
  bool weak_first = true;
  std::optional<Winner> winner;  // nullopt: the judge's words were no verdict
  std::string text;
};

}  // namespace

// All that is known of one query.
struct Comparison::Case {
  const Query& query;
  Spend& spend;
  Reply weak = {}, strong = {};
  std::vector<Verdict> verdicts = {};
  int64_t judge_nanousd = 0;
  int64_t malformed = 0;
  std::optional<Winner> winner = {};
  bool discordant = false;
  std::string undecided = {};  // why there is no winner

  void write(json::Writer& row) const;
};

void Comparison::Case::write(json::Writer& row) const {
  row.key("label");
  if (winner)
    row.value(*winner == Winner::kStrong ? 1 : 0);
  else
    row.null();
  row.key("verdict");
  if (!winner)
    row.null();
  else
    row.value(*winner == Winner::kStrong ? "meaningfully_worse"
              : *winner == Winner::kWeak ? "better"
                                         : "same");
  row.member("discordant", discordant);
  if (!undecided.empty()) row.member("undecided", undecided);
  row.member("weak_response", weak.text).member("strong_response", strong.text);
  if (weak.truncated) row.member("weak_truncated", true);
  if (strong.truncated) row.member("strong_truncated", true);
  row.key("verdicts").begin_array();
  for (const Verdict& verdict : verdicts) {
    row.begin_object().member("first", verdict.weak_first ? "weak" : "strong").key("winner");
    if (verdict.winner)
      row.value(to_string(*verdict.winner));
    else
      row.null();
    row.member("text", verdict.text).end_object();
  }
  row.end_array().member("malformed", malformed);
  row.key("costs_usd").begin_object();
  row.raw_member("weak", catalog::format_usd(weak.cost_nanousd));
  row.raw_member("strong", catalog::format_usd(strong.cost_nanousd));
  row.raw_member("judge", catalog::format_usd(judge_nanousd)).end_object();
}

int64_t most_verdict_nanousd(const Judge& judge, const Query& query, int answers,
                             int64_t answer_tokens) {
  constexpr size_t kFrameBytes = 2'000;  // the rubric that ships and the lines around the texts
  constexpr int64_t kBytesPerToken = 6;  // of answers: more than usual
  const size_t prompt_bytes = kFrameBytes + judge.rubric.size() + query.text.size() +
                              query.reference.size() +
                              static_cast<size_t>(answers * answer_tokens * kBytesPerToken);
  return worst_case_nanousd(judge.model, prompt_bytes, judge.max_tokens);
}

int64_t Comparison::most_nanousd(const Query& query) const {
  const int orders = options_.judge.form == JudgeForm::kYesNo ? 1 : 2;
  constexpr size_t kFrameBytes = 200;
  const size_t bytes = query.text.size() + kFrameBytes;
  return worst_case_nanousd(options_.weak, bytes, options_.max_tokens) +
         worst_case_nanousd(options_.strong, bytes, options_.max_tokens) +
         orders * most_verdict_nanousd(options_.judge, query, 2, options_.max_tokens);
}

std::vector<std::pair<std::string, std::string>> Comparison::settings() const {
  const Judge& judge = options_.judge;
  return {{"weak_model", options_.weak.text()},
          {"strong_model", options_.strong.text()},
          {"judge", judge.model.text()},
          {"judge_style", judge.form == JudgeForm::kYesNo ? "yesno" : "rubric"},
          {"rubric", judge.rubric.empty() ? "weir 1" : to_hex(sha256(judge.rubric)).substr(0, 16)}};
}

http::Task<std::expected<RowMembers, CallFailure>> Comparison::work(Caller& caller,
                                                                    const Query& query,
                                                                    Spend& spend) const {
  auto one = std::make_shared<Case>(Case{.query = query, .spend = spend});
  auto weak = co_await caller.ask(options_.weak, query.text, options_.max_tokens, spend);
  if (!weak) co_return std::unexpected(std::move(weak).error());
  one->weak = *std::move(weak);
  auto strong = co_await caller.ask(options_.strong, query.text, options_.max_tokens, spend);
  if (!strong) co_return std::unexpected(std::move(strong).error());
  one->strong = *std::move(strong);
  if (quality::trimmed(one->strong.text).empty()) {
    one->undecided = "the strong model's answer is empty";
  } else if (options_.judge.form == JudgeForm::kYesNo) {
    auto judged = co_await judge_yes_no(caller, *one);
    if (!judged) co_return std::unexpected(std::move(judged).error());
  } else {
    auto judged = co_await judge(caller, *one);
    if (!judged) co_return std::unexpected(std::move(judged).error());
  }
  co_return RowMembers([one](json::Writer& row) { one->write(row); });
}

http::Task<std::expected<void, CallFailure>> Comparison::judge(Caller& caller, Case& one) const {
  const SipKey key{options_.seed, 0};
  const bool weak_first = (siphash(key, one.query.text) & 1) == 0;
  auto first = co_await judge_order(caller, weak_first, one);
  if (!first) co_return std::unexpected(std::move(first).error());
  const std::optional<Winner> before = one.verdicts.back().winner;
  one.winner = before;
  if (!before) one.undecided = "the judge gave no verdict";
  if (!before || *before == Winner::kSame) co_return std::expected<void, CallFailure>();
  auto second = co_await judge_order(caller, !weak_first, one);
  if (!second) co_return std::unexpected(std::move(second).error());
  const std::optional<Winner> after = one.verdicts.back().winner;
  if (!after) {
    one.winner.reset();
    one.undecided = "the judge gave no verdict in the second order";
  } else if (*after != *before) {
    one.winner = Winner::kSame;
    one.discordant = true;
  }
  co_return std::expected<void, CallFailure>();
}

http::Task<std::expected<void, CallFailure>> Comparison::judge_order(Caller& caller,
                                                                     bool weak_first,
                                                                     Case& one) const {
  const Judge& judge = options_.judge;
  quality::JudgeTask task;
  task.query = one.query.text;
  task.reference = one.query.reference;
  task.first = weak_first ? one.weak.text : one.strong.text;
  task.second = weak_first ? one.strong.text : one.weak.text;
  task.rubric = judge.rubric;
  const std::string prompt = quality::judge_prompt(task);
  for (int i = 0; i < judge.tries; ++i) {
    auto reply = co_await caller.ask(judge.model, prompt, judge.max_tokens, one.spend);
    if (!reply) co_return std::unexpected(std::move(reply).error());
    one.judge_nanousd += reply->cost_nanousd;
    const auto preference = quality::read_preference(reply->text);
    Verdict verdict;
    verdict.weak_first = weak_first;
    verdict.text = std::move(reply->text);
    if (preference) verdict.winner = winner_of(*preference, weak_first);
    one.verdicts.push_back(std::move(verdict));
    if (preference) break;
    ++one.malformed;
  }
  co_return std::expected<void, CallFailure>();
}

http::Task<std::expected<void, CallFailure>> Comparison::judge_yes_no(Caller& caller,
                                                                      Case& one) const {
  const Judge& judge = options_.judge;
  quality::JudgeTask task;
  task.form = JudgeForm::kYesNo;
  task.query = one.query.text;
  task.reference = one.query.reference;
  task.first = one.weak.text;
  task.second = one.strong.text;
  const std::string prompt = quality::judge_prompt(task);
  for (int i = 0; i < judge.tries; ++i) {
    auto reply = co_await caller.ask(judge.model, prompt, judge.max_tokens, one.spend);
    if (!reply) co_return std::unexpected(std::move(reply).error());
    one.judge_nanousd += reply->cost_nanousd;
    const auto yes = quality::read_yes_no(reply->text);
    if (yes) one.winner = *yes ? Winner::kStrong : Winner::kSame;
    Verdict verdict;
    verdict.winner = one.winner;
    verdict.text = std::move(reply->text);
    one.verdicts.push_back(std::move(verdict));
    if (yes) co_return std::expected<void, CallFailure>();
    ++one.malformed;
  }
  one.undecided = "the judge said neither YES nor NO";
  co_return std::expected<void, CallFailure>();
}

namespace {

// How much a swapped pair favours the first place: 1 when it won both times, 0 when it lost both.
std::optional<double> first_place_share(json::Value verdicts) {
  double points = 0;
  int orders[2] = {0, 0};
  for (const json::Value verdict : verdicts) {
    const std::string winner = verdict["winner"].string_or("");
    if (winner.empty()) continue;
    const std::string first = verdict["first"].string_or("");
    ++orders[first == "weak" ? 0 : 1];
    points += winner == "same" ? 0.5 : winner == first ? 1 : 0;
  }
  if (orders[0] != 1 || orders[1] != 1) return std::nullopt;
  return points / 2;
}

}  // namespace

std::expected<CompareSummary, Error> summarize_comparison(const std::vector<std::string>& rows) {
  CompareSummary sum;
  double shares = 0, squares = 0;
  for (const std::string& line : rows) {
    TRY_ASSIGN(const json::Document document, json::Document::parse(line));
    const json::Value row = document.root();
    ++sum.rows;
    const std::string verdict = row["verdict"].string_or("");
    sum.strong_needed += verdict == "meaningfully_worse" ? 1 : 0;
    sum.weak_better += verdict == "better" ? 1 : 0;
    sum.same += verdict == "same" ? 1 : 0;
    sum.undecided += verdict.empty() ? 1 : 0;
    sum.discordant += row["discordant"].as_bool().value_or(false) ? 1 : 0;
    const int64_t malformed = row["malformed"].as_int64().value_or(0);
    sum.malformed += malformed;
    sum.verdicts += static_cast<int64_t>(row["verdicts"].size()) - malformed;
    sum.weak_usd += row["costs_usd"]["weak"].as_double().value_or(0);
    sum.strong_usd += row["costs_usd"]["strong"].as_double().value_or(0);
    sum.judge_usd += row["costs_usd"]["judge"].as_double().value_or(0);
    const auto share = first_place_share(row["verdicts"]);
    if (!share) continue;
    ++sum.swapped_pairs;
    shares += *share;
    squares += *share * *share;
  }
  if (sum.swapped_pairs > 0) {
    const auto n = static_cast<double>(sum.swapped_pairs);
    const double mean = shares / n;
    const double variance = std::max(0.0, squares / n - mean * mean);
    sum.position_bias = mean - 0.5;
    sum.position_bias_half = 1.96 * std::sqrt(variance / n);
  }
  return sum;
}

}  // namespace weir::label
