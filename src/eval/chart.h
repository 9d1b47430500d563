// A chart as SVG text, readable on light and dark backgrounds (it follows prefers-color-scheme).
// For curves over two number axes; the same look as the plot of `weir eval`.
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::eval {

enum class Mark {
  kLine,
  kDashed,
  kDots,
  kDotsAndLine,
  kBand,  // between `points` and `upper`
};

struct Series {
  std::string name;  // in the legend; empty: not there
  Mark mark = Mark::kLine;
  std::vector<std::pair<double, double>> points = {};  // x, y; not finite: left out
  std::vector<std::pair<double, double>> upper = {};   // kBand: the other edge, same xs
  // Error bars of the points: low and high y, as many as points, or empty.
  std::vector<std::pair<double, double>> bars = {};
  int colour = -1;  // 0..5, -1: by position; a band usually shares that of its line
};

enum class AxisScale { kLinear, kLog10 };

struct Axis {
  std::string label;
  std::optional<double> low = {}, high = {};  // default: what the points need
  AxisScale scale = AxisScale::kLinear;
};

struct Chart {
  std::string title;
  Axis x, y;
  std::vector<Series> series = {};
  std::string note = {};  // one line under the chart
};

std::string to_svg(const Chart& chart);

}  // namespace weir::eval
