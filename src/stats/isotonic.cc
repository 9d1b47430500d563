#include "stats/isotonic.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace weir::stats {
namespace {

struct Block {
  double weight = 0;
  double mean = 0;
  size_t rows = 0;
};

}  // namespace

std::vector<double> pool_adjacent_violators(std::span<const double> values,
                                            std::span<const double> weights) {
  CHECK(values.size() == weights.size());
  std::vector<Block> blocks;
  for (size_t i = 0; i < values.size(); ++i) {
    Block block{weights[i], values[i], 1};
    while (!blocks.empty() && blocks.back().mean >= block.mean) {
      const Block& last = blocks.back();
      const double weight = last.weight + block.weight;
      block.mean = (last.mean * last.weight + block.mean * block.weight) / weight;
      block.weight = weight;
      block.rows += last.rows;
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  std::vector<double> fitted;
  for (const Block& block : blocks)
    fitted.insert(fitted.end(), block.rows, block.mean);
  return fitted;
}

IsotonicFit fit_isotonic(std::span<const double> x, std::span<const double> y) {
  CHECK(!x.empty() && x.size() == y.size());
  std::vector<uint32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [x](uint32_t row) { return std::pair(x[row], row); });
  std::vector<double> xs, sums, weights;
  for (const uint32_t row : order) {
    if (xs.empty() || xs.back() != x[row]) {
      xs.push_back(x[row]);
      sums.push_back(0);
      weights.push_back(0);
    }
    sums.back() += y[row];
    weights.back() += 1;
  }
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] /= weights[i];
  const std::vector<double> fitted = pool_adjacent_violators(sums, weights);
  IsotonicFit fit;
  for (size_t i = 0; i < xs.size(); ++i) {
    const bool inside =
        i > 0 && i + 1 < xs.size() && fitted[i - 1] == fitted[i] && fitted[i] == fitted[i + 1];
    if (inside) continue;
    fit.xs.push_back(xs[i]);
    fit.ys.push_back(fitted[i]);
  }
  return fit;
}

}  // namespace weir::stats
