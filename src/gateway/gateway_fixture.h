// For tests: a gateway on a port of its own between two scripted providers, with a ledger in memory
// and a scorer that reads the difficulty from the words.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "gateway/gateway.h"
#include "gateway/serve.h"
#include "http/client.h"
#include "upstream/scripted_provider.h"

namespace weir::gateway {

// Keeps what a journal would.
class MemoryLedger final : public store::Ledger {
 public:
  std::expected<std::unique_ptr<store::JournalWriter>, Error> make_writer(
      std::string_view) override {
    return std::make_unique<Writer>(*this);
  }
  std::expected<void, Error> flush() override { return {}; }
  bool healthy() const override { return !failing; }
  int64_t failures() const override { return failures_; }
  bool congested() const override { return false; }
  store::Report report() const override { return {}; }
  int64_t opened_us() const override { return 0; }
  std::string salt() const override { return "0123456789abcdef"; }

  std::vector<store::StartRecord> starts() const {
    const std::scoped_lock lock(mutex_);
    return starts_;
  }
  std::vector<store::EndRecord> ends() const {
    const std::scoped_lock lock(mutex_);
    return ends_;
  }
  std::atomic<bool> failing{false};

 private:
  class Writer final : public store::JournalWriter {
   public:
    explicit Writer(MemoryLedger& ledger) : ledger_(ledger) {}
    std::shared_ptr<Batch> enqueue(const store::StartRecord& record) override {
      return keep(record);
    }
    std::shared_ptr<Batch> enqueue(const store::EndRecord& record) override { return keep(record); }
    std::expected<void, Error> commit(Batch& batch) override {
      if (!batch.over) {
        const auto written = ledger_.add(std::exchange(kept_, {}));
        if (!written) batch.failure = written.error();
        batch.over = true;
        batch_ = std::make_shared<Batch>();
      }
      if (batch.failure) return std::unexpected(*batch.failure);
      return {};
    }
    int64_t backlog_bytes() const override { return 0; }

   private:
    std::shared_ptr<Batch> keep(store::Record record) {
      kept_.push_back(std::move(record));
      return batch_;
    }

    MemoryLedger& ledger_;
    std::vector<store::Record> kept_;
    std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
  };

  std::expected<void, Error> add(const std::vector<store::Record>& records) {
    const std::scoped_lock lock(mutex_);
    if (failing) {
      failures_ += static_cast<int64_t>(records.size());
      return fail(ErrorCode::kIo, "the disk is full");
    }
    for (const store::Record& record : records) {
      if (const auto* start = std::get_if<store::StartRecord>(&record)) starts_.push_back(*start);
      if (const auto* end = std::get_if<store::EndRecord>(&record)) ends_.push_back(*end);
    }
    return {};
  }

  mutable std::mutex mutex_;
  std::vector<store::StartRecord> starts_;
  std::vector<store::EndRecord> ends_;
  std::atomic<int64_t> failures_{0};
};

// "hard" needs the strong model, "easy" does not, "???" cannot be judged.
inline LoadScorer scorer_by_words() {
  return [](const RouteOptions& route) -> std::expected<std::optional<Scorer>, Error> {
    if (route.router_none) return std::nullopt;
    Scorer scorer;
    scorer.kind = "lr";
    scorer.name = "lr-test";
    scorer.score = [](std::string_view words, model::Scratch&) {
      return model::Score{words.contains("hard") ? 0.9 : 0.1, !words.contains("???")};
    };
    return scorer;
  };
}

inline catalog::Model priced_model(std::string name, int64_t input_picousd,
                                   int64_t output_picousd) {
  catalog::Model model;
  model.name = std::move(name);
  model.price.tiers.push_back({0, input_picousd, output_picousd, {}, {}, {}});
  model.price.version = "test";
  return model;
}

struct Reply {
  int status = 0;
  http::Headers headers;
  std::string body;
  std::string header(std::string_view name) const { return std::string(headers.get(name)); }
};

class GatewayFixture : public testing::Test {
 protected:
  GatewayFixture() {
    options_.providers = {provider("cheap", weak_), provider("dear", strong_)};
    RouteOptions route;
    route.models = {{"cheap", "small"}, {"dear", "big"}};
    route.control_share = 0;
    options_.routes = {route};
    options_.catalog.put(priced_model("small", 100'000, 400'000));
    options_.catalog.put(priced_model("big", 2'000'000, 8'000'000));
  }
  ~GatewayFixture() override { stop(); }

  static ProviderOptions provider(std::string name, const upstream::ScriptedProvider& script) {
    ProviderOptions options;
    options.name = std::move(name);
    options.base_url = script.base_url() + "/v1";
    options.api_key = "key-of-" + options.name;
    return options;
  }

  // With options_ as they stand.
  void start(const LoadScorer& load_scorer = scorer_by_words()) {
    auto snapshot = Snapshot::build(options_, load_scorer, ledger_.salt(), "instance-1");
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    auto gateway = Gateway::make({.snapshot = *snapshot, .ledger = &ledger_, .seed = 1});
    ASSERT_TRUE(gateway);
    gateway_ = std::move(*gateway);
    auto server = http::Server::bind(
        options_.server, [this](http::Exchange& exchange) { return serve(*gateway_, exchange); },
        server_error);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    server_->start();
  }
  void stop() {
    if (server_) server_->stop(0);
    server_.reset();
  }

  Reply send(std::string method, std::string target, std::string body = "",
             std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!server_) start();
    Reply reply;
    const http::Endpoint to =
        *http::Endpoint::parse("http://127.0.0.1:" + std::to_string(server_->port()));
    http::run_on_worker({}, [&](http::Worker& worker) -> http::Task<void> {
      http::ClientRequest request;
      request.method = method;
      request.target = target;
      request.body = body;
      if (method == "POST") request.headers.add("content-type", "application/json");
      for (const auto& [name, value] : headers)
        request.headers.set(name, value);
      http::CallLimits limits;
      limits.deadline = Deadline::after_ms(worker.clock(), 20'000);
      http::Cancellation never;
      auto response = co_await worker.client().send(to, request, limits, never);
      if (!response) co_return;
      reply.status = (*response)->status();
      reply.headers = (*response)->headers();
      auto all = co_await (*response)->read_all(1 << 26);
      reply.body = all ? *all : "(" + all.error().message + ")";
    });
    return reply;
  }
  Reply chat(std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
    return send("POST", "/v1/chat/completions", std::move(body), std::move(headers));
  }
  static std::string question(std::string_view words, std::string_view model = "auto",
                              std::string_view more = "") {
    return R"({"model":")" + std::string(model) + "\"" + std::string(more) +
           R"(,"messages":[{"role":"user","content":")" + std::string(words) + "\"}]}";
  }
  // The end record is in the journal before the client has everything.
  store::StartRecord start_row() {
    EXPECT_FALSE(ledger_.starts().empty());
    return ledger_.starts().empty() ? store::StartRecord{} : ledger_.starts().back();
  }
  store::EndRecord end_row() {
    EXPECT_FALSE(ledger_.ends().empty());
    return ledger_.ends().empty() ? store::EndRecord{} : ledger_.ends().back();
  }
  void answer_weak(std::string text = "from weak") {
    weak_.script({upstream::whole(200, upstream::openai_answer("small-2026", text))});
  }
  void answer_strong(std::string text = "from strong") {
    strong_.script({upstream::whole(200, upstream::openai_answer("big-2026", text))});
  }

  upstream::ScriptedProvider weak_, strong_;
  MemoryLedger ledger_;
  Options options_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace weir::gateway
