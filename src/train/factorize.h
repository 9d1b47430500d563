// Matrix factorisation of battles as RouteLLM's code trains it (model/mf.h): projection and
// classifier without bias, model vectors of length 1, noise on the query vectors, Adam, binary
// cross-entropy on (winner, loser); ties are left out. Pure, thread-safe; the same input and seed
// give the same factors. Memory: three times the factors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/battles.h"
#include "train/examples.h"

namespace weir::train {

struct FactorizeOptions {
  size_t width = 64;
  double noise = 0.1;  // standard deviation of what is added to every number of a vector
  double learning_rate = 3e-4;
  double weight_decay = 1e-5;
  size_t batch = 64;
  // Epochs are chosen to take about so many steps, within these bounds.
  size_t steps = 6000;
  size_t least_epochs = 10, most_epochs = 100;
  int64_t seed = 0;
};

struct Factorized {
  std::vector<double> projection;  // [width, dimension]
  std::vector<double> models;      // [models, width], of length 1
  std::vector<double> classifier;  // [width]
  size_t epochs = 0;
  double loss = 0;  // mean of the last epoch, with the noise
};

// Requires a battle that is no tie, and models below `models`.
Factorized factorize(const Examples& examples, std::span<const Battle> battles, size_t models,
                     const FactorizeOptions& options);

}  // namespace weir::train
