#include "train/folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace weir::train {
namespace {

// A random choice, in the order of `rows`.
Rows sample(const Rows& rows, size_t count, int64_t seed) {
  if (rows.size() <= count) return rows;
  Rows chosen = rows;
  Random random(static_cast<uint64_t>(seed));
  for (size_t i = 0; i < count; ++i)
    std::swap(chosen[i], chosen[i + random.below(chosen.size() - i)]);
  chosen.resize(count);
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace

std::expected<Folds, Error> make_folds(const Examples& examples, const Rows& rows,
                                       const TrainOptions& options) {
  Folds result{.rows = sample(rows, kCrossValidationRows, options.seed), .folds = {}};
  std::vector<std::string> words;
  for (const uint32_t row : result.rows)
    words.push_back(examples.words[row]);
  const auto fold_of = assign_folds(words, options.folds, options.seed);
  for (uint32_t fold = 0; fold < options.folds; ++fold) {
    Fold one;
    for (uint32_t position = 0; position < fold_of.size(); ++position) {
      const uint32_t row = result.rows[position];
      if (fold_of[position] != fold) {
        one.outside.push_back(row);
        continue;
      }
      one.inside.push_back(row);
      one.inside_positions.push_back(position);
    }
    if (one.inside.empty()) continue;
    if (one.outside.empty())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("all {} rows ask the same: a router learns only from different "
                              "queries",
                              result.rows.size()));
    result.folds.push_back(std::move(one));
  }
  return result;
}

double correlation(std::span<const double> a, std::span<const double> b,
                   std::span<const double> weights) {
  CHECK(a.size() == b.size() && a.size() == weights.size());
  double total = 0, mean_a = 0, mean_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    total += weights[i];
    mean_a += weights[i] * a[i], mean_b += weights[i] * b[i];
  }
  if (!(total > 0)) return 0;
  mean_a /= total, mean_b /= total;
  double aa = 0, bb = 0, ab = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a, y = b[i] - mean_b;
    aa += weights[i] * x * x, bb += weights[i] * y * y, ab += weights[i] * x * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

}  // namespace weir::train
