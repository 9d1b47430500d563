// Routers that are language models (kinds causal and llm) at the command line.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/router.h"

namespace weir::apps {

// Scores of texts (own words), asked one after the other on the calling thread; what the model does
// not answer is not judged, and the first reason goes to standard error. Requires a router of such
// a kind. Fails: kInvalidArgument when its file names no endpoint.
[[nodiscard]] std::expected<std::vector<model::Score>, Error> score_by_asking(
    const model::Router& router, std::span<const std::string> texts);

struct AskRouterOptions {
  model::Kind kind = model::Kind::kCausal;
  std::string url, model;  // of the endpoint; may be empty: then weir.yaml names the model
  std::string prompt_file;
  std::string out, cut_time;
  double threshold = 0.5;
};

// Writes such a router: there is nothing to train. Fails: kInvalidArgument (a prompt without
// {query}), as read_file and write_file.
[[nodiscard]] std::expected<void, Error> write_ask_router(const AskRouterOptions& options);

}  // namespace weir::apps
