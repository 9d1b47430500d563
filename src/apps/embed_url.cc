#include "apps/embed_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "apps/ask_router.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/client.h"
#include "http/server.h"
#include "model/answer_routers.h"

namespace weir::apps {
namespace {

constexpr size_t kAnswerLimit = size_t{64} << 20;
constexpr int64_t kCallLimitMs = 120'000;
constexpr int kTries = 3;
constexpr int64_t kFirstPauseMs = 500;
constexpr size_t kQuotedMessage = 300;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

http::ClientOptions client_options() {
  http::ClientOptions options;
  options.https_proxy = environment("HTTPS_PROXY");
  options.http_proxy = environment("HTTP_PROXY");
  options.no_proxy = environment("NO_PROXY");
  return options;
}

std::string request_body(const EmbedEndpoint& endpoint, std::span<const std::string* const> texts) {
  json::Writer out;
  out.begin_object().member("model", endpoint.model).key("input").begin_array();
  for (const std::string* text : texts)
    out.value(*text);
  out.end_array().member("encoding_format", "float").end_object();
  return out.take();
}

std::unexpected<Error> status_failure(int status, const std::string& body) {
  std::string message = body;
  if (const auto document = json::Document::parse(body)) {
    const json::Value error = document->root()["error"];
    message = error.is_object() ? error["message"].string_or(body) : error.string_or(body);
  }
  const ErrorCode code =
      status == 401 || status == 403 ? ErrorCode::kUnauthorized : ErrorCode::kUnsupported;
  return fail(code, fmt::format("status {}: {}", status, message.substr(0, kQuotedMessage)));
}

// Writes one row of `out`; the first row of all sets the dimension.
std::expected<void, Error> take_vector(json::Value embedding, size_t row, size_t rows,
                                       Vectors& out) {
  if (!embedding.is_array()) return fail(ErrorCode::kCorrupt, "an 'embedding' is no list");
  const size_t dimension = embedding.size();
  if (out.dimension == 0) {
    if (dimension == 0 || dimension > model::kMaxDimension)
      return fail(ErrorCode::kCorrupt, fmt::format("vectors of {} numbers", dimension));
    out.dimension = static_cast<uint32_t>(dimension);
    out.values.assign(rows * dimension, 0);
  }
  if (dimension != out.dimension) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("vectors of {} and of {} numbers", out.dimension, dimension));
  }
  float* target = out.values.data() + row * dimension;
  for (const json::Value element : embedding) {
    const auto number = element.as_double();
    const float value = number ? static_cast<float>(*number) : 0;
    if (!number || !std::isfinite(value))
      return fail(ErrorCode::kCorrupt, "a vector holds something else than finite numbers");
    *target++ = value;
  }
  return {};
}

std::expected<void, Error> take_answer(const std::string& body, std::span<const size_t> rows,
                                       size_t all_rows, Vectors& out) {
  TRY_ASSIGN(const json::Document document, json::Document::parse(body));
  const json::Value data = document.root()["data"];
  if (!data.is_array() || data.size() != rows.size()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("asked for {} vectors, the answer has {}", rows.size(), data.size()));
  }
  std::vector<char> seen(rows.size(), 0);
  size_t position = 0;
  for (const json::Value item : data) {
    const auto index = item["index"].as_int64().value_or(static_cast<int64_t>(position++));
    if (index < 0 || static_cast<size_t>(index) >= rows.size() ||
        std::exchange(seen[static_cast<size_t>(index)], 1) != 0)
      return fail(ErrorCode::kCorrupt, "the answer's 'index' values are not those asked for");
    TRY(take_vector(item["embedding"], rows[static_cast<size_t>(index)], all_rows, out));
  }
  return {};
}

struct Answer {
  int status = 0;
  std::string body;
};

http::Task<std::expected<Answer, Error>> ask_once(http::Worker& worker,
                                                  const http::Endpoint& endpoint,
                                                  const http::ClientRequest& request) {
  http::Cancellation never;
  const http::CallLimits limits{.deadline = Deadline::after_ms(worker.clock(), kCallLimitMs)};
  CO_TRY_ASSIGN(const auto response,
                co_await worker.client().send(endpoint, request, limits, never));
  CO_TRY_ASSIGN(std::string body, co_await response->read_all(kAnswerLimit));
  co_return Answer{response->status(), std::move(body)};
}

bool worth_another_try(const std::expected<Answer, Error>& answer) {
  if (!answer)
    return answer.error().code == ErrorCode::kConnection ||
           answer.error().code == ErrorCode::kTimeout;
  return answer->status == 429 || answer->status >= 500;
}

http::Task<std::expected<std::string, Error>> ask(http::Worker& worker,
                                                  const http::Endpoint& endpoint,
                                                  const http::ClientRequest& request) {
  http::Cancellation never;
  int64_t pause_ms = kFirstPauseMs;
  for (int attempt = 1;; ++attempt, pause_ms *= 2) {
    auto answer = co_await ask_once(worker, endpoint, request);
    if (attempt < kTries && worth_another_try(answer)) {
      co_await worker.sleep(pause_ms, never);
      continue;
    }
    if (!answer) co_return std::unexpected(std::move(answer).error());
    if (answer->status != 200) co_return status_failure(answer->status, answer->body);
    co_return std::move(answer->body);
  }
}

http::Task<std::expected<void, Error>> embed_all(http::Worker& worker,
                                                 const EmbedEndpoint& endpoint,
                                                 std::span<const std::string> texts, Vectors& out) {
  CO_TRY_ASSIGN(const http::Endpoint target, http::Endpoint::parse(endpoint.url));
  http::ClientRequest request{.target = "/embeddings", .headers = {}, .body = {}};
  request.headers.add("Content-Type", "application/json");
  if (!endpoint.key.empty()) request.headers.add("Authorization", "Bearer " + endpoint.key);
  std::vector<size_t> rows;
  std::vector<const std::string*> batch;
  for (size_t row = 0; row < texts.size(); ++row) {
    if (!texts[row].empty()) {
      rows.push_back(row);
      batch.push_back(&texts[row]);
    }
    if (batch.size() < kEmbedBatchTexts && row + 1 < texts.size()) continue;
    if (batch.empty()) continue;
    request.body = request_body(endpoint, batch);
    CO_TRY_ASSIGN(const std::string body, co_await ask(worker, target, request));
    CO_TRY(take_answer(body, rows, texts.size(), out));
    rows.clear();
    batch.clear();
  }
  co_return std::expected<void, Error>();
}

}  // namespace

std::string embed_key_for(const std::string& url) {
  if (std::string key = environment("WEIR_EMBED_API_KEY"); !key.empty()) return key;
  const auto endpoint = http::Endpoint::parse(url);
  return endpoint && endpoint->host == "api.openai.com" ? environment("OPENAI_API_KEY") : "";
}

std::expected<Vectors, Error> embed_texts(const EmbedEndpoint& endpoint,
                                          std::span<const std::string> texts) {
  Vectors vectors;
  std::expected<void, Error> done;
  http::run_on_worker(client_options(), [&](http::Worker& worker) -> http::Task<void> {
    done = co_await embed_all(worker, endpoint, texts, vectors);
  });
  if (done) return vectors;
  return fail(done.error().code,
              fmt::format("embeddings from {}: {}", endpoint.url, done.error().message));
}

std::expected<std::vector<model::Score>, Error> score_texts(const model::Router& router,
                                                            std::span<const std::string> texts) {
  if (router.kind() == model::Kind::kCascade)
    return fail(ErrorCode::kUnsupported,
                "a cascade judges answers, not queries: every query goes to the weak model first; "
                "try it with weir cascade");
  if (model::is_answer_kind(router.kind()) && router.trained())
    return score_by_asking(router, texts);
  std::vector<model::Score> scores;
  model::Scratch scratch;
  const model::EmbedSource& source = router.embed_source();
  if (source.from != model::EmbedFrom::kUrl || !router.trained()) {
    for (const std::string& text : texts)
      scores.push_back(router.score(text, scratch));
    return scores;
  }
  TRY_ASSIGN(const Vectors vectors,
             embed_texts({source.url, source.model, embed_key_for(source.url)}, texts));
  if (vectors.dimension != 0 && vectors.dimension != source.dimension) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} now gives vectors of {} numbers, but the router was trained on {}",
                            source.url, vectors.dimension, source.dimension));
  }
  const std::span<const float> values(vectors.values);
  for (size_t row = 0; row < texts.size(); ++row) {
    scores.push_back(
        texts[row].empty()
            ? model::Score{}
            : router.score_embedding(values.subspan(row * vectors.dimension, vectors.dimension),
                                     scratch));
  }
  return scores;
}

}  // namespace weir::apps
