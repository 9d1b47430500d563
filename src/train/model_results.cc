#include "train/model_results.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "model/gap_map.h"
#include "model/query_hash.h"

namespace weir::train {

ModelMeans model_means(const Examples& examples, const Rows& rows, size_t models) {
  std::vector<model::Evidence> score(models), tokens(models);
  for (const uint32_t index : rows) {
    const LabelledRow& row = examples.rows[index];
    for (const ModelResult& result : row.results) {
      if (result.model >= models) continue;
      score[result.model].add(row.weight, result.score);
      if (!std::isnan(result.output_tokens))
        tokens[result.model].add(row.weight, double{result.output_tokens});
    }
  }
  ModelMeans means;
  for (size_t model = 0; model < models; ++model) {
    means.score.push_back(score[model].weight > 0 ? score[model].mean(0, 0) : 0.5);
    means.tokens.push_back(tokens[model].weight > 0 ? tokens[model].mean(0, 0)
                                                    : model::kTokensUnknown);
  }
  return means;
}

double routing_error(std::span<const double> predicted, const LabelledRow& row) {
  double count = 0, mean = 0;
  for (const ModelResult& result : row.results) {
    if (result.model >= predicted.size()) continue;
    mean += predicted[result.model] - result.score;
    ++count;
  }
  if (count < 2) return 0;
  mean /= count;
  double error = 0;
  for (const ModelResult& result : row.results) {
    if (result.model >= predicted.size()) continue;
    const double miss = predicted[result.model] - result.score - mean;
    error += miss * miss;
  }
  return error;
}

Rows sample_rows(const Rows& rows, size_t count, int64_t seed) {
  if (rows.size() <= count) return rows;
  Rows sample = rows;
  Random random(static_cast<uint64_t>(seed));
  for (size_t i = 0; i < count; ++i)
    std::swap(sample[i], sample[i + random.below(sample.size() - i)]);
  sample.resize(count);
  std::ranges::sort(sample);
  return sample;
}

bool has_label(const Examples& examples, uint32_t row) {
  return examples.rows[row].label >= 0;
}

std::vector<uint64_t> hashes_of(const Examples& examples, const Rows& rows) {
  std::vector<uint64_t> hashes;
  for (const uint32_t row : rows)
    hashes.push_back(model::query_hash(examples.words[row]));
  return hashes;
}

}  // namespace weir::train
