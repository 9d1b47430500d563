#include "gateway/evidence.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "gateway/router_llm.h"

namespace weir::gateway {
namespace {

constexpr int64_t kAskTimeoutMs = 2'000;
constexpr size_t kAnswerLimit = 4 << 20;

std::expected<std::vector<float>, Error> read_embedding(const json::Value& answer) {
  std::vector<float> embedding;
  for (const json::Value number : answer["data"].at(0)["embedding"]) {
    const auto value = number.as_double();
    if (!value) return fail(ErrorCode::kCorrupt, "the embedding holds something else than numbers");
    embedding.push_back(static_cast<float>(*value));
  }
  if (embedding.empty()) return fail(ErrorCode::kCorrupt, "the answer holds no embedding");
  return embedding;
}

http::Task<std::expected<std::string, Error>> post(http::Exchange& exchange, const EmbedUrl& to,
                                                   std::string_view words,
                                                   store::CallRecord& call) {
  json::Writer body;
  body.begin_object().member("model", to.model).member("input", words).end_object();
  http::ClientRequest request;
  request.target = "/embeddings";
  request.body = body.take();
  request.headers.add("content-type", "application/json");
  if (!to.api_key.empty()) request.headers.add("authorization", "Bearer " + to.api_key);
  http::CallLimits limits;
  limits.deadline = exchange.request().deadline.earlier(
      Deadline::after_ms(exchange.worker().clock(), kAskTimeoutMs));
  auto response =
      co_await exchange.worker().client().send(to.endpoint, request, limits, exchange.gone());
  if (!response) co_return std::unexpected(response.error());
  call.status = (*response)->status();
  if (call.status != 200)
    co_return fail(ErrorCode::kUnsupported,
                   fmt::format("the embeddings endpoint answered {}", call.status));
  co_return co_await (*response)->read_all(kAnswerLimit);
}

// Fills what the answer says; false and a failure when it is not an embedding.
void read_answer(const Snapshot& snapshot, const EmbedUrl& to, std::string body,
                 Evidence& evidence) {
  const auto document = json::Document::parse(std::move(body));
  auto embedding =
      document ? read_embedding(document->root())
               : std::expected<std::vector<float>, Error>(std::unexpected(document.error()));
  if (!embedding) {
    evidence.failure = embedding.error();
    return;
  }
  evidence.embedding = std::move(*embedding);
  store::CallRecord& call = evidence.calls.back();
  if (const auto tokens = document->root()["usage"]["prompt_tokens"].as_int64()) {
    call.usage.input_tokens = *tokens;
    call.usage.source = catalog::UsageSource::kReported;
  }
  const catalog::Price price = snapshot.options().catalog.get_or_unknown(to.model).price;
  call.price_version = price.version;
  call.cost_nanousd = catalog::cost_nanousd(price, call.usage);
}

http::Task<void> encode(const Scorer& scorer, std::string_view words, Evidence& evidence) {
  std::string text(words);
  auto vector = co_await scorer.encode_pool->encode(scorer.encoder, std::move(text));
  if (vector)
    evidence.embedding = std::move(*vector);
  else
    evidence.failure = std::move(vector.error());
}

http::Task<void> ask_judge(http::Exchange& exchange, const Snapshot& snapshot, Random& random,
                           const RouterModel& judge, std::string_view words, Evidence& evidence) {
  RouterQuestion question{.worker = exchange.worker(),
                          .random = random,
                          .gone = exchange.gone(),
                          .deadline = exchange.request().deadline,
                          .words = words,
                          .instance = snapshot.instance(),
                          .hops = exchange.request().headers.get(upstream::kHopHeader)};
  RouterAnswer answer = co_await ask_router_model(judge, question);
  evidence.calls = std::move(answer.calls);
  if (answer.numbers)
    evidence.embedding = std::move(*answer.numbers);
  else
    evidence.failure = std::move(answer.numbers.error());
}

}  // namespace

http::Task<Evidence> ask(http::Exchange& exchange, const Snapshot& snapshot, Random& random,
                         const Asked& asked, const policy::Inputs& inputs, std::string_view words) {
  Evidence evidence;
  if (asked.kind == Asked::Kind::kNamed || !asked.route->scorer || words.empty())
    co_return evidence;
  const std::optional<EmbedUrl>& to = asked.route->scorer->embed_url;
  const RouterModel* judge = asked.route->scorer->router_model.get();
  const bool encoded = asked.route->scorer->encoder != nullptr;
  if ((!to && judge == nullptr && !encoded) || !policy::needs_score(inputs)) co_return evidence;
  const Clock& clock = exchange.worker().clock();
  const int64_t begin_us = clock.steady_us();
  if (encoded) {
    co_await encode(*asked.route->scorer, words, evidence);
    evidence.waited_us = clock.steady_us() - begin_us;
    co_return evidence;
  }
  if (judge != nullptr) {
    co_await ask_judge(exchange, snapshot, random, *judge, words, evidence);
    evidence.waited_us = clock.steady_us() - begin_us;
    co_return evidence;
  }
  store::CallRecord& call = evidence.calls.emplace_back();
  call.role = store::CallRole::kRouter;
  call.provider = to->endpoint.host;
  call.model = to->model;
  call.started_us = clock.unix_us();
  auto body = co_await post(exchange, *to, words, call);
  evidence.waited_us = call.duration_us = clock.steady_us() - begin_us;
  if (body)
    read_answer(snapshot, *to, std::move(*body), evidence);
  else
    evidence.failure = body.error();
  call.outcome = evidence.failure ? to_string(evidence.failure->code) : "ok";
  co_return evidence;
}

}  // namespace weir::gateway
