#include "gateway/evidence.h"

#include "gateway/gateway_fixture.h"

namespace weir::gateway {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using upstream::whole;

// A router that judges the first number of an embedding from a third provider.
class Ask : public GatewayFixture {
 protected:
  void start_with_embeddings() {
    options_.embed_api_key = "embed-key";
    const LoadScorer load =
        [this](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
      Scorer scorer;
      scorer.kind = "lr";
      scorer.embed_url = EmbedUrl{*http::Endpoint::parse(embedder_.base_url() + "/v1"), "emb", ""};
      scorer.score_embedding = [](std::span<const float> embedding, model::Scratch&) {
        return model::Score{embedding.empty() ? 1 : embedding[0], !embedding.empty()};
      };
      return scorer;
    };
    start(load);
  }

  upstream::ScriptedProvider embedder_;
};

TEST_F(Ask, TheEmbeddingFromTheUrlDecides) {
  options_.catalog.put(priced_model("emb", 20'000, 0));
  embedder_.script(
      {whole(200, R"({"data":[{"embedding":[0.1,0.2]}],"usage":{"prompt_tokens":7}})")});
  start_with_embeddings();
  answer_weak();
  const Reply reply = chat(question("hard words"));
  EXPECT_EQ(reply.header("x-weir-model"), "small");
  EXPECT_EQ(reply.header("x-weir-score"), "0.1000");
  const auto requests = embedder_.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].path, "/v1/embeddings");
  EXPECT_EQ(requests[0].headers.get("authorization"), "Bearer embed-key");
  EXPECT_EQ(requests[0].body, R"({"model":"emb","input":"hard words"})");
  ASSERT_THAT(end_row().calls, SizeIs(2));
  EXPECT_EQ(end_row().calls[0].role, store::CallRole::kRouter);
  EXPECT_EQ(end_row().calls[0].cost_nanousd, 140);
  EXPECT_EQ(end_row().calls[1].role, store::CallRole::kServed);
}

TEST_F(Ask, AFailureMeansStrong) {
  embedder_.script(
      {whole(500, "{}"), whole(200, R"({"data":[{"embedding":["x"]}]})"), whole(200, "garbage")});
  start_with_embeddings();
  for (const char* words : {"one", "two", "three"}) {
    answer_strong();
    const Reply reply = chat(question(words));
    EXPECT_EQ(reply.header("x-weir-model"), "big");
    EXPECT_EQ(reply.header("x-weir-reason"), "cannot_judge");
  }
}

TEST_F(Ask, NothingIsAskedWhenTheScoreCannotMatter) {
  start_with_embeddings();
  answer_strong();
  chat(question("words"), {{"x-weir-route", "strong"}});
  answer_strong();
  chat(question("words", "dear/big"));
  EXPECT_THAT(embedder_.requests(), IsEmpty());
}

}  // namespace
}  // namespace weir::gateway
