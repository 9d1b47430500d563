#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/bert.h"
#include "model/estimator.h"
#include "train/fit.h"
#include "train/gap_search.h"
#include "train/logistic.h"
#include "train/mlp.h"
#include "train/parallel.h"

namespace weir::train {
namespace {

namespace section = model::section;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// A way to fit a head; several compete in cross-validation.
struct Candidate {
  Head head;
  double strength = 0;  // ridge: lambda; logistic: C
};
constexpr std::array kCandidates{
    Candidate{Head::kRidge, 0.3},    Candidate{Head::kRidge, 1},  Candidate{Head::kRidge, 3},
    Candidate{Head::kRidge, 10},     Candidate{Head::kRidge, 30}, Candidate{Head::kLogistic, 0.01},
    Candidate{Head::kLogistic, 0.1}, Candidate{Head::kMlp},
};

struct LinearHead {
  std::vector<double> weights;
  double intercept = 0;
};
using FittedHead = std::variant<LinearHead, Mlp>;

std::string describe(const Candidate& candidate) {
  switch (candidate.head) {
    case Head::kRidge:
      return fmt::format("ridge, lambda {}", candidate.strength);
    case Head::kLogistic:
      return fmt::format("logistic regression, C {}", candidate.strength);
    default:
      return fmt::format("a network of {} hidden units", kHiddenUnits);
  }
}

// Minimises sum_i s_i (y_i - b - w.x_i)^2 + lambda |w|^2.
LinearHead fit_ridge(const Examples& examples, const Rows& rows, double lambda) {
  const std::vector<double> gaps = gap_targets(examples, rows);
  const std::vector<double> weights = weights_of(examples, rows);
  const auto size = static_cast<Index>(examples.dimension());
  MatrixXd xx = MatrixXd::Zero(size, size);
  VectorXd x = VectorXd::Zero(size), xy = VectorXd::Zero(size);
  double total = 0, y = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const VectorXd row =
        Eigen::VectorXf::Map(examples.embedding(rows[i]).data(), size).cast<double>();
    xx.selfadjointView<Eigen::Lower>().rankUpdate(row, weights[i]);
    x += weights[i] * row;
    xy += weights[i] * gaps[i] * row;
    total += weights[i], y += weights[i] * gaps[i];
  }
  if (!(total > 0)) return {std::vector<double>(examples.dimension()), 0};
  xx.selfadjointView<Eigen::Lower>().rankUpdate(x, -1 / total);
  xx.diagonal().array() += lambda;
  const VectorXd solved = xx.selfadjointView<Eigen::Lower>().llt().solve(xy - x * (y / total));
  return {{solved.begin(), solved.end()}, (y - x.dot(solved)) / total};
}

// The log odds of the label as a line; nothing where only one label is there.
std::optional<LinearHead> fit_log_odds(const Examples& examples, const Rows& rows, double c) {
  std::vector<int> labels;
  std::vector<double> weights;
  for (const LabelledRow& row : examples.rows) {
    labels.push_back(row.label);
    weights.push_back(row.weight);
  }
  const Samples samples{examples.embeddings, examples.dimension(), labels, weights, rows};
  const Scaler scaler = fit_scaler(samples);
  auto fit = fit_logistic(samples, scaler, c);
  if (!fit) return std::nullopt;
  LinearHead head{std::move(fit->coefficients), fit->intercept};
  for (size_t j = 0; j < head.weights.size(); ++j) {
    head.weights[j] /= scaler.scale[j];
    head.intercept -= head.weights[j] * scaler.mean[j];
  }
  return head;
}

std::optional<FittedHead> fit_head(const Examples& examples, const Rows& rows,
                                   const Candidate& candidate, int64_t seed) {
  switch (candidate.head) {
    case Head::kRidge:
      return fit_ridge(examples, rows, candidate.strength);
    case Head::kLogistic:
      return fit_log_odds(examples, rows, candidate.strength);
    default:
      return fit_mlp(examples, rows, gap_targets(examples, rows), weights_of(examples, rows), seed);
  }
}

double apply(const FittedHead& head, std::span<const float> vector) {
  if (const auto* mlp = std::get_if<Mlp>(&head)) return (*mlp)(vector);
  const auto& linear = std::get<LinearHead>(head);
  double sum = linear.intercept;
  for (size_t j = 0; j < vector.size(); ++j)
    sum += linear.weights[j] * double{vector[j]};
  return sum;
}

// Of every candidate the gaps of folds.rows, by fits that have not seen them; 0 where it cannot be
// fitted.
std::vector<std::vector<double>> predict_out_of_fold(const Examples& examples, const Folds& folds,
                                                     std::span<const Candidate> candidates,
                                                     int64_t seed) {
  std::vector predicted(candidates.size(), std::vector<double>(folds.rows.size()));
  parallel_for(folds.folds.size() * candidates.size(), [&](size_t task) {
    const Fold& fold = folds.folds[task / candidates.size()];
    const size_t candidate = task % candidates.size();
    if (fold.outside.empty()) return;
    const auto head = fit_head(examples, fold.outside, candidates[candidate], seed);
    for (size_t i = 0; head && i < fold.inside.size(); ++i)
      predicted[candidate][fold.inside_positions[i]] =
          apply(*head, examples.embedding(fold.inside[i]));
  });
  return predicted;
}

void store_head(const FittedHead& head, const Stack& stack, Fit& fit) {
  const double factor = stack.weights[0];
  const auto scaled = [factor](const auto& numbers) {
    std::vector<double> result;
    for (const auto number : numbers)
      result.push_back(factor * double{number});
    return result;
  };
  double intercept = 0;
  if (const auto* mlp = std::get_if<Mlp>(&head)) {
    fit.settings[std::string(section::kHead)] = model::kMlpHead;
    fit.weights[std::string(section::kHiddenWeights)] = {mlp->hidden_weights.begin(),
                                                         mlp->hidden_weights.end()};
    fit.weights[std::string(section::kHiddenBias)] = {mlp->hidden_bias.begin(),
                                                      mlp->hidden_bias.end()};
    fit.weights[std::string(section::kHeadWeights)] = scaled(mlp->weights);
    intercept = mlp->intercept;
  } else {
    const auto& linear = std::get<LinearHead>(head);
    fit.settings[std::string(section::kHead)] = model::kLinearHead;
    fit.weights[std::string(section::kHeadWeights)] = scaled(linear.weights);
    intercept = linear.intercept;
  }
  fit.weights[std::string(section::kIntercept)] = {stack.intercept + factor * intercept};
}

std::vector<Candidate> candidates_for(Head head, size_t dimension) {
  // A fine-tuned encoder with one output gives the gap: nothing but its scale is left to find.
  if (head == Head::kOwn || dimension == 1) return {{Head::kRidge, 1e-6}};
  std::vector<Candidate> chosen;
  for (const Candidate& candidate : kCandidates)
    if (head == Head::kBest || candidate.head == head) chosen.push_back(candidate);
  return chosen;
}

}  // namespace

std::expected<Fit, Error> fit_bert(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options) {
  Fit fit;
  if (options.head == Head::kOwn && examples.dimension() > 1) {
    fit.settings[std::string(section::kHead)] = model::kLabelsHead;
    fit.summary = fmt::format("the encoder's own head of {} labels: softmax of the first",
                              examples.dimension());
    return fit;
  }
  TRY_ASSIGN(const Folds folds, make_folds(examples, rows, options));
  const std::vector<Candidate> candidates = candidates_for(options.head, examples.dimension());
  GapSearch search =
      search_gap(examples, folds, predict_out_of_fold(examples, folds, candidates, options.seed));
  const Candidate& best = candidates[search.best];
  const auto head = fit_head(examples, rows, best, options.seed);
  if (!head)
    return fail(ErrorCode::kInvalidArgument, "the head cannot be fitted: only one kind of label");
  store_head(*head, search.stack, fit);
  store_gap_parts(examples, rows, search, fit);
  fit.out_of_fold = {.rows = folds.rows, .scores = std::move(search.scores)};
  fit.summary = fmt::format(
      "head on {} numbers of the encoder: {}, best of {} by cross-validation on {} rows, with the "
      "length: correlation with the gap {:.3f}",
      examples.dimension(), describe(best), candidates.size(), folds.rows.size(),
      search.correlation);
  return fit;
}

}  // namespace weir::train
