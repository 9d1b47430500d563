#include "train/mlp.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/random.h"

namespace weir::train {
namespace {

using Eigen::ArrayXf;
using Eigen::Index;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::VectorXf;

constexpr Index kBatch = 64;
constexpr size_t kEpochs = 12, kFewestSteps = 400, kMostSteps = 20'000;
constexpr float kRate = 2e-3F, kDecay = 0.05F;
constexpr float kFirst = 0.9F, kSecond = 0.999F, kTiny = 1e-8F;

float normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return static_cast<float>(radius * std::cos(2 * std::numbers::pi * random.uniform()));
}

// Parameters with the moments of their gradients.
struct Adam {
  ArrayXf values, first, second;
  float decay = 0;

  Adam(Index size, float decay_of_values)
      : values(ArrayXf::Zero(size)),
        first(ArrayXf::Zero(size)),
        second(ArrayXf::Zero(size)),
        decay(decay_of_values) {}

  void step(const Eigen::Ref<const ArrayXf>& gradient, float rate, float correct_first,
            float correct_second) {
    first = kFirst * first + (1 - kFirst) * gradient;
    second = kSecond * second + (1 - kSecond) * gradient.square();
    values -= rate *
              (first / correct_first / ((second / correct_second).sqrt() + kTiny) + decay * values);
  }
};

struct Inputs {
  Matrix vectors;  // [rows, dimension], standardised by one scale for all
  VectorXf mean;
  float scale = 1;
};

Inputs read_inputs(const Examples& examples, const Rows& rows) {
  const auto dimension = static_cast<Index>(examples.dimension());
  Inputs inputs{.vectors = Matrix(static_cast<Index>(rows.size()), dimension), .mean = {}};
  for (size_t i = 0; i < rows.size(); ++i)
    inputs.vectors.row(static_cast<Index>(i)) =
        Eigen::RowVectorXf::Map(examples.embedding(rows[i]).data(), dimension);
  inputs.mean = inputs.vectors.colwise().mean();
  inputs.vectors.rowwise() -= inputs.mean.transpose();
  const float spread = std::sqrt(inputs.vectors.array().square().mean());
  inputs.scale = spread > 0 ? spread : 1;
  inputs.vectors /= inputs.scale;
  return inputs;
}

class Trainer {
 public:
  Trainer(Index dimension, int64_t seed)
      : random_(static_cast<uint64_t>(seed)),
        dimension_(dimension),
        hidden_(kUnits * dimension, kDecay),
        bias_(kUnits, 0),
        out_(kUnits, kDecay),
        intercept_(1, 0) {
    const float spread = std::sqrt(2.0F / static_cast<float>(dimension));
    for (float& value : hidden_.values)
      value = spread * normal(random_);
    const float out_spread = std::sqrt(1.0F / static_cast<float>(kUnits)) / 4;
    for (float& value : out_.values)
      value = out_spread * normal(random_);
  }

  void run(const Inputs& inputs, const VectorXf& targets, const VectorXf& weights) {
    const auto rows = static_cast<size_t>(inputs.vectors.rows());
    const size_t steps =
        std::clamp(kEpochs * rows / static_cast<size_t>(kBatch), kFewestSteps, kMostSteps);
    intercept_.values[0] = weights.sum() > 0 ? targets.dot(weights) / weights.sum() : 0;
    Matrix batch(kBatch, dimension_);
    VectorXf wanted(kBatch), weight(kBatch);
    for (size_t step = 1; step <= steps; ++step) {
      for (Index i = 0; i < kBatch; ++i) {
        const auto row = static_cast<Index>(random_.below(rows));
        batch.row(i) = inputs.vectors.row(row);
        wanted[i] = targets[row];
        weight[i] = weights[row];
      }
      const float progress = static_cast<float>(step) / static_cast<float>(steps);
      descend(batch, wanted, weight, kRate * (1 - progress), step);
    }
  }

  Mlp result(const Inputs& inputs) const {
    Mlp mlp;
    const Matrix hidden = hidden_matrix() / inputs.scale;
    const VectorXf bias = bias_.values.matrix() - hidden * inputs.mean;
    mlp.hidden_weights.assign(hidden.data(), hidden.data() + hidden.size());
    mlp.hidden_bias.assign(bias.begin(), bias.end());
    mlp.weights.assign(out_.values.begin(), out_.values.end());
    mlp.intercept = double{intercept_.values[0]};
    return mlp;
  }

 private:
  static constexpr auto kUnits = static_cast<Index>(kHiddenUnits);

  Matrix hidden_matrix() const {
    return Eigen::Map<const Matrix>(hidden_.values.data(), kUnits, dimension_);
  }

  void descend(const Matrix& batch, const VectorXf& wanted, const VectorXf& weight, float rate,
               size_t step) {
    const Matrix before =
        (batch * hidden_matrix().transpose()).rowwise() + bias_.values.matrix().transpose();
    const Matrix units = before.cwiseMax(0.0F);
    const VectorXf errors =
        ((units * out_.values.matrix()).array() + intercept_.values[0] - wanted.array()) *
        weight.array() / static_cast<float>(kBatch);
    const VectorXf out_gradient = units.transpose() * errors;
    const Matrix back =
        ((errors * out_.values.matrix().transpose()).array() * (before.array() > 0).cast<float>())
            .matrix();
    const Matrix hidden_gradient = back.transpose() * batch;
    const VectorXf bias_gradient = back.colwise().sum();
    const float correct_first = 1 - std::pow(kFirst, static_cast<float>(step));
    const float correct_second = 1 - std::pow(kSecond, static_cast<float>(step));
    const auto update = [&](Adam& adam, const auto& gradient) {
      adam.step(gradient, rate, correct_first, correct_second);
    };
    update(hidden_, Eigen::Map<const ArrayXf>(hidden_gradient.data(), hidden_gradient.size()));
    update(bias_, bias_gradient.array());
    update(out_, out_gradient.array());
    update(intercept_, ArrayXf::Constant(1, errors.sum()));
  }

  Random random_;
  Index dimension_;
  Adam hidden_, bias_, out_, intercept_;
};

}  // namespace

double Mlp::operator()(std::span<const float> vector) const {
  const auto dimension = static_cast<Index>(vector.size());
  const VectorXf x = VectorXf::Map(vector.data(), dimension);
  double sum = intercept;
  for (size_t unit = 0; unit < weights.size(); ++unit) {
    const auto row = VectorXf::Map(hidden_weights.data() + unit * vector.size(), dimension);
    sum += double{weights[unit]} * double{std::max(0.0F, row.dot(x) + hidden_bias[unit])};
  }
  return sum;
}

Mlp fit_mlp(const Examples& examples, const Rows& rows, std::span<const double> targets,
            std::span<const double> weights, int64_t seed) {
  const Inputs inputs = read_inputs(examples, rows);
  const auto floats = [](std::span<const double> numbers) {
    VectorXf result(static_cast<Index>(numbers.size()));
    std::ranges::copy(numbers, result.begin());
    return result;
  };
  Trainer trainer(inputs.vectors.cols(), seed);
  trainer.run(inputs, floats(targets), floats(weights));
  return trainer.result(inputs);
}

}  // namespace weir::train
