#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "model/estimator.h"
#include "model/query_hash.h"
#include "stats/quantile.h"
#include "train/fit.h"
#include "train/folds.h"
#include "train/label_sample.h"

namespace weir::train {
namespace {

using model::Kind;
struct KindTrainer {
  Kind kind;
  std::expected<Fit, Error> (*fit)(const Examples&, const Rows&, const TrainOptions&);
  Partial partial = Partial::kLeaveOut;
};

constexpr std::array kTrainers{
    KindTrainer{Kind::kLr, fit_lr},
    KindTrainer{Kind::kCawr, fit_cawr},
    KindTrainer{Kind::kLength, fit_length},
    KindTrainer{Kind::kNgram, fit_ngram},
    KindTrainer{Kind::kKernel, fit_kernel},
    KindTrainer{Kind::kBert, fit_bert},
    KindTrainer{Kind::kAuto, fit_auto},
    KindTrainer{Kind::kKnn, fit_knn, Partial::kInclude},
    KindTrainer{Kind::kCluster, fit_cluster, Partial::kInclude},
    KindTrainer{Kind::kMf, fit_mf, Partial::kInclude},
    KindTrainer{Kind::kSw, fit_sw, Partial::kInclude},
    KindTrainer{Kind::kRandom, fit_random},
};

std::vector<double> scores_of_strong_needed(const Examples& examples, const Measured& measured) {
  std::vector<double> chosen;
  for (size_t i = 0; i < measured.rows.size(); ++i)
    if (examples.rows[measured.rows[i]].label == 1) chosen.push_back(measured.scores[i]);
  return chosen;
}

// In percent and back, so that 0.8 gives the quantile 0.2 exactly.
double complement(double share) {
  return (100 - share * 100) / 100;
}

double share_at_least(std::span<const double> scores, double threshold) {
  const auto count = std::ranges::count_if(scores, [=](double s) { return s >= threshold; });
  return static_cast<double>(count) / static_cast<double>(scores.size());
}

double mean(std::span<const double> scores) {
  return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

// `measured_on` names the scores.
void set_threshold(const ThresholdRule& rule, std::span<const double> scores,
                   std::span<const double> strong_needed, std::string_view measured_on,
                   model::RouterFile& file) {
  using By = ThresholdRule::By;
  switch (rule.by) {
    case By::kDefault:
      return;
    case By::kFixed:
      file.threshold = rule.value;
      file.threshold_origin = "set by hand";
      return;
    case By::kRecall:
      file.threshold = stats::quantile(strong_needed, complement(rule.value));
      file.threshold_origin = fmt::format("recall {} ({})", rule.value, measured_on);
      return;
    case By::kStrongShare:
      file.threshold = stats::quantile(scores, complement(rule.value));
      file.threshold_origin = fmt::format("strong share {} ({})", rule.value, measured_on);
      return;
  }
}

std::vector<model::TrainingSource> describe_sources(const Examples& examples) {
  std::vector<model::TrainingSource> sources;
  for (const DataSource& source : examples.sources) {
    sources.push_back({.name = source.file.filename().string(),
                       .weak = source.pair ? source.pair->weak : "",
                       .strong = source.pair ? source.pair->strong : "",
                       .rows = 0,
                       .strong_needed = 0});
  }
  for (const LabelledRow& row : examples.rows) {
    ++sources[row.source].rows;
    sources[row.source].strong_needed += row.label == 1 ? 1 : 0;
  }
  return sources;
}

std::expected<void, Error> check_rows(const Examples& examples, const TrainOptions& options) {
  const auto count = examples.rows.size();
  if (count < options.folds) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} usable rows are too few to train on", count));
  }
  const auto useless = [](const LabelledRow& row) { return row.label < 0 && row.results.empty(); };
  if (std::ranges::any_of(examples.rows, useless))
    return fail(ErrorCode::kInvalidArgument, "a row has no label");
  const auto strong = std::ranges::count(examples.rows, 1, &LabelledRow::label);
  if (strong > 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("none of {} rows has label 1: no query needed the strong model", count));
}

}  // namespace

Partial partial_rows_for(Kind kind) {
  const auto found = std::ranges::find(kTrainers, kind, &KindTrainer::kind);
  return found == kTrainers.end() ? Partial::kLeaveOut : found->partial;
}

std::expected<Fit, Error> fit_kind(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options) {
  const auto found = std::ranges::find(kTrainers, options.kind, &KindTrainer::kind);
  CHECK(found != kTrainers.end());
  return found->fit(examples, rows, options);
}

std::expected<void, Error> score_rows(const Examples& examples, const Rows& rows,
                                      const TrainOptions& options, const Fit& fit,
                                      std::vector<double>& scores) {
  model::RouterFile file = untrained_router(options, examples.embed);
  file.trained = true;
  file.weights = fit.weights;
  file.blobs = fit.blobs;
  file.settings = fit.settings;
  TRY_ASSIGN(const auto estimator, model::make_estimator(file));
  text::Features features;
  model::Workspace workspace;
  for (const uint32_t row : rows) {
    features.prompt = examples.prompts[row];
    if (examples.ngrams.size() > 0) examples.ngrams.unpack(row, features);
    workspace.clear();
    const double score =
        estimator->score({examples.words[row], features, examples.embedding(row)}, workspace);
    scores[row] = std::isnan(score) ? 1 : score;  // not judged means strong
  }
  return {};
}

namespace {

std::expected<std::optional<Measured>, Error> score_out_of_fold(const Examples& examples,
                                                                const Rows& rows,
                                                                const TrainOptions& options) {
  TRY_ASSIGN(const Folds folds, make_folds(examples, rows, options));
  std::vector<double> scores(examples.rows.size());
  for (const Fold& fold : folds.folds) {
    auto fit = fit_kind(examples, fold.outside, options);
    if (!fit && fit.error().code == ErrorCode::kInvalidArgument) return std::nullopt;
    if (!fit) return std::unexpected(std::move(fit).error());
    TRY(score_rows(examples, fold.inside, options, *fit, scores));
    if (options.on_fit) options.on_fit();
  }
  Measured measured{.rows = folds.rows, .scores = {}};
  for (const uint32_t row : folds.rows)
    measured.scores.push_back(scores[row]);
  return measured;
}

}  // namespace

std::expected<std::optional<Measured>, Error> out_of_fold_scores(const Examples& examples,
                                                                 const Rows& rows,
                                                                 const TrainOptions& options,
                                                                 Fit& fit) {
  if (fit.out_of_fold.rows.empty()) return score_out_of_fold(examples, rows, options);
  return Measured{std::move(fit.out_of_fold.rows), std::move(fit.out_of_fold.scores)};
}

std::vector<uint32_t> assign_folds(std::span<const std::string> words, uint32_t folds,
                                   int64_t seed) {
  std::vector<uint64_t> hashes;
  for (const std::string& text : words)
    hashes.push_back(model::query_hash(text));
  std::vector<uint64_t> unique = hashes;
  std::ranges::sort(unique);
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  std::vector<uint32_t> fold_of_unique(unique.size());
  for (uint32_t i = 0; i < fold_of_unique.size(); ++i)
    fold_of_unique[i] = i % folds;
  Random random(static_cast<uint64_t>(seed));
  for (size_t i = fold_of_unique.size(); i > 1; --i)
    std::swap(fold_of_unique[i - 1], fold_of_unique[random.below(i)]);
  std::vector<uint32_t> fold_of;
  for (const uint64_t hash : hashes) {
    const auto at = std::ranges::lower_bound(unique, hash) - unique.begin();
    fold_of.push_back(fold_of_unique[static_cast<size_t>(at)]);
  }
  return fold_of;
}

model::RouterFile untrained_router(const TrainOptions& options, model::EmbedSource embed) {
  model::RouterFile file;
  file.kind = options.kind;
  file.feature_spec = text::kFeatureSpec;
  file.embed = std::move(embed);
  file.models = options.models;
  file.cut_time = options.cut_time;
  file.split_seed = options.seed;
  return file;
}

std::expected<Trained, Error> train_router(const Examples& examples, const TrainOptions& options) {
  TRY(check_rows(examples, options));
  Rows all(examples.rows.size());
  std::iota(all.begin(), all.end(), 0U);
  TRY_ASSIGN(Fit fit, fit_kind(examples, all, options));
  if (options.on_fit) options.on_fit();
  Measured in_sample{.rows = all, .scores = std::vector<double>(all.size())};
  TRY(score_rows(examples, all, options, fit, in_sample.scores));
  TRY_ASSIGN(const auto out_of_fold, out_of_fold_scores(examples, all, options, fit));
  const Measured& measured = out_of_fold ? *out_of_fold : in_sample;
  const auto strong_in_sample = scores_of_strong_needed(examples, in_sample);
  const auto strong_measured = scores_of_strong_needed(examples, measured);

  Trained trained;
  model::RouterFile& file = trained.file;
  file = untrained_router(options, examples.embed);
  file.trained = true;
  file.weights = std::move(fit.weights);
  file.blobs = std::move(fit.blobs);
  file.settings = std::move(fit.settings);
  file.sources = describe_sources(examples);
  file.label_sample = sample_labels(examples, static_cast<uint64_t>(options.seed));
  for (const std::string& words : examples.words)
    file.query_hashes.push_back(model::query_hash(words));
  std::ranges::sort(file.query_hashes);
  file.query_hashes.erase(std::unique(file.query_hashes.begin(), file.query_hashes.end()),
                          file.query_hashes.end());
  const bool drawn = !fit.threshold_origin.empty();
  if (drawn)
    file.threshold_origin = std::move(fit.threshold_origin);
  else
    set_threshold(options.threshold, measured.scores, strong_measured,
                  out_of_fold ? "out of fold" : "on training scores", file);

  TrainReport& report = trained.report;
  report.rows = static_cast<int64_t>(all.size());
  report.strong_needed = static_cast<int64_t>(strong_in_sample.size());
  report.recall80_in_sample = stats::quantile(strong_in_sample, 0.2);
  if (out_of_fold) {
    report.recall80_out_of_fold = stats::quantile(strong_measured, 0.2);
    const auto to_strong = [&](std::span<const double> scores) {
      return drawn ? mean(scores) : share_at_least(scores, file.threshold);
    };
    report.strong_share = to_strong(measured.scores);
    report.recall = to_strong(strong_measured);
  }
  report.fit = std::move(fit.summary);
  return trained;
}

}  // namespace weir::train
