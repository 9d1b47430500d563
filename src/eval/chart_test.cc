#include "eval/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace weir::eval {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Chart, FollowsLightAndDarkAndEscapesText) {
  const std::string svg = to_svg({.title = "a < b & c",
                                  .x = {.label = "x"},
                                  .y = {.label = "y"},
                                  .series = {{.name = "one", .points = {{0, 1}, {1, 2}}}}});
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(Chart, PointsStandWhereTheirValuesAre) {
  const std::string svg = to_svg({.title = "t",
                                  .x = {.label = "x", .low = 0, .high = 1},
                                  .y = {.label = "y", .low = 0, .high = 1},
                                  .series = {{.name = "", .points = {{0, 0}, {1, 1}}}}});
  EXPECT_THAT(svg, HasSubstr("d=\"M72.0 392.0L580.0 56.0\""));
}

TEST(Chart, LogAxesPlaceDecadesEvenly) {
  const std::string svg =
      to_svg({.title = "t",
              .x = {.label = "x", .low = 1, .high = 100, .scale = AxisScale::kLog10},
              .y = {.label = "y", .low = 0, .high = 1},
              .series = {{.name = "", .points = {{1, 0}, {10, 0}, {100, 0}}}}});
  EXPECT_THAT(svg, HasSubstr("d=\"M72.0 392.0L326.0 392.0L580.0 392.0\""));
}

TEST(Chart, NothingOrNothingFiniteStillDrawsAxes) {
  for (const auto& points : std::vector<std::vector<std::pair<double, double>>>{
           {}, {{NAN, 1}}, {{1, INFINITY}}, {{2, 2}}}) {
    const std::string svg = to_svg({.title = "t",
                                    .x = {.label = "x"},
                                    .y = {.label = "y"},
                                    .series = {{.name = "s", .points = points}}});
    EXPECT_THAT(svg, HasSubstr("</svg>"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

}  // namespace
}  // namespace weir::eval
