#include "train/monotone.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace weir::train {
namespace {

constexpr size_t kMostBins = 12;
constexpr size_t kLeastInBin = 50;
// Of a point whose own weight is 0, so that every bin can be averaged.
constexpr double kLeastWeight = 1e-9;
constexpr double kSameX = 1e-9;

struct Bin {
  double x = 0, y = 0, weight = 0;

  void add(const Bin& other) {
    const double sum = weight + other.weight;
    x = (weight * x + other.weight * other.x) / sum;
    y = (weight * y + other.weight * other.y) / sum;
    weight = sum;
  }
};

}  // namespace

std::vector<double> pool_adjacent_violators(std::span<const double> values,
                                            std::span<const double> weights) {
  CHECK(values.size() == weights.size());
  struct Pool {
    double mean, weight;
    size_t count;
  };
  std::vector<Pool> pools;
  for (size_t i = 0; i < values.size(); ++i) {
    pools.push_back({values[i], weights[i], 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean >= pools.back().mean) {
      const Pool last = pools.back();
      pools.pop_back();
      Pool& pool = pools.back();
      const double sum = pool.weight + last.weight;
      pool = {(pool.mean * pool.weight + last.mean * last.weight) / sum, sum,
              pool.count + last.count};
    }
  }
  std::vector<double> fitted;
  for (const Pool& pool : pools)
    fitted.insert(fitted.end(), pool.count, pool.mean);
  return fitted;
}

model::PiecewiseLinear fit_increasing(std::span<const double> x, std::span<const double> y,
                                      std::span<const double> weights) {
  CHECK(!x.empty() && x.size() == y.size() && x.size() == weights.size());
  std::vector<uint32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [x](uint32_t i) { return std::pair(x[i], i); });
  const size_t count = std::clamp<size_t>(x.size() / kLeastInBin, 1, kMostBins);
  std::vector<Bin> bins;
  for (size_t b = 0; b < count; ++b) {
    Bin bin;
    for (size_t at = b * x.size() / count; at < (b + 1) * x.size() / count; ++at) {
      const uint32_t i = order[at];
      bin.add({x[i], y[i], std::max(weights[i], kLeastWeight)});
    }
    // Knots must ascend: many points at one x are one bin, rounding of their mean aside.
    while (!bins.empty() && bin.x <= bins.back().x + kSameX) {
      bin.add(bins.back());
      bins.pop_back();
    }
    bins.push_back(bin);
  }
  std::vector<double> knots, means, sums;
  for (const Bin& bin : bins)
    knots.push_back(bin.x), means.push_back(bin.y), sums.push_back(bin.weight);
  std::vector<double> values = pool_adjacent_violators(means, sums);
  for (size_t i = 1; i < values.size(); ++i) {
    const double least = model::PiecewiseLinear::kTailSlope * (knots[i] - knots[i - 1]);
    values[i] = std::max(values[i], values[i - 1] + least);
  }
  return {std::move(knots), std::move(values)};
}

}  // namespace weir::train
