#include "gateway/router_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Deployment> route_of(const std::vector<std::string>& models) {
  static const upstream::Provider provider = [] {
    upstream::Provider named;
    named.name = "acme";
    return named;
  }();
  std::vector<Deployment> deployments;
  for (const std::string& model : models)
    deployments.push_back({&provider, model, {}, false});
  return deployments;
}

TEST(MatchModels, ByNameInWhateverOrderAndWithMore) {
  EXPECT_THAT(*match_models({"c", "a", "b", "d"}, route_of({"a", "b", "c"})), ElementsAre(1, 2, 0));
  EXPECT_THAT(*match_models({"acme/b", "a"}, route_of({"a", "b"})), ElementsAre(1, 0));
}

TEST(MatchModels, ByPositionForWeakAndStrongAndForPairs) {
  EXPECT_THAT(*match_models({"weak", "middle", "strong"}, route_of({"a", "b", "c"})),
              ElementsAre(0, 1, 2));
  EXPECT_THAT(*match_models({"mixtral", "gpt-4"}, route_of({"a", "b"})), ElementsAre(0, 1));
}

TEST(MatchModels, AnythingElseIsRefusedWithBothLists) {
  const auto wrong = match_models({"x", "b", "c"}, route_of({"a", "b", "c"}));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("knows the models x, b, c"));
  EXPECT_THAT(wrong.error().message, HasSubstr("the route has a, b, c"));
  EXPECT_FALSE(match_models({"weak", "strong"}, route_of({"a", "b", "c"})));
}

TEST(MatchNamed, FindsEachRoutesModel) {
  EXPECT_THAT(*match_named({{"r", "", "b"}, {"s", "", "acme/a"}, {"t", "", "strong"}},
                           route_of({"a", "b", "c"})),
              ElementsAre(1, 0, 2));
  const auto wrong = match_named({{"returns", "", "z"}}, route_of({"a", "b"}));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("'returns' to the model 'z'"));
}

}  // namespace
}  // namespace weir::gateway
