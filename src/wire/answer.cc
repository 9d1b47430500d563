#include "wire/answer.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "wire/answer_reader.h"
#include "wire/answer_writer.h"
#include "wire/values.h"

namespace weir::wire {

std::expected<Answer, Error> translate_answer(const RelayOptions& options, std::string body) {
  auto document = json::Document::parse(std::move(body), kBodyLimits);
  if (!document)
    return fail(ErrorCode::kCorrupt,
                fmt::format("the provider's answer is no JSON: {}", document.error().message));
  AnswerReader reader(options);
  std::vector<ChatEvent> events;
  TRY(reader.read_answer(document->root(), events));
  const AnswerFacts& facts = reader.facts();
  Answer answer{.body = {},
                .usage = facts.usage,
                .model = facts.model,
                .finish_reason = facts.finish_reason,
                .output_characters = facts.output_characters,
                .failure = facts.failure,
                .view = {}};
  if (facts.failure) return answer;
  if (options.collect) answer.view = view_of(facts);
  if (options.provider != options.client)
    answer.body = write_answer(options, facts, events);
  else if (auto edits = reader.take_edits(); edits.empty())
    answer.body = document->text();
  else
    answer.body = json::apply_edits(document->text(), std::move(edits));
  return answer;
}

}  // namespace weir::wire
