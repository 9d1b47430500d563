#include "train/label_sample.h"

#include <gtest/gtest.h>

namespace weir::train {
namespace {

// Row i points to (i, 1).
Examples rows(size_t count) {
  Examples examples;
  examples.embed.dimension = 2;
  for (size_t i = 0; i < count; ++i) {
    examples.rows.emplace_back();
    examples.embeddings.push_back(static_cast<float>(i));
    examples.embeddings.push_back(1);
  }
  return examples;
}

TEST(SampleLabels, AFewAreAllKeptAsUnitVectors) {
  const std::string bytes = sample_labels(rows(2), 1);
  ASSERT_EQ(bytes.size(), 4u);
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[1], 127);
  EXPECT_EQ(bytes[2], 90);  // 127 / sqrt(2)
  EXPECT_EQ(bytes[3], 90);
}

TEST(SampleLabels, ManyAreBoundedAndRepeatForASeed) {
  const std::string one = sample_labels(rows(5000), 7);
  EXPECT_EQ(one.size(), 2 * kLabelSample);
  EXPECT_EQ(one, sample_labels(rows(5000), 7));
  EXPECT_NE(one, sample_labels(rows(5000), 8));
}

TEST(SampleLabels, WithoutVectorsThereIsNoSample) {
  Examples examples = rows(3);
  examples.embed.dimension = 0;
  examples.embeddings.clear();
  EXPECT_EQ(sample_labels(examples, 1), "");
}

}  // namespace
}  // namespace weir::train
