#include "gateway/unit.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace weir::gateway {
namespace {

using wire::Dialect;

class Identify : public testing::Test {
 protected:
  Identify() {
    auto built = Snapshot::build(
        {},
        [](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
          return std::nullopt;
        },
        "0123456789abcdef", "me");
    CHECK(built.has_value());
    snapshot_ = *built;
  }
  Unit unit(std::string messages, std::vector<std::pair<std::string, std::string>> headers = {},
            std::string more = "", std::string key = "") {
    http::Headers out;
    for (const auto& [name, value] : headers)
      out.add(name, value);
    auto chat = wire::decode_chat(
        Dialect::kOpenAi, R"({"model":"auto",)" + more + R"("messages":[)" + messages + "]}");
    CHECK(chat.has_value());
    return identify(*snapshot_, key, out, *chat);
  }

  std::shared_ptr<const Snapshot> snapshot_;
};

const std::string kFirst = R"({"role":"system","content":"S"},{"role":"user","content":"hello"})";
const std::string kLater =
    kFirst + R"(,{"role":"assistant","content":"hi"},{"role":"user","content":"more"})";

TEST_F(Identify, LaterTurnsAreTheSameUnitAndAnotherTurn) {
  EXPECT_EQ(unit(kFirst).id, unit(kLater).id);
  EXPECT_EQ(unit(kFirst).draw, unit(kLater).draw);
  EXPECT_NE(unit(kFirst).turn, unit(kLater).turn);
}

TEST_F(Identify, OpeningsKeysAndUsersTellUnitsApart) {
  const auto base = unit(kFirst).id;
  EXPECT_NE(unit(R"({"role":"system","content":"S"},{"role":"user","content":"hello!"})").id, base);
  EXPECT_NE(unit(R"({"role":"system","content":"T"},{"role":"user","content":"hello"})").id, base);
  EXPECT_NE(unit(kFirst, {}, "", "key-1").id, base);
  EXPECT_NE(unit(kFirst, {}, R"("user":"u1",)").id, base);
  EXPECT_NE(unit(kFirst, {}, R"("prompt_cache_key":"c1",)").id, base);
}

TEST_F(Identify, TextsCannotRunIntoEachOther) {
  EXPECT_NE(unit(R"({"role":"system","content":"ab"},{"role":"user","content":"c"})").id,
            unit(R"({"role":"system","content":"a"},{"role":"user","content":"bc"})").id);
}

TEST_F(Identify, AnExplicitSessionIsTheUnit) {
  for (const char* name :
       {"x-session-id", "x-conversation-id", "x-litellm-session-id", "X-Claude-Code-Session-Id"}) {
    const auto one = unit(kFirst, {{name, "s1"}});
    EXPECT_EQ(one.id, unit(R"({"role":"user","content":"other"})", {{name, "s1"}}).id) << name;
    EXPECT_NE(one.id, unit(kFirst, {{name, "s2"}}).id) << name;
    EXPECT_NE(one.id, unit(kFirst).id) << name;
    EXPECT_FALSE(one.conversation_hash.empty());
  }
  EXPECT_NE(unit(kFirst, {{"x-session-id", "s1"}}, "", "k1").id,
            unit(kFirst, {{"x-session-id", "s1"}}, "", "k2").id);
}

TEST_F(Identify, ASessionInsideTheUserIdIsRecognised) {
  EXPECT_EQ(session_in_user_id("user_ab_account_cd_session_1234"), "1234");
  EXPECT_EQ(session_in_user_id(R"({"device_id":"d","session_id":"5678"})"), "5678");
  EXPECT_EQ(session_in_user_id("alice"), "");
  EXPECT_EQ(session_in_user_id("{broken"), "");
  EXPECT_EQ(unit(kFirst, {}, R"("user":"user_a_session_1",)").id,
            unit(R"({"role":"user","content":"x"})", {}, R"("user":"user_a_session_1",)").id);
}

TEST_F(Identify, HarnessBlocksInTheOpeningDoNotChangeTheUnit) {
  EXPECT_EQ(
      unit(R"({"role":"user","content":"<system-reminder>today is Monday</system-reminder>hi"})")
          .id,
      unit(R"({"role":"user","content":"<system-reminder>today is Friday</system-reminder>hi"})")
          .id);
}

TEST_F(Identify, DrawsAreUniform) {
  int below = 0;
  for (int i = 0; i < 4000; ++i)
    below += unit(R"({"role":"user","content":"q)" + std::to_string(i) + "\"}").draw < 0.05;
  EXPECT_NEAR(below, 200, 55);  // four standard deviations
}

}  // namespace
}  // namespace weir::gateway
