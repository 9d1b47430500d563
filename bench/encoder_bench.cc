// Time of one sentence vector by number of tokens, of the encoder in models/encoder.weir
// (tools/models/get_encoder makes it). Run from the repository's root; ONEDNN_MAX_CPU_ISA=AVX2
// limits the products to AVX2. bench/encoder_vs_onnx.py compares with ONNX Runtime.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "model/encoder.h"

namespace {

using weir::model::Encoder;

const Encoder* encoder(std::string& why_not) {
  static const auto loaded = Encoder::load("models/encoder.weir");
  if (!loaded) why_not = loaded.error().message;
  return loaded ? &*loaded : nullptr;
}

void embed(benchmark::State& state) {
  std::string why_not;
  const Encoder* const with = encoder(why_not);
  if (with == nullptr) return state.SkipWithError(why_not.c_str());
  std::vector<int32_t> ids(static_cast<size_t>(state.range(0)) - 2);
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = 2000 + static_cast<int32_t>(i * 37 % 5000);
  std::vector<float> vector(with->dimension());
  weir::model::EncoderScratch scratch;
  for (auto _ : state)
    benchmark::DoNotOptimize(with->embed_tokens(ids, vector, scratch));
}
BENCHMARK(embed)->Arg(16)->Arg(64)->Arg(128)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
