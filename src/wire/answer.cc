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
  AnswerReader reader(options.provider);
  std::vector<ChatEvent> events;
  TRY(reader.read_answer(document->root(), events));
  const AnswerFacts& facts = reader.facts();
  Answer answer{.body = {},
                .usage = facts.usage,
                .model = facts.model,
                .finish_reason = facts.finish_reason,
                .output_characters = facts.output_characters,
                .failure = facts.failure};
  if (facts.failure) return answer;
  answer.body =
      options.provider == options.client ? document->text() : write_answer(options, facts, events);
  return answer;
}

}  // namespace weir::wire
