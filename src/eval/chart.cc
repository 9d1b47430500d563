#include "eval/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

namespace weir::eval {
namespace {

constexpr double kWidth = 760, kHeight = 480;
constexpr double kLeft = 72, kRight = 580, kTop = 56, kBottom = 392;
constexpr int kColours = 6;

constexpr std::string_view kStyle = R"(<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .note { fill: #57606a; }
  .grid { stroke: #d0d7de; } .axis { stroke: #57606a; } .back { fill: #ffffff; }
  .s { fill: none; stroke-width: 2; } .dash { stroke-dasharray: 5 4; }
  .band { stroke: none; fill-opacity: 0.18; }
  .c0 { stroke: #0969da; } .c1 { stroke: #bc4c00; } .c2 { stroke: #1a7f37; }
  .c3 { stroke: #8250df; } .c4 { stroke: #6e7781; } .c5 { stroke: #cf222e; }
  .f0 { fill: #0969da; } .f1 { fill: #bc4c00; } .f2 { fill: #1a7f37; }
  .f3 { fill: #8250df; } .f4 { fill: #6e7781; } .f5 { fill: #cf222e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #9198a1; } .back { fill: #0d1117; }
    .grid { stroke: #30363d; } .axis { stroke: #9198a1; }
    .c0 { stroke: #4493f8; } .c1 { stroke: #db6d28; } .c2 { stroke: #3fb950; }
    .c3 { stroke: #ab7df8; } .c4 { stroke: #9198a1; } .c5 { stroke: #f85149; }
    .f0 { fill: #4493f8; } .f1 { fill: #db6d28; } .f2 { fill: #3fb950; }
    .f3 { fill: #ab7df8; } .f4 { fill: #9198a1; } .f5 { fill: #f85149; }
  }
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

// A step of 1, 2 or 5 times a power of ten that cuts `range` into about `count` parts.
double nice_step(double range, int count) {
  const double raw = range / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power) return factor * power;
  return 10 * power;
}

// Values of one axis to pixels.
class Ruler {
 public:
  Ruler(const Axis& axis, double low, double high, double from, double to)
      : log_(axis.scale == AxisScale::kLog10), from_(from), to_(to) {
    low_ = place(axis.low.value_or(low));
    high_ = place(axis.high.value_or(high));
    if (!std::isfinite(low_) || !std::isfinite(high_)) low_ = 0, high_ = 1;
    if (!(high_ > low_)) high_ = low_ + 1;
    const double air = log_ ? 0.02 : 0.05;
    if (!axis.low && !(low_ == 0 && !log_)) low_ -= air * (high_ - low_);
    if (!axis.high) high_ += air * (high_ - low_);
  }
  double at(double value) const {
    return from_ + (place(value) - low_) / (high_ - low_) * (to_ - from_);
  }
  bool has(double value) const { return std::isfinite(place(value)); }

  // Values to draw grid lines at.
  std::vector<double> ticks() const {
    std::vector<double> values;
    const double step =
        log_ ? std::max(1.0, std::ceil((high_ - low_) / 8)) : nice_step(high_ - low_, 6);
    for (double at = std::ceil(low_ / step - 1e-9) * step; at <= high_ + 1e-9 * step; at += step)
      values.push_back(log_ ? std::pow(10, at) : std::abs(at) < 1e-9 * step ? 0 : at);
    return values;
  }

 private:
  double place(double value) const { return log_ ? std::log10(value) : value; }

  bool log_;
  double low_ = 0, high_ = 1, from_, to_;
};

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value), high = std::max(high, value);
  }
};

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart), x_(ruler_x()), y_(ruler_y()) {}

  std::string svg() {
    fmt::format_to(put(),
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" "
                   "width=\"{0}\" height=\"{1}\" role=\"img\">\n<title>{2}</title>\n{3}"
                   "<rect class=\"back\" width=\"{0}\" height=\"{1}\"/>\n"
                   "<text class=\"title\" x=\"24\" y=\"24\">{2}</text>\n",
                   kWidth, kHeight, escaped(chart_.title), kStyle);
    axes();
    for (size_t i = 0; i < chart_.series.size(); ++i)
      series(chart_.series[i], colour_of(i));
    legend();
    if (!chart_.note.empty())
      fmt::format_to(put(), "<text class=\"note\" x=\"24\" y=\"{}\">{}</text>\n", kHeight - 16,
                     escaped(chart_.note));
    return std::move(out_) + "</svg>\n";
  }

 private:
  std::back_insert_iterator<std::string> put() { return std::back_inserter(out_); }
  int colour_of(size_t i) const {
    const int own = chart_.series[i].colour;
    return own >= 0 ? own % kColours : static_cast<int>(i) % kColours;
  }

  Ruler ruler_x() const {
    Extent extent;
    for (const Series& s : chart_.series)
      for (const auto& [x, y] : s.points)
        extent.take(x);
    return {chart_.x, extent.low, extent.high, kLeft, kRight};
  }
  Ruler ruler_y() const {
    Extent extent;
    for (const Series& s : chart_.series) {
      for (const auto& [x, y] : s.points)
        extent.take(y);
      for (const auto& [x, y] : s.upper)
        extent.take(y);
      for (const auto& [low, high] : s.bars)
        extent.take(low), extent.take(high);
    }
    return {chart_.y, extent.low, extent.high, kBottom, kTop};
  }

  void axes() {
    for (const double value : y_.ticks()) {
      fmt::format_to(put(),
                     "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
                     "<text class=\"note\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.6g}"
                     "</text>\n",
                     kLeft, kRight, y_.at(value), kLeft - 8, y_.at(value) + 4, value);
    }
    for (const double value : x_.ticks()) {
      fmt::format_to(put(),
                     "<text class=\"note\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.6g}"
                     "</text>\n",
                     x_.at(value), kBottom + 20, value);
    }
    fmt::format_to(put(),
                   "<line class=\"axis\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>\n"
                   "<text x=\"{3}\" y=\"{4}\" text-anchor=\"middle\">{5}</text>\n"
                   "<text x=\"24\" y=\"{6}\">{7}</text>\n",
                   kLeft, kRight, kBottom, (kLeft + kRight) / 2, kBottom + 44,
                   escaped(chart_.x.label), kTop - 12, escaped(chart_.y.label));
  }

  std::string path(const std::vector<std::pair<double, double>>& points) const {
    std::string d;
    for (const auto& [x, y] : points) {
      if (!x_.has(x) || !y_.has(y)) continue;
      fmt::format_to(std::back_inserter(d), "{}{:.1f} {:.1f}", d.empty() ? 'M' : 'L', x_.at(x),
                     y_.at(y));
    }
    return d;
  }

  void series(const Series& s, int colour) {
    if (s.mark == Mark::kBand) {
      std::vector<std::pair<double, double>> edge = s.points;
      edge.insert(edge.end(), s.upper.rbegin(), s.upper.rend());
      fmt::format_to(put(), "<path class=\"band f{}\" d=\"{}Z\"/>\n", colour, path(edge));
      return;
    }
    if (s.mark != Mark::kDots) {
      fmt::format_to(put(), "<path class=\"s c{}{}\" d=\"{}\"/>\n", colour,
                     s.mark == Mark::kDashed ? " dash" : "", path(s.points));
    }
    for (size_t i = 0; i < s.bars.size() && i < s.points.size(); ++i) {
      fmt::format_to(
          put(), "<path class=\"s c{}\" d=\"{}\"/>\n", colour,
          path({{s.points[i].first, s.bars[i].first}, {s.points[i].first, s.bars[i].second}}));
    }
    if (s.mark != Mark::kDots && s.mark != Mark::kDotsAndLine) return;
    for (const auto& [x, y] : s.points) {
      if (!x_.has(x) || !y_.has(y)) continue;
      fmt::format_to(put(), "<circle class=\"f{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>\n", colour,
                     x_.at(x), y_.at(y));
    }
  }

  void legend() {
    double y = kTop + 8;
    for (size_t i = 0; i < chart_.series.size(); ++i) {
      const Series& s = chart_.series[i];
      if (s.name.empty()) continue;
      const int colour = colour_of(i);
      if (s.mark == Mark::kBand)
        fmt::format_to(put(),
                       "<rect class=\"band f{}\" x=\"{}\" y=\"{}\" width=\"22\" height=\"10\"/>",
                       colour, kRight + 16, y - 5);
      else if (s.mark == Mark::kDots)
        fmt::format_to(put(), "<circle class=\"f{}\" cx=\"{}\" cy=\"{}\" r=\"4\"/>", colour,
                       kRight + 27, y);
      else
        fmt::format_to(put(), "<path class=\"s c{}{}\" d=\"M{} {}h22\"/>", colour,
                       s.mark == Mark::kDashed ? " dash" : "", kRight + 16, y);
      fmt::format_to(put(), "<text x=\"{}\" y=\"{}\">{}</text>\n", kRight + 44, y + 4,
                     escaped(s.name));
      y += 24;
    }
  }

  const Chart& chart_;
  Ruler x_, y_;
  std::string out_;
};

}  // namespace

std::string to_svg(const Chart& chart) {
  return Drawing(chart).svg();
}

}  // namespace weir::eval
