// From named routes with examples to a router of kind semantic, and thresholds for them from
// labelled utterances. No labels of difficulty are needed: routes separate topics.
// Pure, thread-safe; the same input gives the same file.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/embedder.h"
#include "model/router_file.h"
#include "model/semantic.h"

namespace weir::train {

struct SemanticRoute {
  model::NamedRoute route;
  std::vector<std::string> examples;  // at least one
  // Least similarity at which the route takes a query; nullopt: any.
  std::optional<double> threshold;
};

struct SemanticRoutes {
  std::vector<SemanticRoute> routes;
  std::vector<std::string> models;  // of the routes and perhaps more, weakest first, at least two
  std::string default_route;        // "": what no route takes goes to the strongest model
};

// Each route becomes the centroid of its normalised examples, once of their sentence vectors and
// once of their n-grams of words (tf-idf over the examples). The similarity is the sum of the two
// cosines with weights kVectorWeight and 1 - kVectorWeight.
// Fails: kInvalidArgument naming the route: no example, an example without a known word, a name
// that stands twice, a model that is not in `models`.
inline constexpr double kVectorWeight = 0.6;
[[nodiscard]] std::expected<model::RouterFile, Error> fit_semantic(
    const SemanticRoutes& routes, const model::StaticEmbedder& embedder);

inline constexpr std::string_view kNoRoute = "none";

struct Utterance {
  std::string query;
  std::string route;  // the name of a route; "" or kNoRoute: none of them
};

struct RouteFit {
  std::string route;
  size_t nearest = 0;     // utterances to which this route is the nearest
  size_t belong = 0;      // of them, those labelled with it
  double threshold = -1;  // -1: takes all of them
};

struct ThresholdFit {
  std::vector<RouteFit> routes;  // in the order of the file
  size_t utterances = 0;
  size_t right_before = 0;    // named rightly without thresholds; of "none" always wrong
  size_t right_after = 0;     // with them, on the same utterances: too good
  size_t right_held_out = 0;  // each under thresholds fitted without its fifth
};

// Sets the threshold of each route in `file`: of the utterances to which the route is nearest, as
// many as possible are then taken if they are labelled with it and refused if not; of equally good
// thresholds the middle of the lowest gap. A refused utterance goes to the default route, which is
// right for "none" and for utterances of the default route. Utterances without a known word count
// as refused. Fails: kInvalidArgument when the file is no router of kind semantic, there is no
// utterance, or one names an unknown route.
[[nodiscard]] std::expected<ThresholdFit, Error> fit_route_thresholds(
    std::span<const Utterance> utterances, const model::StaticEmbedder& embedder,
    model::RouterFile& file);

}  // namespace weir::train
