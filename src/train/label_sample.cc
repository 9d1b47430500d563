#include "train/label_sample.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "base/random.h"

namespace weir::train {

std::string sample_labels(const Examples& examples, uint64_t seed) {
  std::string bytes;
  if (examples.dimension() == 0) return bytes;
  Random random(seed);
  std::vector<size_t> rows;
  for (size_t row = 0; row < examples.rows.size(); ++row) {
    if (rows.size() < kLabelSample) {
      rows.push_back(row);
      continue;
    }
    const uint64_t at = random.below(row + 1);
    if (at < kLabelSample) rows[at] = row;
  }
  for (const size_t row : rows) {
    const auto vector = examples.embedding(row);
    double squares = 0;
    for (const float x : vector)
      squares += static_cast<double>(x) * static_cast<double>(x);
    const double scale = squares > 0 ? 127 / std::sqrt(squares) : 0;
    for (const float x : vector)
      bytes += static_cast<char>(std::lround(static_cast<double>(x) * scale));
  }
  return bytes;
}

}  // namespace weir::train
