// weir calibrate for named routes: the least similarity at which each takes a query.
#include <fmt/format.h>

#include <algorithm>

#include "apps/calibrate_handlers.h"
#include "apps/output.h"
#include "base/compress.h"
#include "base/files.h"
#include "base/json.h"
#include "train/semantic_routes.h"

namespace weir::apps {
namespace {

constexpr size_t kFileLimit = size_t{64} << 20;

std::expected<std::string, Error> read_text(const std::string& path) {
  TRY_ASSIGN(std::string bytes, read_file(path, kFileLimit));
  if (!path.ends_with(".gz")) return bytes;
  return decompress(ContentCoding::kGzip, bytes, kFileLimit);
}

std::expected<train::Utterance, Error> parse_utterance(std::string line) {
  TRY_ASSIGN(const json::Document row, json::Document::parse(std::move(line)));
  const auto query = row.root()["query"].as_string(), route = row.root()["route"].as_string();
  if (query && route) return train::Utterance{*query, *route};
  return fail(ErrorCode::kInvalidArgument,
              "a row must hold the texts `query` and `route`, the name of the route that it "
              "belongs to or `none`");
}

std::expected<std::vector<train::Utterance>, Error> read_utterances(const DataOptions& options) {
  std::vector<train::Utterance> utterances;
  for (const std::string& path : options.data) {
    TRY_ASSIGN(const std::string text, read_text(path));
    size_t number = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view line = std::string_view(text).substr(begin, end - begin);
      begin = end + 1;
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      auto utterance = parse_utterance(std::string(line));
      if (!utterance)
        return fail(utterance.error().code,
                    fmt::format("{}:{}: {}", path, number, utterance.error().message));
      utterances.push_back(*std::move(utterance));
    }
  }
  if (utterances.empty())
    return fail(ErrorCode::kInvalidArgument, "--data must name files with labelled utterances");
  return utterances;
}

double percent(size_t part, size_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string summary_text(const train::ThresholdFit& fit, std::string_view written) {
  std::string text = fmt::format(
      "{} utterances; rightly routed without thresholds {:.1f} %, with them {:.1f} % (held out), "
      "{:.1f} % (on the rows of the fit)\n",
      fit.utterances, percent(fit.right_before, fit.utterances),
      percent(fit.right_held_out, fit.utterances), percent(fit.right_after, fit.utterances));
  for (const train::RouteFit& route : fit.routes)
    text += fmt::format("route {}: nearest to {}, of which {} belong; {}\n", route.route,
                        route.nearest, route.belong,
                        route.threshold == -1
                            ? std::string("takes all")
                            : fmt::format("takes similarity {:.4f} and above", route.threshold));
  return text + std::string(written);
}

std::string summary_json(const train::ThresholdFit& fit) {
  json::Writer out;
  out.begin_object().member("utterances", fit.utterances);
  out.member("right_before", fit.right_before).member("right_held_out", fit.right_held_out);
  out.member("right_after", fit.right_after).key("routes").begin_array();
  for (const train::RouteFit& route : fit.routes) {
    out.begin_object().member("route", route.route).member("nearest", route.nearest);
    out.member("belong", route.belong).member("threshold", route.threshold).end_object();
  }
  return out.end_array().end_object().take() + "\n";
}

}  // namespace

std::expected<void, Error> calibrate_routes(const CalibrateOptions& options,
                                            const model::Router& router) {
  if (!options.aims.empty())
    return fail(ErrorCode::kInvalidArgument,
                "a router of named routes has no score to set a threshold on; its routes' "
                "thresholds come from the labelled utterances alone");
  TRY_ASSIGN(const auto utterances, read_utterances(options.data));
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  model::RouterFile file = router.file();
  TRY_ASSIGN(const train::ThresholdFit fit,
             train::fit_route_thresholds(utterances, embedder, file));
  std::string written = "dry run: nothing written\n";
  if (!options.dry_run) {
    TRY_ASSIGN(const std::string bytes, encode_router_file(file));
    TRY(write_file(options.written_to(), bytes));
    written = fmt::format("wrote {}\n", options.written_to());
  }
  return write_output(options.json ? summary_json(fit) : summary_text(fit, written));
}

std::expected<void, Error> refuse_drawn(const CalibrateOptions& options, const model::Router&) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is of kind cawr: its score is the calibrated probability that it "
                          "draws with and logs; for another strong share train it with "
                          "--strong-share or --recall",
                          options.router));
}

}  // namespace weir::apps
