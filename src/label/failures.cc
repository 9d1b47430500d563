#include "label/failures.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "http/client.h"
#include "quality/command.h"

namespace weir::label {
namespace {

using quality::Checked;
using quality::Checker;
using quality::CheckKind;
using quality::Outcome;

constexpr int64_t kCommandPollMs = 5;
constexpr int64_t kUrlLimitMs = 30'000;
constexpr size_t kUrlAnswerBytes = 64 << 10;
constexpr size_t kQuoted = 60;

http::Task<Checked> ask_command(Caller& caller, const Checker& checker, const Query& query,
                                const std::string& answer) {
  const std::vector<std::pair<std::string, std::string>> environment{
      {"WEIR_QUERY", query.text}, {"WEIR_REFERENCE", query.reference}};
  auto run = quality::CommandRun::start(checker.argv(), answer, {}, environment);
  if (!run) {
    Checked failed{Outcome::kUnknown, run.error().message};
    co_return failed;
  }
  for (;;) {
    const auto end = run->poll();
    if (end) co_return quality::judge_command(end->status, end->output);
    const bool waited = co_await caller.worker().sleep(kCommandPollMs, caller.cancelled());
    if (waited) continue;
    Checked cancelled{Outcome::kUnknown, "interrupted"};
    co_return cancelled;
  }
}

http::Task<Checked> ask_url(Caller& caller, const Checker& checker, const Query& query,
                            const std::string& answer) {
  Checked failed{Outcome::kUnknown, ""};
  const auto endpoint = http::Endpoint::parse(checker.url());
  if (!endpoint) {
    failed.why = endpoint.error().message;
    co_return failed;
  }
  http::ClientRequest request;
  request.headers.add("Content-Type", "application/json");
  request.body = quality::outside_request(query.text, answer, query.reference);
  http::CallLimits limits;
  limits.deadline = Deadline::after_ms(caller.worker().clock(), kUrlLimitMs);
  auto response =
      co_await caller.worker().client().send(*endpoint, request, limits, caller.cancelled());
  if (!response) {
    failed.why = response.error().message;
    co_return failed;
  }
  auto body = co_await (*response)->read_all(kUrlAnswerBytes);
  if (!body) {
    failed.why = body.error().message;
    co_return failed;
  }
  co_return quality::judge_http((*response)->status(), *body);
}

}  // namespace

http::Task<Checked> check_answer(Caller& caller, const Checker& checker, const Query& query,
                                 const std::string& answer) {
  Checker used = checker;
  if (!query.checker.empty()) {
    auto own = Checker::parse(query.checker);
    if (!own) {
      Checked failed{Outcome::kUnknown, own.error().message};
      co_return failed;
    }
    used = *std::move(own);
  }
  if (!used.asks_outside()) co_return used.check(answer, query.reference);
  Checked present = quality::check_presence(answer);
  if (present.outcome == Outcome::kEmpty) co_return present;
  const bool command = used.kind() == CheckKind::kCommand;
  Checked checked;
  if (command)
    checked = co_await ask_command(caller, used, query, answer);
  else
    checked = co_await ask_url(caller, used, query, answer);
  const bool refused = !checked.good() && checked.outcome != Outcome::kUnknown && !present.good();
  co_return refused ? present : checked;
}

std::expected<void, Error> verify_checkers(const Checker& checker,
                                           const std::vector<Query>& queries) {
  for (const Query& query : queries) {
    Checker used = checker;
    const auto named = [&] {
      return fmt::format("the query '{}'",
                         query.id.empty() ? query.text.substr(0, kQuoted) : query.id);
    };
    if (!query.checker.empty()) {
      auto own = Checker::parse(query.checker);
      if (!own) return fail(own.error().code, fmt::format("{}: {}", named(), own.error().message));
      used = *std::move(own);
    }
    if (used.needs_reference() && query.reference.empty())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("checker '{}' needs a right answer, and {} has none: add "
                              "`reference` to its row",
                              used.text(), named()));
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> FailureSearch::settings() const {
  return {{"weak_model", options_.weak.text()}, {"checker", options_.checker.text()}};
}

http::Task<std::expected<RowMembers, CallFailure>> FailureSearch::work(Caller& caller,
                                                                       const Query& query,
                                                                       Spend& spend) const {
  auto asked = co_await caller.ask(options_.weak, query.text, options_.max_tokens, spend);
  if (!asked) co_return std::unexpected(std::move(asked).error());
  auto reply = std::make_shared<Reply>(*std::move(asked));
  auto checked = std::make_shared<Checked>();
  *checked = co_await check_answer(caller, options_.checker, query, reply->text);
  co_return RowMembers([reply, checked](json::Writer& row) {
    row.key("label");
    if (checked->outcome == Outcome::kUnknown)
      row.null();
    else
      row.value(checked->good() ? 0 : 1);
    row.member("outcome", quality::to_string(checked->outcome));
    if (!checked->why.empty()) row.member("why", checked->why);
    row.member("weak_response", reply->text);
    if (reply->truncated) row.member("weak_truncated", true);
  });
}

std::expected<FailureSummary, Error> summarize_failures(const std::vector<std::string>& rows) {
  FailureSummary sum;
  const std::pair<Outcome, int64_t FailureSummary::*> counts[] = {
      {Outcome::kGood, &FailureSummary::good},
      {Outcome::kWrong, &FailureSummary::wrong},
      {Outcome::kWrongFormat, &FailureSummary::wrong_format},
      {Outcome::kRefused, &FailureSummary::refused},
      {Outcome::kEmpty, &FailureSummary::empty},
      {Outcome::kUnknown, &FailureSummary::unknown}};
  for (const std::string& line : rows) {
    TRY_ASSIGN(const json::Document document, json::Document::parse(line));
    ++sum.rows;
    const std::string outcome = document.root()["outcome"].string_or("");
    for (const auto& [kind, count] : counts)
      if (outcome == quality::to_string(kind)) ++(sum.*count);
    sum.weak_usd += document.root()["cost_usd"].as_double().value_or(0);
  }
  return sum;
}

}  // namespace weir::label
