#include "label/caller.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "upstream/call.h"
#include "upstream/retry.h"
#include "wire/chat.h"

namespace weir::label {
namespace {

using wire::FailureClass;

// What chat templates put around a message.
constexpr int64_t kTemplateTokens = 64;
constexpr int64_t kBudgetPollMs = 5;
constexpr size_t kAnswerLimitBytes = 16 << 20;
constexpr std::string_view kOpenAiHost = "api.openai.com";

std::string chat_body(const Model& model, const std::string& prompt, int64_t max_tokens) {
  // OpenAI's newer models know only the newer word, most other servers only the older one.
  const bool openai = model.provider.endpoint.host == kOpenAiHost;
  json::Writer out;
  out.begin_object().member("model", model.name).key("messages").begin_array();
  out.begin_object().member("role", "user").member("content", prompt).end_object().end_array();
  out.member(openai ? "max_completion_tokens" : "max_tokens", max_tokens).end_object();
  return out.take();
}

bool is_fatal(FailureClass failure) {
  return failure == FailureClass::kCredential || failure == FailureClass::kQuota ||
         failure == FailureClass::kModelGone;
}

// The answer's text, in the shape of OpenAI's dialect, which is what was asked in.
std::string text_of(const std::string& body) {
  const auto document = json::Document::parse(body);
  if (!document) return "";
  const json::Value choices = document->root()["choices"];
  if (!choices.is_array() || choices.size() == 0) return "";
  return choices.at(0)["message"]["content"].string_or("");
}

Reply make_reply(const Model& model, const upstream::Opened& opened, int64_t worst_nanousd) {
  const wire::Answer& answer = *opened.whole;
  Reply reply;
  reply.text = text_of(answer.body);
  reply.usage = answer.usage;
  reply.truncated = answer.finish_reason == "length" || answer.finish_reason == "max_tokens";
  reply.served_by = opened.headers.get("x-weir-model");
  const auto cost = catalog::cost_nanousd(model.price, answer.usage);
  const bool counted = answer.usage.source != catalog::UsageSource::kNone;
  // An answer without usage costs what it can have cost at most.
  reply.cost_nanousd = counted ? cost.value_or(0) : worst_nanousd;
  return reply;
}

}  // namespace

struct Caller::Tried {
  std::optional<Reply> reply;
  FailureClass failure = FailureClass::kBroken;
  std::string message = {};
  bool cancelled = false;
  bool worth_retrying = false;
  std::optional<int64_t> asked_wait_ms = {};
};

int64_t worst_case_nanousd(const Model& model, size_t prompt_bytes, int64_t max_tokens) {
  int64_t input = 0, output = 0;
  for (const catalog::PriceTier& tier : model.price.tiers) {
    input = std::max({input, tier.input_picousd, tier.cache_write_picousd.value_or(0),
                      tier.cache_write_1h_picousd.value_or(0)});
    output = std::max(output, tier.output_picousd);
  }
  const int64_t tokens = static_cast<int64_t>(prompt_bytes) + kTemplateTokens;
  return (tokens * input + max_tokens * output + 999) / 1000;
}

http::Task<bool> Caller::reserve(int64_t nanousd) {
  while (!budget_.reserve(nanousd)) {
    // Calls under way may settle for less than they reserved.
    if (!budget_.may_fit(nanousd)) co_return false;
    const bool waited = co_await worker_.sleep(kBudgetPollMs, cancelled_);
    if (!waited) co_return false;
  }
  co_return true;
}

http::Task<Caller::Tried> Caller::try_once(const Model& model, const std::string& body,
                                           int64_t worst_nanousd, Spend& spend) {
  Tried tried;
  auto chat = wire::decode_chat(wire::Dialect::kOpenAi, body);
  if (!chat) {
    tried.failure = FailureClass::kCaller;
    tried.message = chat.error().message;
    budget_.settle(worst_nanousd, 0);
    co_return tried;
  }
  http::Request request;
  request.deadline = Deadline::after_ms(worker_.clock(), options_.timeout_ms);
  upstream::Provider provider = model.provider;
  provider.max_retries = 0;  // tries are made and paid for here
  upstream::Target target;
  target.provider = &provider;
  target.model = model.name;
  upstream::CallSettings settings;
  settings.idle_timeout_ms = options_.timeout_ms;
  settings.answer_limit_bytes = kAnswerLimitBytes;
  ++calls_;
  // Named, not a braced temporary: see http/task.h.
  upstream::Call call{.worker = worker_,
                      .random = random_,
                      .gone = cancelled_,
                      .request = request,
                      .chat = *chat,
                      .targets = {&target, 1},
                      .settings = settings,
                      .instance = "weir-label",
                      .request_id = "label"};
  upstream::Outcome outcome = co_await upstream::call(call);
  if (outcome.opened) {
    tried.reply = make_reply(model, *outcome.opened, worst_nanousd);
    budget_.settle(worst_nanousd, tried.reply->cost_nanousd);
    spend.nanousd += tried.reply->cost_nanousd;
    co_return tried;
  }
  // An error status is not billed; silence, a cut or garbage may be.
  const int status = outcome.attempts.empty() ? 0 : outcome.attempts.back().status;
  const bool uncertain = !outcome.attempts.empty() && status < 400;
  budget_.settle(worst_nanousd, uncertain ? worst_nanousd : 0);
  spend.uncertain_nanousd += uncertain ? worst_nanousd : 0;
  tried.cancelled = !outcome.failed;
  if (!outcome.failed) co_return tried;
  tried.failure = outcome.failed->failure.failure_class;
  tried.message = outcome.failed->failure.message;
  tried.worth_retrying = outcome.failed->failure.worth_retrying();
  tried.asked_wait_ms =
      upstream::retry_after_ms(outcome.failed->headers, worker_.clock().unix_us());
  co_return tried;
}

http::Task<std::expected<Reply, CallFailure>> Caller::ask(const Model& model,
                                                          const std::string& prompt,
                                                          int64_t max_tokens, Spend& spend) {
  using Kind = CallFailure::Kind;
  const std::string body = chat_body(model, prompt, max_tokens);
  const int64_t worst = worst_case_nanousd(model, body.size(), max_tokens);
  for (int retry = 0;; ++retry) {
    const bool granted = co_await reserve(worst);
    if (!granted) {
      CallFailure failure{cancelled_.cancelled() ? Kind::kCancelled : Kind::kBudget, ""};
      co_return std::unexpected(std::move(failure));
    }
    Tried tried = co_await try_once(model, body, worst, spend);
    if (tried.reply) co_return *std::move(tried.reply);
    CallFailure failure{is_fatal(tried.failure) ? Kind::kFatal : Kind::kFailed,
                        model.text() + ": " + tried.message};
    if (tried.cancelled) failure.kind = Kind::kCancelled;
    const bool again = retry < options_.retries && tried.worth_retrying && !tried.cancelled;
    const bool too_long = tried.asked_wait_ms.value_or(0) > options_.retry_after_limit_ms;
    if (!again || too_long) co_return std::unexpected(std::move(failure));
    ++retried_;
    const int64_t wait_ms = upstream::retry_wait_ms(tried.asked_wait_ms, retry, random_);
    const bool waited = co_await worker_.sleep(wait_ms, cancelled_);
    if (!waited) {
      failure.kind = Kind::kCancelled;
      co_return std::unexpected(std::move(failure));
    }
  }
}

}  // namespace weir::label
