#include "gateway/ready_router.h"

#include <array>
#include <cmath>

#include "base/check.h"
#include "model/answer_routers.h"
#include "model/estimator.h"
#include "policy/cascade.h"
#include "text/features.h"

namespace weir::gateway {
namespace {

using model::Kind;
namespace section = model::section;

// Rank of a query of n characters: n / (n + 100). 100 is about the median of a question to a chat;
// a route that knows its own lengths trains its router or sets its threshold.
void set_length(model::RouterFile& file) {
  constexpr double kMedianChars = 100;
  auto& knots = file.weights[std::string(section::kLengthKnots)];
  auto& values = file.weights[std::string(section::kLengthValues)];
  for (const double chars :
       {0.0, 10.0, 30.0, 100.0, 300.0, 1'000.0, 3'000.0, 10'000.0, 100'000.0}) {
    knots.push_back(std::log1p(chars));
    values.push_back(chars / (chars + kMedianChars));
  }
}

void set_random(model::RouterFile& file) {
  file.weights[std::string(section::kSeed)] = {0};
}

// What the weak answer shows decides: gateway/cascade.h.
void set_cascade(model::RouterFile& file) {
  file.threshold = policy::kDefaultEscalateBelow;
}

// The model that judges is the route's to name.
template <Kind kKind>
void set_asked(model::RouterFile& file) {
  file.embed.from = model::EmbedFrom::kUrl;
  file.embed.dimension = model::answer_dimension(kKind);
}

struct ReadyKind {
  Kind kind;
  void (*set)(model::RouterFile& file);
};
constexpr std::array kReady{
    ReadyKind{Kind::kLength, set_length}, ReadyKind{Kind::kRandom, set_random},
    ReadyKind{Kind::kCascade, set_cascade}, ReadyKind{Kind::kCausal, set_asked<Kind::kCausal>},
    ReadyKind{Kind::kLlm, set_asked<Kind::kLlm>}};

const ReadyKind* find_ready(std::string_view word) {
  for (const ReadyKind& ready : kReady)
    if (model::to_string(ready.kind) == word) return &ready;
  return nullptr;
}

}  // namespace

bool is_ready_kind(std::string_view word) {
  return find_ready(word) != nullptr;
}

model::RouterFile ready_router(std::string_view word) {
  const ReadyKind* ready = find_ready(word);
  CHECK(ready != nullptr);
  model::RouterFile file;
  file.kind = ready->kind;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.models = {"weak", "strong"};
  ready->set(file);
  return file;
}

}  // namespace weir::gateway
