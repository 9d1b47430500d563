// The picture of an evaluation, as SVG text.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

#include "eval/report.h"

namespace weir::eval {
namespace {

constexpr double kWidth = 760, kHeight = 460;
constexpr double kLeft = 64, kRight = 640, kTop = 56, kBottom = 392;
constexpr size_t kMaxPoints = 400;  // per curve, enough for the width

constexpr std::string_view kStyle = R"(<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .note { fill: #57606a; }
  .grid { stroke: #d0d7de; }
  .axis { stroke: #57606a; }
  .back { fill: #ffffff; }
  path, .dot { fill: none; stroke-width: 2; }
  .router { stroke: #0969da; } .length { stroke: #bc4c00; }
  .random { stroke: #6e7781; stroke-dasharray: 5 4; }
  .oracle { stroke: #1a7f37; stroke-dasharray: 2 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #9198a1; } .back { fill: #0d1117; }
    .grid { stroke: #30363d; } .axis { stroke: #9198a1; }
    .router { stroke: #4493f8; } .length { stroke: #db6d28; }
    .random { stroke: #9198a1; } .oracle { stroke: #3fb950; }
  }
</style>
)";

struct Scale {
  double low, high;  // quality at the bottom and the top

  double x(double share) const { return kLeft + share * (kRight - kLeft); }
  double y(double quality) const {
    return kBottom - (quality - low) / (high - low) * (kBottom - kTop);
  }
};

struct Curve {
  std::string_view name;
  const std::vector<Point>& points;
};

// A step of 1, 2 or 5 times a power of ten that cuts `range` into about `count` parts.
double nice_step(double range, int count) {
  const double raw = range / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power) return factor * power;
  return 10 * power;
}

std::string curve_path(const Curve& curve, const Scale& scale) {
  std::string d;
  const size_t step = std::max<size_t>(1, curve.points.size() / kMaxPoints);
  const auto add = [&](const Point& point) {
    fmt::format_to(std::back_inserter(d), "{}{:.1f} {:.1f}", d.empty() ? "M" : "L",
                   scale.x(point.strong_share), scale.y(point.quality));
  };
  for (size_t i = 0; i + 1 < curve.points.size(); i += step)
    add(curve.points[i]);
  add(curve.points.back());
  return fmt::format("<path class=\"{}\" d=\"{}\"/>\n", curve.name, d);
}

std::string axes(const Scale& scale, double step) {
  std::string out;
  const auto put = std::back_inserter(out);
  const int digits = step < 0.01 ? 1 : 0;
  for (double q = std::ceil(scale.low / step) * step; q <= scale.high + 1e-9; q += step) {
    fmt::format_to(put, "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                   kLeft, kRight, scale.y(q), scale.y(q));
    fmt::format_to(
        put, "<text class=\"note\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.{}f}</text>\n",
        kLeft - 8, scale.y(q) + 4, 100 * q, digits);
  }
  for (int tenth = 0; tenth <= 10; tenth += 2) {
    fmt::format_to(put,
                   "<text class=\"note\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                   scale.x(tenth / 10.0), kBottom + 20, tenth * 10);
  }
  fmt::format_to(put, "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\n", kLeft,
                 kRight, kBottom, kBottom);
  fmt::format_to(
      put, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">calls to the strong model, %</text>\n",
      (kLeft + kRight) / 2, kBottom + 44);
  fmt::format_to(put, "<text x=\"{}\" y=\"{}\">quality, %</text>\n", kLeft - 40, kTop - 12);
  return out;
}

std::string legend(std::span<const Curve> curves, const Evaluation& evaluation) {
  const std::array<double, 4> apgr{evaluation.router.full.apgr, evaluation.length.full.apgr,
                                   evaluation.random.full.apgr, evaluation.oracle.full.apgr};
  std::string out;
  for (size_t i = 0; i < curves.size(); ++i) {
    const double y = kTop + 16 + 40 * static_cast<double>(i);
    fmt::format_to(std::back_inserter(out),
                   "<path class=\"{0}\" d=\"M{1} {2}h22\"/><text x=\"{3}\" y=\"{4}\">{0}</text>"
                   "<text class=\"note\" x=\"{3}\" y=\"{5}\">APGR {6}</text>\n",
                   curves[i].name, kRight + 16, y, kRight + 44, y + 4, y + 20,
                   std::isfinite(apgr[i]) ? fmt::format("{:.3f}", apgr[i]) : "undefined");
  }
  return out;
}

}  // namespace

std::string to_svg(const Evaluation& evaluation, const Context& context) {
  const std::array<Curve, 4> curves{
      Curve{"router", evaluation.router.full_curve}, Curve{"length", evaluation.length.full_curve},
      Curve{"random", evaluation.random.full_curve}, Curve{"oracle", evaluation.oracle.full_curve}};
  double low = 1, high = 0;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      low = std::min(low, point.quality);
      high = std::max(high, point.quality);
    }
  }
  const double range = std::max(high - low, 1e-3);
  const Scale scale{low - 0.05 * range, high + 0.05 * range};
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>Quality against strong share</title>\n{2}"
      "<rect class=\"back\" width=\"{0}\" height=\"{1}\"/>\n",
      kWidth, kHeight, kStyle);
  out += fmt::format(
      "<text class=\"title\" x=\"{}\" y=\"24\">Quality against strong share, {} "
      "queries, full resolution</text>\n",
      kLeft - 40, evaluation.queries);
  out += axes(scale, nice_step(range, 6));
  for (const Curve& curve : curves)
    out += curve_path(curve, scale);
  out += fmt::format("<circle class=\"dot router\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>\n",
                     scale.x(context.strong_share), scale.y(context.quality));
  out += legend(curves, evaluation);
  out += fmt::format(
      "<circle class=\"dot router\" cx=\"{}\" cy=\"{}\" r=\"5\"/>"
      "<text class=\"note\" x=\"{}\" y=\"{}\">threshold</text>\n</svg>\n",
      kRight + 27, kTop + 176, kRight + 44, kTop + 180);
  return out;
}

}  // namespace weir::eval
