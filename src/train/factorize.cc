#include "train/factorize.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "simd/kernels.h"

namespace weir::train {
namespace {

constexpr float kBeta1 = 0.9F, kBeta2 = 0.999F, kEpsilon = 1e-8F;  // Adam's, as PyTorch has them
constexpr size_t kNoiseTable = 1 << 18;

// Parameters with their gradients and Adam's moments.
struct Parameters {
  explicit Parameters(size_t size) : values(size), gradients(size), first(size), second(size) {}

  std::vector<float> values, gradients, first, second;

  void uniform(float bound, Random& random) {
    for (float& x : values)
      x = bound * static_cast<float>(2 * random.uniform() - 1);
  }

  // `step` counts from 1. Forgets the gradients.
  void update(const FactorizeOptions& options, int step) {
    const auto decay = static_cast<float>(options.weight_decay);
    const auto rate = static_cast<float>(options.learning_rate / (1 - std::pow(kBeta1, step)));
    const auto correction = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, step)));
    for (size_t i = 0; i < values.size(); ++i) {
      const float gradient = gradients[i] + decay * values[i];
      first[i] = kBeta1 * first[i] + (1 - kBeta1) * gradient;
      second[i] = kBeta2 * second[i] + (1 - kBeta2) * gradient * gradient;
      values[i] -= rate * first[i] / (std::sqrt(second[i]) * correction + kEpsilon);
      gradients[i] = 0;
    }
  }
};

// Normal numbers to be read from any place on: drawing one for every number of every vector in
// every epoch would take longer than all the rest.
std::vector<float> noise_table(size_t dimension, Random& random) {
  std::vector<float> table(kNoiseTable + dimension);
  for (size_t i = 0; i < table.size(); i += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    table[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < table.size()) table[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return table;
}

class Factorizer {
 public:
  Factorizer(const Examples& examples, std::span<const Battle> battles, size_t models,
             const FactorizeOptions& options)
      : examples_(examples),
        options_(options),
        dimension_(examples.dimension()),
        width_(options.width),
        random_(static_cast<uint64_t>(options.seed)),
        noise_(noise_table(dimension_, random_)),
        projection_(width_ * dimension_),
        models_(models * width_),
        classifier_(width_),
        query_(dimension_),
        hidden_(width_),
        winner_(width_),
        loser_(width_) {
    for (const Battle& battle : battles)
      if (battle.outcome == Outcome::kWin) battles_.push_back(battle);
    CHECK(!battles_.empty() && width_ > 0);
    projection_.uniform(1 / std::sqrt(static_cast<float>(dimension_)), random_);
    classifier_.uniform(1 / std::sqrt(static_cast<float>(width_)), random_);
    for (float& x : models_.values)
      x = noise_[random_.below(kNoiseTable)];
  }

  Factorized run() {
    const size_t batches = (battles_.size() + options_.batch - 1) / options_.batch;
    const size_t epochs =
        std::clamp(options_.steps / batches, options_.least_epochs, options_.most_epochs);
    Factorized result{.projection = {}, .models = {}, .classifier = {}, .epochs = epochs};
    int step = 0;
    for (size_t epoch = 0; epoch < epochs; ++epoch) {
      for (size_t i = battles_.size(); i > 1; --i)
        std::swap(battles_[i - 1], battles_[random_.below(i)]);
      double loss = 0;
      for (size_t first = 0; first < battles_.size(); first += options_.batch) {
        loss += batch(
            std::span(battles_).subspan(first, std::min(options_.batch, battles_.size() - first)));
        ++step;
        for (Parameters* parameters : {&projection_, &models_, &classifier_})
          parameters->update(options_, step);
      }
      result.loss = loss / static_cast<double>(battles_.size());
    }
    result.projection.assign(projection_.values.begin(), projection_.values.end());
    result.classifier.assign(classifier_.values.begin(), classifier_.values.end());
    for (size_t at = 0; at < models_.values.size(); at += width_) {
      normalized(at / width_, winner_);
      result.models.insert(result.models.end(), winner_.begin(), winner_.end());
    }
    return result;
  }

 private:
  // The vector of a model at length 1; returns its own length.
  float normalized(size_t model, std::vector<float>& out) const {
    const auto from = std::span(models_.values).subspan(model * width_, width_);
    std::ranges::copy(from, out.begin());
    return simd::normalize(out);
  }

  // Adds the gradients of the mean loss; returns the sum of the losses.
  double batch(std::span<const Battle> battles) {
    double loss = 0;
    for (const Battle& battle : battles)
      loss += one(battle, 1 / static_cast<float>(battles.size()));
    return loss;
  }

  double one(const Battle& battle, float share) {
    const std::span<const float> embedding = examples_.embedding(battle.row);
    const float* noise = noise_.data() + random_.below(kNoiseTable);
    for (size_t j = 0; j < dimension_; ++j)
      query_[j] = embedding[j] + static_cast<float>(options_.noise) * noise[j];
    const float winner_length = normalized(battle.winner, winner_);
    const float loser_length = normalized(battle.loser, loser_);
    float logit = 0;
    for (size_t k = 0; k < width_; ++k) {
      hidden_[k] =
          simd::dot(query_, std::span(projection_.values).subspan(k * dimension_, dimension_));
      logit += classifier_.values[k] * (winner_[k] - loser_[k]) * hidden_[k];
    }
    const double weight = examples_.rows[battle.row].weight;
    const float slope = -share * static_cast<float>(weight) / (1 + std::exp(logit));
    descend(battle, slope, winner_length, loser_length);
    return weight * (std::max(-logit, 0.0F) + std::log1p(std::exp(-std::abs(logit))));
  }

  // `slope` is the derivative of the loss by the logit.
  void descend(const Battle& battle, float slope, float winner_length, float loser_length) {
    float along_winner = 0, along_loser = 0;  // of the models' gradients with their directions
    for (size_t k = 0; k < width_; ++k) {
      const float apart = winner_[k] - loser_[k], weight = classifier_.values[k];
      classifier_.gradients[k] += slope * apart * hidden_[k];
      const float by_hidden = slope * weight * apart;
      float* to = projection_.gradients.data() + k * dimension_;
      for (size_t j = 0; j < dimension_; ++j)
        to[j] += by_hidden * query_[j];
      along_winner += slope * weight * hidden_[k] * winner_[k];
      along_loser -= slope * weight * hidden_[k] * loser_[k];
    }
    // Through u = v / |v|: the part along u vanishes.
    float* winner = models_.gradients.data() + battle.winner * width_;
    float* loser = models_.gradients.data() + battle.loser * width_;
    for (size_t k = 0; k < width_; ++k) {
      const float by_model = slope * classifier_.values[k] * hidden_[k];
      if (winner_length > 0) winner[k] += (by_model - along_winner * winner_[k]) / winner_length;
      if (loser_length > 0) loser[k] += (-by_model - along_loser * loser_[k]) / loser_length;
    }
  }

  const Examples& examples_;
  const FactorizeOptions& options_;
  size_t dimension_, width_;
  Random random_;
  std::vector<float> noise_;
  Parameters projection_, models_, classifier_;
  std::vector<Battle> battles_;
  std::vector<float> query_, hidden_, winner_, loser_;
};

}  // namespace

Factorized factorize(const Examples& examples, std::span<const Battle> battles, size_t models,
                     const FactorizeOptions& options) {
  return Factorizer(examples, battles, models, options).run();
}

}  // namespace weir::train
