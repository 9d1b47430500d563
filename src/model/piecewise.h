// A function of one number, linear between knots and with the slope of `kTailSlope` beyond them, so
// that an increasing one increases everywhere. Immutable, thread-safe.
#pragma once

#include <expected>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/router_file.h"

namespace weir::model {

class PiecewiseLinear {
 public:
  static constexpr double kTailSlope = 1e-4;

  PiecewiseLinear() = default;  // 0 everywhere
  // Requires equal sizes and knots that ascend.
  PiecewiseLinear(std::vector<double> knots, std::vector<double> values);
  // From the sections `knots` and `values`. Fails: kCorrupt, naming the section that is missing,
  // too long or out of order.
  [[nodiscard]] static std::expected<PiecewiseLinear, Error> read(const RouterFile& file,
                                                                  std::string_view knots,
                                                                  std::string_view values);

  double operator()(double x) const noexcept;

  const std::vector<double>& knots() const { return knots_; }
  const std::vector<double>& values() const { return values_; }

 private:
  std::vector<double> knots_, values_;
};

}  // namespace weir::model
