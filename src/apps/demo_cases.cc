#include "apps/demo_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/random.h"
#include "simulate/competence.h"
#include "simulate/question.h"
#include "simulate/server.h"

namespace weir::apps {

std::optional<double> DemoCases::judge(size_t index, std::string_view model,
                                       std::string_view text) const {
  if (simulated()) {
    // Whatever was said, the simulator ends a known question's answer in this way.
    if (text.find("The answer is ") == std::string_view::npos) return std::nullopt;
    return simulate::is_correct(text, truths[index]) ? 1.0 : 0.0;
  }
  const simulate::RecordedAnswer* row = recording->find(queries[index], model);
  if (row == nullptr || row->response != text) return std::nullopt;
  return row->score;
}

DemoCases simulated_cases(size_t count, uint64_t seed) {
  DemoCases cases;
  cases.weak = simulate::kWeakModel;
  cases.strong = simulate::kStrongModel;
  Random random(seed);
  while (cases.queries.size() < count) {
    simulate::Question question = simulate::make_mixed_question(random);
    cases.queries.push_back(std::move(question.text));
    cases.truths.push_back(std::move(question.answer));
  }
  return cases;
}

std::expected<DemoCases, Error> recorded_cases(const std::string& file, size_t count) {
  const std::filesystem::path path(file);
  TRY_ASSIGN(simulate::Recording loaded, simulate::Recording::load({&path, 1}));
  if (loaded.models().size() != 2)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: holds answers of {} models; the demo needs exactly two, a weak "
                            "and a strong one",
                            file, loaded.models().size()));
  std::map<std::string, double> total;
  for (const auto& row : loaded.rows()) {
    if (!row.score)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: row {} has no score", file, row.id));
    total[row.model] += *row.score;
  }
  const auto mean = [&](const std::string& model) {
    return total[model] / static_cast<double>(loaded.models().at(model));
  };
  DemoCases cases;
  cases.weak = loaded.models().begin()->first;
  cases.strong = loaded.models().rbegin()->first;
  if (mean(cases.weak) > mean(cases.strong)) std::swap(cases.weak, cases.strong);
  for (const auto& row : loaded.rows())
    if (row.model == cases.weak && cases.queries.size() < count &&
        loaded.find(row.query, cases.strong) != nullptr)
      cases.queries.push_back(row.query);
  if (cases.queries.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: no question was answered by both models", file));
  cases.recording = std::make_shared<const simulate::Recording>(std::move(loaded));
  return cases;
}

train::LabelledRows labelled_questions(size_t count, uint64_t question_seed, uint64_t answer_seed) {
  using simulate::Tier;
  Random random(question_seed);
  train::LabelledRows labelled;
  labelled.sources = {
      {"simulated questions",
       train::ModelPair{std::string(simulate::kWeakModel), std::string(simulate::kStrongModel)}}};
  for (size_t i = 0; i < count; ++i) {
    const simulate::Question question = simulate::make_mixed_question(random);
    const auto solved = simulate::solve(question.text);
    if (!solved) continue;
    const auto score = [&](Tier tier) {
      return simulate::answer_of(tier, *solved, answer_seed) == question.answer ? 1.0 : 0.0;
    };
    train::LabelledRow row;
    row.query = question.text;
    row.weak_score = score(Tier::kWeak);
    row.strong_score = score(Tier::kStrong);
    row.label = row.strong_score > row.weak_score ? 1 : 0;
    labelled.rows.push_back(std::move(row));
  }
  train::RowCounts counts;
  counts.read = counts.kept = static_cast<int64_t>(labelled.rows.size());
  labelled.counts = {counts};
  return labelled;
}

}  // namespace weir::apps
