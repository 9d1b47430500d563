#include "simulate/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>

#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "http/server.h"
#include "simulate/embeddings.h"
#include "simulate/fault.h"
#include "simulate/format.h"
#include "simulate/prompt.h"
#include "simulate/recording.h"
#include "simulate/reply.h"
#include "simulate/router_prompt.h"

namespace weir::simulate {
namespace {

using http::Exchange;
using http::Task;
using wire::Dialect;

constexpr int64_t kStallMs = 600'000;
constexpr size_t kRememberedFaults = 10'000;
constexpr uint64_t kSampled = 0x9e3779b97f4a7c15;
constexpr std::string_view kRouterPlace = "router";  // of faults: [[sim:500@router]]
constexpr std::string_view kJson = "application/json";

std::string_view credential(const http::Request& request) {
  const std::string_view key = request.headers.get("x-api-key");
  if (!key.empty()) return key;
  std::string_view bearer = request.headers.get("authorization");
  constexpr std::string_view kPrefix = "Bearer ";
  if (bearer.starts_with(kPrefix)) bearer.remove_prefix(kPrefix.size());
  return bearer;
}

Dialect dialect_of(const http::Request& request) {
  const bool anthropic = request.path.ends_with("/messages") ||
                         request.path.ends_with("/count_tokens") ||
                         request.headers.contains("anthropic-version");
  return anthropic ? Dialect::kAnthropic : Dialect::kOpenAi;
}

// The question as it was before a request for a line CONFIDENCE was put behind it.
std::string_view without_confidence_request(std::string_view question) {
  const size_t line = question.rfind("CONFIDENCE:");
  const size_t gap = question.rfind("\n\n", line);
  return question.substr(0, gap);
}

class Provider final : public Simulator {
 public:
  explicit Provider(Options options) : options_(std::move(options)) {
    CHECK(options_.count_tokens != nullptr);
  }
  ~Provider() override { stop(); }

  std::expected<void, Error> bind() {
    http::ServerOptions server;
    server.address = options_.address;
    server.port = options_.port;
    server.workers = options_.workers;
    TRY_ASSIGN(server_, http::Server::bind(
                            server, [this](Exchange& exchange) { return serve(exchange); },
                            [](const http::Request& request, int status, std::string_view text) {
                              return error(dialect_of(request), status, text);
                            }));
    server_->start();
    return {};
  }

  uint16_t port() const override { return server_->port(); }
  std::string base_url() const override {
    const bool ipv6 = options_.address.find(':') != std::string::npos;
    return fmt::format("http://{}{}{}:{}/v1", ipv6 ? "[" : "", options_.address, ipv6 ? "]" : "",
                       port());
  }
  uint64_t requests() const override { return requests_; }
  void stop() override {
    if (!stopped_.exchange(true) && server_) server_->stop(0);
  }

 private:
  static http::Response json_response(int status, std::string body) {
    http::Response response{status, {}, std::move(body)};
    response.headers.add("content-type", kJson);
    return response;
  }
  static http::Response error(Dialect dialect, int status, std::string_view message) {
    return json_response(status, error_body(dialect, status, message));
  }

  Task<void> serve(Exchange& exchange) {
    ++requests_;
    const http::Request& request = exchange.request();
    std::string_view path = request.path;
    if (path.starts_with("/v1/")) path.remove_prefix(3);
    const Dialect dialect = dialect_of(request);
    http::Response response;
    if (credential(request) == "wrong") {
      response = error(dialect, 401, "the key is wrong: any other is accepted");
    } else if (request.method == "GET" && path == "/models") {
      response = json_response(200, list_models(dialect));
    } else if (request.method != "POST") {
      response = error(dialect, 404, "no such address");
    } else if (path == "/chat/completions" || path == "/messages") {
      co_await chat(exchange, dialect);
      co_return;
    } else if (path == "/messages/count_tokens") {
      response = count(request.body);
    } else if (path == "/embeddings") {
      auto body = answer_embeddings(request.body, options_.count_tokens);
      response =
          body ? json_response(200, std::move(*body)) : error(dialect, 400, body.error().message);
    } else {
      response = error(dialect, 404, "no such address");
    }
    (void)co_await exchange.respond(std::move(response));
  }

  http::Response count(const std::string& body) {
    auto document = json::Document::parse(body);
    if (!document) return error(Dialect::kAnthropic, 400, document.error().message);
    const int64_t tokens = options_.count_tokens(document->text());
    return json_response(
        200, json::Writer().begin_object().member("input_tokens", tokens).end_object().take());
  }

  std::string list_models(Dialect dialect) const {
    std::vector<std::string> names;
    if (options_.recording) {
      for (const auto& [name, answers] : options_.recording->models())
        names.push_back(name);
    } else {
      names = {std::string(kWeakModel), std::string(kStrongModel)};
    }
    const bool openai = dialect == Dialect::kOpenAi;
    json::Writer out;
    out.begin_object();
    if (openai) out.member("object", "list");
    out.key("data").begin_array();
    for (const std::string& name : names) {
      out.begin_object().member("id", name);
      if (openai) {
        out.member("object", "model").member("created", 0).member("owned_by", fingerprint());
      } else {
        out.member("type", "model").member("display_name", name);
        out.member("created_at", "1970-01-01T00:00:00Z");
      }
      out.end_object();
    }
    out.end_array();
    if (!openai)
      out.member("has_more", false).member("first_id", names[0]).member("last_id", names.back());
    out.end_object();
    return out.take();
  }

  std::string_view fingerprint() const {
    return options_.recording ? "weir-replay" : "weir-simulator";
  }

  // What is answered, before any fault; or the status and message of an error.
  struct Outcome {
    Answer answer;
    int status = 200;
    std::string message;
  };

  Outcome make_answer(const Prompt& prompt, Tier tier) {
    Outcome outcome;
    Answer& answer = outcome.answer;
    answer.model = prompt.model;
    answer.fingerprint = fingerprint();
    answer.logprobs = prompt.logprobs;
    answer.top_logprobs = prompt.top_logprobs;
    answer.created_unix_s = SystemClock::instance().unix_us() / 1'000'000;
    answer.id =
        fmt::format("{:016x}", siphash({options_.seed, fnv1a(prompt.model)}, prompt.all_text));
    if (options_.recording) {
      replay(prompt, outcome);
    } else if (prompt.model.find("no-such") != std::string::npos) {
      outcome.status = 404;
      outcome.message = fmt::format("the model '{}' does not exist", prompt.model);
    } else {
      answer.reply = asks_router(prompt) ? make_router_reply(prompt)
                                         : make_reply(prompt, tier, seed_of(prompt));
      answer.input_tokens = options_.count_tokens(prompt.all_text);
      answer.output_tokens = count_output(answer.reply);
      if (prompt.max_tokens && answer.output_tokens > *prompt.max_tokens)
        shorten(*prompt.max_tokens, answer);
    }
    return outcome;
  }

  // A request that names a temperature above 0 gets a fresh draw each time it comes, as sampling
  // does; all others get the same answer for ever.
  uint64_t seed_of(const Prompt& prompt) {
    if (prompt.temperature.value_or(0) <= 0) return options_.seed;
    const uint64_t key = siphash({fnv1a(prompt.model), kSampled}, prompt.all_text);
    const std::scoped_lock lock(mutex_);
    if (sampled_.size() >= kRememberedFaults) sampled_.clear();
    return options_.seed + kSampled * static_cast<uint64_t>(++sampled_[key]);
  }

  int64_t count_output(const Reply& reply) const {
    const int64_t tokens =
        options_.count_tokens(reply.call ? reply.call->name + reply.call->arguments : reply.text);
    return std::max<int64_t>(tokens, 1);
  }

  void shorten(int64_t max_tokens, Answer& answer) const {
    if (answer.reply.call) return;
    std::string kept;
    int64_t tokens = 0;
    size_t pieces = 0;
    for (const std::string_view piece : pieces_of(answer.reply)) {
      tokens += options_.count_tokens(piece);
      if (tokens > max_tokens) break;
      kept += piece;
      ++pieces;
    }
    answer.reply.text = std::move(kept);
    if (!answer.reply.tokens.empty()) answer.reply.tokens.resize(pieces);
    answer.reply.finish = Finish::kLength;
    answer.output_tokens = max_tokens;
  }

  void replay(const Prompt& prompt, Outcome& outcome) const {
    const Recording& recording = *options_.recording;
    const RecordedAnswer* row = recording.find(prompt.question, prompt.model);
    if (row == nullptr && prompt.asks_confidence)
      row = recording.find(without_confidence_request(prompt.question), prompt.model);
    if (row == nullptr) {
      const auto model = recording.models().find(prompt.model);
      outcome.status = 404;
      outcome.message =
          model == recording.models().end()
              ? fmt::format(
                    "no answer of the model '{}' is recorded; GET /v1/models lists those "
                    "that are",
                    prompt.model)
              : fmt::format("{} answers of '{}' are recorded, but none to this question",
                            model->second, prompt.model);
      return;
    }
    Answer& answer = outcome.answer;
    answer.reply.text = row->response;
    if (row->token_confidence)
      answer.reply.tokens = tokens_of(row->response, *row->token_confidence, 0);
    else
      answer.logprobs = false;
    if (prompt.asks_confidence && row->confidence) {
      answer.reply.text += confidence_line(*row->confidence);
      answer.reply.tokens.clear();
    }
    answer.tokens_estimated = !row->input_tokens || !row->output_tokens;
    answer.input_tokens = row->input_tokens.value_or(options_.count_tokens(prompt.all_text));
    answer.output_tokens = row->output_tokens.value_or(count_output(answer.reply));
  }

  // True when this request is one of the first `times` of its kind.
  bool still_failing(const Fault& fault, const Prompt& prompt) {
    if (fault.times == 0) return true;
    const uint64_t key =
        siphash({fnv1a(prompt.model), static_cast<uint64_t>(fault.status)}, prompt.all_text);
    const std::scoped_lock lock(mutex_);
    if (failed_.size() >= kRememberedFaults) failed_.clear();
    return ++failed_[key] <= fault.times;
  }

  Task<void> chat(Exchange& exchange, Dialect dialect) {
    const http::Request& request = exchange.request();
    auto prompt = read_prompt(dialect, request.body);
    if (!prompt) {
      (void)co_await exchange.respond(error(dialect, 400, prompt.error().message));
      co_return;
    }
    const Tier tier = tier_of(prompt->model);
    const std::string_view place = asks_router(*prompt) ? kRouterPlace : to_string(tier);
    Fault fault = parse_fault(request.headers.get("x-sim-fault"), place);
    if (fault.kind == FaultKind::kNone) fault = find_fault(prompt->question, place);
    const int64_t wait_ms =
        options_.latency_ms + (fault.kind == FaultKind::kSlowHead ? fault.number : 0);
    if (wait_ms > 0) {
      if (!co_await exchange.worker().sleep(wait_ms, exchange.gone())) co_return;
    }
    if (fault.kind == FaultKind::kStatus && still_failing(fault, *prompt)) {
      http::Response response =
          error(dialect, fault.status, fmt::format("simulated status {}", fault.status));
      if (fault.status == 429) response.headers.add("retry-after", std::to_string(fault.number));
      (void)co_await exchange.respond(std::move(response));
      co_return;
    }
    Outcome outcome = make_answer(*prompt, tier);
    if (outcome.status != 200) {
      (void)co_await exchange.respond(error(dialect, outcome.status, outcome.message));
      co_return;
    }
    if (fault.kind == FaultKind::kNoUsage) outcome.answer.usage = UsageReport::kNone;
    if (fault.kind == FaultKind::kWrongUsage) {
      outcome.answer.input_tokens *= 10;
      outcome.answer.output_tokens *= 10;
    }
    if (prompt->stream)
      co_await stream(exchange, *prompt, outcome.answer, fault);
    else
      co_await whole(exchange, *prompt, outcome.answer, fault);
  }

  http::Response head_for(const Prompt& prompt, const Answer& answer, std::string_view type) const {
    http::Response head;
    head.headers.add("content-type", type);
    head.headers.add(prompt.dialect == Dialect::kOpenAi ? "x-request-id" : "request-id",
                     "req_" + answer.id);
    head.headers.add("x-simulated", fingerprint());
    return head;
  }

  Task<void> whole(Exchange& exchange, const Prompt& prompt, const Answer& answer, Fault fault) {
    http::Response response = head_for(prompt, answer, kJson);
    response.body = whole_body(prompt.dialect, answer);
    if (fault.kind == FaultKind::kGarbage) response.body = "<html>not an answer</html>";
    if (fault.kind == FaultKind::kErrorFirst)
      response.body = error_body(prompt.dialect, 529, "simulated error with status 200");
    const bool stalls = fault.kind == FaultKind::kStall || fault.kind == FaultKind::kStallMid;
    if (!stalls && fault.kind != FaultKind::kCut) {
      (void)co_await exchange.respond(std::move(response));
      co_return;
    }
    const std::string half = fault.kind == FaultKind::kStall
                                 ? std::string()
                                 : response.body.substr(0, response.body.size() / 2);
    response.body.clear();
    if (!co_await exchange.begin_stream(std::move(response))) co_return;
    if (!half.empty()) (void)co_await exchange.write(half);
    if (stalls) (void)co_await exchange.worker().sleep(kStallMs, exchange.gone());
    exchange.abort();
  }

  int64_t pause_ms(const Fault& fault) const {
    if (fault.kind == FaultKind::kSlow) return fault.number;
    if (options_.tokens_per_second <= 0) return 0;
    return std::max<int64_t>(1, std::llround(1000 / options_.tokens_per_second));
  }

  // The events that are sent, and how the stream ends.
  enum class End { kComplete, kCut, kStall };
  static End apply(const Fault& fault, const Prompt& prompt, std::vector<Event>& events) {
    const auto is_content = [](const Event& e) { return e.kind == Event::Kind::kContent; };
    const size_t first =
        static_cast<size_t>(std::ranges::find_if(events, is_content) - events.begin());
    const size_t count = static_cast<size_t>(std::ranges::count_if(events, is_content));
    switch (fault.kind) {
      case FaultKind::kStall:
        events.resize(first);
        return End::kStall;
      case FaultKind::kStallMid:
        events.resize(first + (count + 1) / 2);
        return End::kStall;
      case FaultKind::kCut:
        events.resize(first + (count + 1) / 2);
        return End::kCut;
      case FaultKind::kNoEnd:
        events.pop_back();
        return End::kComplete;
      case FaultKind::kGarbage:
        events = {{Event::Kind::kContent, "data: {not json\n\n\x01\x02 garbage\n\n"}};
        return End::kComplete;
      case FaultKind::kErrorFirst:
        events = {{Event::Kind::kHead,
                   error_event(prompt.dialect, 529, "simulated error as the first event")}};
        return End::kComplete;
      default:
        return End::kComplete;
    }
  }

  Task<void> stream(Exchange& exchange, const Prompt& prompt, const Answer& answer, Fault fault) {
    std::vector<Event> events = stream_events(prompt.dialect, answer, prompt.stream_usage);
    const End end = apply(fault, prompt, events);
    const int64_t pause = pause_ms(fault);
    if (!co_await exchange.begin_stream(head_for(prompt, answer, "text/event-stream"))) co_return;
    for (const Event& event : events) {
      const bool waits = pause > 0 && event.kind == Event::Kind::kContent;
      if (waits) {
        if (!co_await exchange.worker().sleep(pause, exchange.gone())) break;
      }
      if (!co_await exchange.write(event.bytes)) co_return;
    }
    if (end == End::kStall) (void)co_await exchange.worker().sleep(kStallMs, exchange.gone());
    if (end == End::kComplete)
      (void)co_await exchange.end_stream("");
    else
      exchange.abort();
  }

  Options options_;
  std::unique_ptr<http::Server> server_;
  std::atomic<uint64_t> requests_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::map<uint64_t, int64_t> failed_;   // by request: how often a limited fault has struck
  std::map<uint64_t, int64_t> sampled_;  // by request: how often it was sampled
};

catalog::Model model_at(std::string_view name, int64_t input_picousd, int64_t output_picousd) {
  catalog::Model model;
  model.name = name;
  model.context_tokens = 200'000;
  model.max_output_tokens = 64'000;
  model.capabilities = ~0u;
  model.facts_known = true;
  catalog::PriceTier tier;
  tier.input_picousd = input_picousd;
  tier.output_picousd = output_picousd;
  model.price = {{tier}, "simulator (invented)"};
  return model;
}

}  // namespace

std::vector<catalog::Model> models() {
  // $0.80 and $4 against $15 and $75 per million tokens: the ratio 1 : 18.75.
  return {model_at(kWeakModel, 800'000, 4'000'000), model_at(kStrongModel, 15'000'000, 75'000'000)};
}

std::expected<std::unique_ptr<Simulator>, Error> Simulator::start(Options options) {
  auto provider = std::make_unique<Provider>(std::move(options));
  TRY(provider->bind());
  return provider;
}

}  // namespace weir::simulate
