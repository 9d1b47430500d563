#include "apps/ask_router.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "apps/embed_url.h"
#include "apps/output.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"
#include "gateway/router_llm.h"
#include "model/answer_routers.h"
#include "text/features.h"

namespace weir::apps {
namespace {

constexpr int64_t kAskMs = 30'000;
constexpr size_t kPromptLimit = 64 << 10;

http::Task<void> ask_all(http::Worker& worker, const gateway::RouterModel& asked,
                         const model::Router& router, std::span<const std::string> texts,
                         std::vector<model::Score>& scores, std::optional<Error>& failure) {
  Random random(1);
  http::Cancellation never;
  model::Scratch scratch;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    gateway::RouterQuestion question{.worker = worker,
                                     .random = random,
                                     .gone = never,
                                     .deadline = Deadline::after_ms(worker.clock(), kAskMs),
                                     .words = texts[i]};
    const gateway::RouterAnswer answer =
        co_await gateway::ask_router_model(asked, std::move(question));
    if (answer.numbers)
      scores[i] = router.score_embedding(*answer.numbers, scratch);
    else if (!failure)
      failure = answer.numbers.error();
  }
}

}  // namespace

std::expected<std::vector<model::Score>, Error> score_by_asking(
    const model::Router& router, std::span<const std::string> texts) {
  const std::string key = embed_key_for(router.embed_source().url);
  TRY_ASSIGN(gateway::RouterModel asked,
             gateway::make_router_model(router.file(), std::nullopt, catalog::Catalog::built_in(),
                                        [&](const http::Endpoint&) { return key; }));
  asked.timeout_ms = kAskMs;
  std::vector<model::Score> scores(texts.size());
  std::optional<Error> failure;
  http::run_on_worker({}, [&](http::Worker& worker) {
    return ask_all(worker, asked, router, texts, scores, failure);
  });
  if (failure) fmt::print(stderr, "weir: {}\n", failure->message);
  return scores;
}

std::expected<void, Error> write_ask_router(const AskRouterOptions& options) {
  model::RouterFile file;
  file.kind = options.kind;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.embed = {.from = model::EmbedFrom::kUrl,
                .dimension = model::answer_dimension(options.kind),
                .static_hash = 0,
                .url = options.url,
                .model = options.model};
  file.models = {"weak", "strong"};
  file.threshold = options.threshold;
  file.cut_time = options.cut_time;
  if (!options.prompt_file.empty()) {
    TRY_ASSIGN(std::string prompt, read_file(options.prompt_file, kPromptLimit));
    if (prompt.find(model::kQueryPlace) == std::string::npos)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} holds no {}: that is where the question goes",
                              options.prompt_file, model::kQueryPlace));
    file.settings[std::string(model::kPromptSetting)] = std::move(prompt);
  }
  TRY_ASSIGN(const std::string bytes, model::encode_router_file(file));
  TRY(write_file(options.out, bytes));
  return write_output(fmt::format(
      "wrote {}: asks {}{}\n", options.out,
      options.url.empty() ? "the router_model of its route" : options.model + " at ", options.url));
}

}  // namespace weir::apps
