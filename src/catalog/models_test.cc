#include "catalog/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Catalog, HoldsCurrentModelsOfBothDialectsWithPrices) {
  const Catalog catalog = Catalog::built_in();
  EXPECT_GT(catalog.size(), 200u);
  for (const char* name : {"claude-opus-4-6", "claude-haiku-4-5-20251001", "gpt-4o", "gpt-4o-mini",
                           "gpt-5", "gpt-5-mini"}) {
    const Model* model = catalog.find(name);
    ASSERT_NE(model, nullptr) << name;
    EXPECT_TRUE(model->price.known()) << name;
    EXPECT_TRUE(model->facts_known) << name;
    EXPECT_GT(model->context_tokens, 0) << name;
    EXPECT_GT(model->max_output_tokens, 0) << name;
    EXPECT_TRUE(model->has(Capability::kTools)) << name;
  }
  const Model haiku = catalog.get_or_unknown("claude-haiku-4-5-20251001");
  EXPECT_EQ(haiku.price.tiers[0].input_picousd, 1'000'000);
  EXPECT_EQ(haiku.price.tiers[0].output_picousd, 5'000'000);
  EXPECT_EQ(haiku.price.tiers[0].cache_read_picousd, 100'000);
  EXPECT_EQ(haiku.price.tiers[0].cache_write_1h_picousd, 2'000'000);
  EXPECT_TRUE(std::string(Catalog::table_version()).starts_with("litellm "));
  EXPECT_EQ(haiku.price.version.find(' '), std::string::npos);
}

TEST(Catalog, LengthTiersAscendAndCostMore) {
  const Catalog catalog = Catalog::built_in();
  const Model* gemini = catalog.find("gemini-2.5-pro");
  ASSERT_NE(gemini, nullptr);
  ASSERT_EQ(gemini->price.tiers.size(), 2u);
  EXPECT_EQ(gemini->price.tiers[1].above_input_tokens, 200'000);
  EXPECT_GT(gemini->price.tiers[1].input_picousd, gemini->price.tiers[0].input_picousd);
}

TEST(Catalog, UnknownModelHasNoPriceAndNoFacts) {
  const Catalog catalog = Catalog::built_in();
  EXPECT_EQ(catalog.find("my-own-model"), nullptr);
  const Model unknown = catalog.get_or_unknown("my-own-model");
  EXPECT_EQ(unknown.name, "my-own-model");
  EXPECT_FALSE(unknown.price.known());
  EXPECT_FALSE(unknown.facts_known);
}

TEST(Catalog, PutReplacesAnEntry) {
  Catalog catalog = Catalog::built_in();
  const size_t size = catalog.size();
  catalog.put({.name = "gpt-4o", .price = {.tiers = {{.input_picousd = 7}}, .version = "config"}});
  EXPECT_EQ(catalog.size(), size);
  EXPECT_EQ(catalog.find("gpt-4o")->price.tiers[0].input_picousd, 7);
  catalog.put({.name = "mine"});
  EXPECT_EQ(catalog.size(), size + 1);
}

TEST(Catalog, SuggestsNamesNearAMisspeltOne) {
  const Catalog catalog = Catalog::built_in();
  const auto near = catalog.near("claude-opus-46", 2);
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near[0], "claude-opus-4-6");
}

TEST(NearestNames, AreOrderedByDistanceWithoutRegardToCase) {
  const std::vector<std::string> names{"serve", "route", "report", "replay"};
  EXPECT_THAT(nearest_names("reprot", names, 1), ElementsAre("report"));
  EXPECT_THAT(nearest_names("SERVE", names, 1), ElementsAre("serve"));
  EXPECT_THAT(nearest_names("rout", names), ElementsAre("route"));
  EXPECT_THAT(nearest_names("xyz", names), IsEmpty());
  EXPECT_THAT(nearest_names("", names), IsEmpty());
  EXPECT_THAT(nearest_names(std::string(100'000, 'r'), names), IsEmpty());
}

}  // namespace
}  // namespace weir::catalog
