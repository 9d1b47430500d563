#include "apps/eval_costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "eval/curve.h"

namespace weir::apps {
namespace {

constexpr double kKeep = 0.95, kMaxWorse = 0.05;
constexpr int kTrades = 100;  // steps between quality alone and cost alone

eval::ModelRow pair_row(const train::LabelledRows& rows, std::string name, double call_usd,
                        double train::LabelledRow::* quality) {
  eval::ModelRow model{.name = std::move(name), .quality = {}, .call_usd = call_usd};
  for (const train::LabelledRow& row : rows.rows)
    model.quality.push_back(row.*quality);
  return model;
}

// A model between weak and strong. Rows that do not know it are an error, because means over other
// rows cannot be compared.
std::expected<eval::ModelRow, Error> middle_row(const train::LabelledRows& rows, size_t index,
                                                const std::string& name, double call_usd) {
  eval::ModelRow model{.name = name, .quality = {}, .call_usd = call_usd};
  for (const train::LabelledRow& row : rows.rows) {
    const train::ModelResult* result = row.result_of(index);
    if (result == nullptr) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("row '{}' has no score of '{}': compare on rows that have all models",
                              row.id, name));
    }
    model.quality.push_back(result->score);
  }
  return model;
}

// Cost and quality at every threshold, the router's own cost included.
std::vector<eval::CostQuality> threshold_curve(const train::LabelledRows& rows,
                                               const ScoredData& data,
                                               const eval::CallCosts& costs) {
  std::vector<double> scores, weak, strong;
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    scores.push_back(data.scores[i].prob_strong_needed);
    weak.push_back(rows.rows[i].weak_score);
    strong.push_back(rows.rows[i].strong_score);
  }
  const auto order = eval::rank_order(scores);
  std::vector<eval::CostQuality> curve;
  for (const eval::Point& point :
       eval::full_points(eval::take_ranked(order, {}, scores, weak, strong)))
    curve.push_back(
        {costs.strong_usd / eval::cost_multiplier(point.strong_share, costs), point.quality});
  return curve;
}

// What estimates of every model reach: the model of the largest (1 - l) quality - l cost for l from
// 0 to 1 (CARROT, arXiv 2502.03261), cost in units of the dearest call.
void add_estimate_curve(const ScoredData& data, const std::vector<eval::ModelRow>& models,
                        double router_usd, std::vector<eval::CostQuality>& curve) {
  double dearest = 0;
  for (const eval::ModelRow& model : models)
    dearest = std::max(dearest, model.call_usd);
  for (int step = 0; step <= kTrades; ++step) {
    const double trade = static_cast<double>(step) / kTrades;
    eval::CostQuality sum;
    for (size_t row = 0; row < data.estimates.size(); ++row) {
      if (data.estimates[row].size() != models.size()) return;
      size_t best = 0;
      double best_value = -1e300;
      for (size_t m = 0; m < models.size(); ++m) {
        const double value =
            (1 - trade) * data.estimates[row][m].quality - trade * models[m].call_usd / dearest;
        if (value > best_value) best = m, best_value = value;
      }
      sum.cost += models[best].call_usd;
      sum.quality += models[best].quality[row];
    }
    const auto count = static_cast<double>(data.estimates.size());
    curve.push_back({sum.cost / count + router_usd, sum.quality / count});
  }
}

std::expected<eval::WorthInput, Error> worth_input(const CostQuestion& question,
                                                   const model::Router& router,
                                                   const train::LabelledRows& rows,
                                                   const ScoredData& data,
                                                   const eval::CallCosts& costs) {
  const std::vector<std::string> names = model_names(question.data);
  eval::WorthInput input;
  input.router_usd = costs.router_usd;
  input.keep = kKeep;
  input.models.push_back(
      pair_row(rows, names.front(), costs.weak_usd, &train::LabelledRow::weak_score));
  for (size_t m = 1; m + 1 < names.size(); ++m) {
    TRY_ASSIGN(const double usd, price_of(question.costs, names[m], mean_tokens(rows.rows)));
    TRY_ASSIGN(eval::ModelRow model, middle_row(rows, m, names[m], usd));
    input.models.push_back(std::move(model));
  }
  input.models.push_back(
      pair_row(rows, names.back(), costs.strong_usd, &train::LabelledRow::strong_score));
  const auto strong = static_cast<uint32_t>(input.models.size() - 1);
  for (const model::Score& score : data.scores) {
    const bool to_strong = !score.judged || score.prob_strong_needed >= router.threshold();
    input.choice.push_back(to_strong ? strong : 0);
  }
  input.curve = threshold_curve(rows, data, costs);
  if (input.models.size() > 2)
    add_estimate_curve(data, input.models, costs.router_usd, input.curve);
  return input;
}

}  // namespace

std::expected<std::optional<eval::CostFigures>, Error> cost_figures(const CostQuestion& question,
                                                                    const model::Router& router,
                                                                    const train::LabelledRows& rows,
                                                                    const ScoredData& data) {
  const std::vector<std::string> names = model_names(question.data);
  TRY_ASSIGN(const auto costs,
             read_costs(question.costs, names.front(), names.back(), mean_tokens(rows.rows)));
  if (!costs) return std::nullopt;
  eval::CostFigures figures;
  TRY_ASSIGN(figures.input, worth_input(question, router, rows, data, *costs));
  figures.worth = eval::judge_worth(figures.input, question.seed);
  std::vector<double> scores;
  for (const model::Score& score : data.scores)
    scores.push_back(score.prob_strong_needed);
  const eval::MultiplierRows table{scores, figures.input.models.front().quality,
                                   figures.input.models.back().quality};
  figures.keep = eval::measure_multiplier(table, *costs, {.keep = kKeep}, question.seed);
  figures.both = eval::measure_multiplier(table, *costs, {.keep = kKeep, .max_worse = kMaxWorse},
                                          question.seed);
  return figures;
}

}  // namespace weir::apps
