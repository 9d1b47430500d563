#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "model/auto.h"
#include "model/estimator.h"
#include "train/fit.h"
#include "train/folds.h"
#include "train/stack.h"
#include "train/targets.h"

namespace weir::train {
namespace {

namespace section = model::section;
using model::Kind;

// Cheapest first: a budget keeps the first of them.
constexpr std::array kMembers{Kind::kLength, Kind::kNgram, Kind::kKernel};

template <typename Map>
void put_under(Kind kind, Map& from, Map& to) {
  for (auto& [name, value] : from)
    to.emplace(fmt::format("{}/{}", model::to_string(kind), name), std::move(value));
}

struct Stacked {
  Stack stack;
  GapToProbability map;
  std::vector<double> scores;
};

Stacked stack_up(const Examples& examples, const Rows& rows,
                 std::span<const std::vector<double>> logits) {
  const std::vector<StackColumn> columns(logits.begin(), logits.end());
  const Stack stack = fit_stack(columns, gap_targets(examples, rows), weights_of(examples, rows));
  std::vector<double> gaps, one(logits.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t m = 0; m < logits.size(); ++m)
      one[m] = logits[m][i];
    gaps.push_back(stack(one));
  }
  Stacked result{.stack = stack, .map = fit_probability(examples, rows, gaps), .scores = {}};
  for (const double gap : gaps)
    result.scores.push_back(result.map(gap));
  return result;
}

}  // namespace

std::expected<Fit, Error> fit_auto(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options) {
  if (examples.embed.from != model::EmbedFrom::kStatic)
    return fail(ErrorCode::kInvalidArgument, "kind auto takes the static embedding table only");
  Fit fit;
  std::vector<std::vector<double>> logits;
  std::vector<std::string> names;
  Rows measured;
  for (const Kind kind : kMembers) {
    TrainOptions member_options = options;
    member_options.kind = kind;
    TRY_ASSIGN(Fit member, fit_kind(examples, rows, member_options));
    TRY_ASSIGN(auto out_of_fold, out_of_fold_scores(examples, rows, member_options, member));
    if (!out_of_fold)
      return fail(ErrorCode::kInvalidArgument,
                  "too few strong-needed queries to put kinds together; use --kind ngram");
    measured = std::move(out_of_fold->rows);
    std::vector<double>& column = logits.emplace_back();
    for (const double score : out_of_fold->scores)
      column.push_back(model::member_logit(score));
    put_under(kind, member.weights, fit.weights);
    put_under(kind, member.blobs, fit.blobs);
    put_under(kind, member.settings, fit.settings);
    names.emplace_back(model::to_string(kind));
  }
  Stacked stacked;
  std::vector<double>& stacks = fit.weights[std::string(section::kStacks)];
  for (size_t used = 1; used <= names.size(); ++used) {
    stacked = stack_up(examples, measured, std::span(logits).first(used));
    stacks.insert(stacks.end(), stacked.stack.weights.begin(), stacked.stack.weights.end());
    stacks.insert(stacks.end(), names.size() - used, 0.0);
    stacks.insert(stacks.end(), {stacked.stack.intercept, stacked.map.slope, stacked.map.offset});
  }
  fit.settings[std::string(section::kMembers)] = fmt::format("{}", fmt::join(names, " "));
  fit.summary = fmt::format("stacked on {} rows:", measured.size());
  for (size_t m = 0; m < names.size(); ++m)
    fit.summary += fmt::format(" {} {:.3f}", names[m], stacked.stack.weights[m]);
  fit.out_of_fold = {.rows = std::move(measured), .scores = std::move(stacked.scores)};
  return fit;
}

}  // namespace weir::train
