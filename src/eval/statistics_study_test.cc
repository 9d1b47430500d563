#include "eval/statistics_study.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace weir::eval {
namespace {

TEST(StatisticsStudy, KeepsItsPromisesAndPeekingDoesNot) {
  const Study study = study_statistics({.streams = 60, .length = 1500, .alarm_threshold = 2000});
  for (const CoverageCell& cell : study.coverage)
    EXPECT_LE(cell.missed, 9) << cell.stream << ", " << cell.method;  // 3 and 3.5 deviations
  for (const CoverageCell& cell : study.false_alarms)
    EXPECT_LE(cell.missed, 9) << cell.stream;
  EXPECT_GE(study.peeking_misses, 12);
  EXPECT_GE(study.average_run_length, 2000);
  for (const DetectionCell& cell : study.detection)
    EXPECT_LT(cell.median_pairs, cell.after > 0.1 ? 600 : 3000) << cell.history;
}

TEST(StatisticsStudy, IsRepeatableAndPrintsItsKeys) {
  const StudyOptions options{.streams = 3, .length = 200, .alarm_threshold = 50};
  const std::string text = to_json(study_statistics(options));
  EXPECT_EQ(text, to_json(study_statistics(options)));
  const auto document = json::Document::parse(text);
  ASSERT_TRUE(document);
  for (const char* key : {"alpha", "streams", "coverage", "false_alarm_rate", "average_run_length",
                          "detection", "peeking_false_alarm_rate"})
    EXPECT_TRUE(document->root()[key].exists()) << key;
  EXPECT_EQ(document->root()["detection"].size(), 6U);
}

}  // namespace
}  // namespace weir::eval
