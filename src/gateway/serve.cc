#include "gateway/serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "gateway/admit.h"
#include "gateway/call_models.h"
#include "gateway/cascade.h"
#include "gateway/decide.h"
#include "gateway/endpoints.h"
#include "gateway/records.h"
#include "gateway/relay.h"
#include "upstream/call.h"

namespace weir::gateway {
namespace {

constexpr int64_t kBacklogPauseMs = 20;

Visit arrive(Gateway& gateway, http::Exchange& exchange) {
  const Clock& clock = exchange.worker().clock();
  Visit visit;
  visit.arrived_us = exchange.request().arrived_us;
  const int64_t now_unix_us = clock.unix_us();
  visit.started_us = clock.steady_us();
  visit.started_unix_us = now_unix_us - (visit.started_us - visit.arrived_us);
  visit.id = make_uuid7(visit.started_unix_us, gateway.part(exchange.worker()).random);
  return visit;
}

Refusal refusal_of(const Decision& decision) {
  return {400, decision.refusal};
}

http::Task<void> refuse_exchange(Gateway& gateway, http::Exchange& exchange, const Visit& visit,
                                 const Refusal& refusal) {
  ++gateway.refused;
  http::Response response = error_response(error_dialect(exchange.request()), refusal);
  response.headers.add("x-weir-request-id", visit.id);
  add_cors(gateway.snapshot().options(), exchange.request(), response.headers);
  (void)co_await exchange.respond(std::move(response));
}

// What is ready to run now is run first, so that its records share the write.
template <typename Record>
http::Task<std::expected<void, Error>> write_record(Gateway& gateway, http::Worker& worker,
                                                    const Record& record) {
  store::JournalWriter& journal = *gateway.part(worker).journal;
  const auto batch = journal.enqueue(record);
  co_await worker.yield();
  const auto written = journal.commit(*batch);
  if (!written) gateway.count_ledger_failure(written.error());
  co_return written;
}

// Waits while the ledger is behind, then writes the start record: no upstream byte before it.
http::Task<std::expected<void, Refusal>> begin_record(Gateway& gateway, http::Exchange& exchange,
                                                      const Decided& decided) {
  const Options& options = gateway.snapshot().options();
  while (gateway.ledger().congested()) {
    if (!co_await exchange.worker().sleep(kBacklogPauseMs, exchange.gone())) break;
    if (decided.request.deadline.passed(exchange.worker().clock()))
      co_return refuse(503, "the ledger is behind; try again later");
  }
  const store::StartRecord start = start_record(decided);
  const auto written = co_await write_record(gateway, exchange.worker(), start);
  if (written) co_return std::expected<void, Refusal>();
  if (options.on_ledger_failure == OnLedgerFailure::kRefuse)
    co_return refuse(503, "the ledger cannot be written, and ledger.on_failure is 'refuse'");
  co_return std::expected<void, Refusal>();
}

// Keeps the decision for the conversation's next requests; what served by fallback keeps serving.
void remember(Gateway& gateway, const Decided& decided, const upstream::Outcome& outcome) {
  auto memory = memory_after(decided.asked, decided.question, decided.decision, decided.visit.id);
  if (!memory) return;
  if (outcome.opened && decided.asked.kind == Asked::Kind::kRoute)
    memory->served = std::max(memory->served, decided.decision.tiers[outcome.opened->target_index]);
  if (decided.question.memory == memory) return;  // a tool step: recall() has counted the use
  gateway.sessions().put(decided.question.session_key, std::move(*memory),
                         gateway.clock().steady_us());
}

// Only where the settings ask for it: the log is the one place that may then hold texts.
void log_texts(const Decided& decided, const Relayed& relayed) {
  constexpr size_t kLimit = 64 << 10;
  const std::string answer =
      relayed.streaming ? relayed.transcript + relayed.last : relayed.response.body;
  log_info("request {}: {}", decided.visit.id,
           json::quoted(decided.chat.body->text().substr(0, kLimit)));
  log_info("answer {}: {}", decided.visit.id, json::quoted(answer.substr(0, kLimit)));
}

// Station 8: the end record is in the journal before the last chunk leaves.
http::Task<void> settle(Gateway& gateway, http::Exchange& exchange, const Decided& decided,
                        const upstream::Outcome& outcome, const Judgement& judgement,
                        Relayed& relayed) {
  store::EndRecord end = end_record(decided, outcome, relayed.ending, exchange.worker().clock());
  end.cascade = judgement.text();
  end.weak_confidence = judgement.confidence;
  // Counted where it fails; the answer is the client's all the same.
  (void)co_await write_record(gateway, exchange.worker(), end);
  if (decided.snapshot.options().log_texts) log_texts(decided, relayed);
  if (relayed.streaming) co_return;
  if (const auto cost = total_cost_nanousd(end); cost && outcome.opened)
    relayed.response.headers.add("x-weir-cost-usd", catalog::format_usd(*cost));
}

}  // namespace

http::Task<void> serve(Gateway& gateway, http::Exchange& exchange) {
  http::Request& request = exchange.request();  // read: http::Server has done it
  const Snapshot& snapshot = gateway.snapshot();
  const Gateway::InFlight in_flight(gateway);
  const Visit visit = arrive(gateway, exchange);

  const auto caller = admit(snapshot, request);
  if (!caller) co_return co_await refuse_exchange(gateway, exchange, visit, caller.error());
  const auto endpoint = find_endpoint(snapshot.options(), request);
  if (!endpoint) co_return co_await refuse_exchange(gateway, exchange, visit, endpoint.error());
  if (endpoint->action != Action::kChat)
    co_return co_await answer_endpoint(gateway, exchange, *caller, *endpoint);

  auto chat = wire::decode_chat(endpoint->dialect, std::move(request.body));
  if (!chat)
    co_return co_await refuse_exchange(gateway, exchange, visit, gateway::refusal_of(chat.error()));
  const auto asked =
      resolve(snapshot, chat->dialect, chat->model, request.headers.get("x-weir-route"));
  if (!asked) co_return co_await refuse_exchange(gateway, exchange, visit, asked.error());
  Question question = read_question(snapshot, caller->key_id, request.headers, *chat, *asked);
  recall(gateway.sessions(), *chat, gateway.clock().steady_us(), question);

  policy::Inputs inputs = policy_inputs(*asked, question, *chat);
  WorkerPart& part = gateway.part(exchange.worker());
  const Evidence evidence =
      co_await ask(exchange, snapshot, part.random, *asked, inputs, question.words);
  const Estimate estimated = estimate(*asked, question, evidence, inputs, part.scratch);
  inputs.threshold =
      gateway.threshold_in_force(*asked, estimated, inputs, Gateway::Seen::kRemember);
  const Decision decision = decide(*asked, question, estimated, inputs, *chat);
  if (decision.deployments.empty())
    co_return co_await refuse_exchange(gateway, exchange, visit, refusal_of(decision));

  const Decided decided{snapshot, visit,    *caller,  request, *chat,
                        *asked,   question, evidence, decision};
  if (const auto begun = co_await begin_record(gateway, exchange, decided); !begun)
    co_return co_await refuse_exchange(gateway, exchange, visit, begun.error());
  upstream::Outcome outcome = co_await call_models(gateway, exchange, decided);
  Judgement judgement;
  if (decision.cascades) judgement = co_await judge_answer(gateway, exchange, decided, outcome);
  if (judgement.escalates()) co_await escalate(gateway, exchange, decided, outcome, judgement);
  remember(gateway, decided, outcome);
  http::Headers headers = weir_headers(decided, outcome, exchange.worker().clock());
  add_cascade_headers(judgement, headers);
  add_cors(snapshot.options(), request, headers);
  Relayed relayed = co_await relay(exchange, outcome, decided, std::move(headers));
  co_await settle(gateway, exchange, decided, outcome, judgement, relayed);
  co_await finish(exchange, outcome, std::move(relayed));
}

http::Response server_error(const http::Request& request, int status, std::string_view message) {
  return error_response(error_dialect(request), {status, std::string(message)});
}

}  // namespace weir::gateway
