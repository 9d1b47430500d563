// Time of one decision of kind semantic by number of routes (10 examples each), and of kind cawr by
// number of anchors: features, vector, score of a 100-token query. Made-up words and labels.
// Run from the repository's root.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "model/router.h"
#include "train/examples.h"
#include "train/semantic_routes.h"
#include "train/trainer.h"

namespace {

using weir::model::StaticEmbedder;

const StaticEmbedder& embedder() {
  static const auto loaded = StaticEmbedder::load("models/static-embedding.bin");
  if (!loaded) std::abort();
  return *loaded;
}

class Words {
 public:
  explicit Words(uint64_t seed) : random_(seed) {
    const auto& vocabulary = embedder().vocabulary();
    for (int32_t id = 1000; id < vocabulary.size(); ++id)
      if (std::ranges::all_of(vocabulary.token(id), [](char c) { return c >= 'a' && c <= 'z'; }))
        words_.push_back(vocabulary.token(id));
  }
  std::string text(size_t tokens) {
    std::string text;
    for (size_t i = 0; i < tokens; ++i) {
      text += words_[random_() % words_.size()];
      text += ' ';
    }
    return text;
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::string_view> words_;
};

void decide(benchmark::State& state, const weir::model::RouterFile& file) {
  const auto bytes = encode_router_file(file);
  const auto router = weir::model::Router::from_bytes(bytes.value(), embedder());
  Words words(7);
  std::vector<std::string> queries(512);
  for (std::string& query : queries)
    query = words.text(100);
  weir::model::Scratch scratch;
  size_t next = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(router->score(queries[next++ % queries.size()], scratch));
}

void semantic(benchmark::State& state) {
  Words words(1);
  weir::train::SemanticRoutes routes;
  routes.models = {"weak", "strong"};
  for (int64_t i = 0; i < state.range(0); ++i) {
    auto& one = routes.routes.emplace_back();
    one.route = {"route " + std::to_string(i), "", i % 2 == 0 ? "weak" : "strong"};
    for (int example = 0; example < 10; ++example)
      one.examples.push_back(words.text(12));
  }
  decide(state, fit_semantic(routes, embedder()).value());
}
BENCHMARK(semantic)->Arg(3)->Arg(77)->Arg(1000)->Unit(benchmark::kMicrosecond);

void cawr(benchmark::State& state) {
  Words words(2);
  std::mt19937_64 random(3);
  weir::train::LabelledRows rows;
  rows.sources.emplace_back();
  for (int64_t i = 0; i < state.range(0); ++i) {
    auto& row = rows.rows.emplace_back();
    row.query = words.text(20);
    row.label = static_cast<int>(random() % 2);
  }
  weir::train::TrainOptions options;
  options.kind = weir::model::Kind::kCawr;
  options.models = {"weak", "strong"};
  const auto examples =
      make_examples(std::move(rows), embedder(), weir::train::WithEmbeddings::kYes);
  decide(state, train_router(examples, options).value().file);
}
BENCHMARK(cawr)->Arg(500)->Arg(5000)->Unit(benchmark::kMicrosecond);

}  // namespace
