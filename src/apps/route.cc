// weir route: what a router decides, for one query or for many.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/embed_url.h"
#include "apps/line_reader.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "base/digest.h"
#include "base/json.h"
#include "model/cawr.h"
#include "model/knn.h"
#include "model/router.h"
#include "model/semantic.h"
#include "text/own_words.h"
#include "train/examples.h"
#include "train/parallel.h"

namespace weir::apps {
namespace {

constexpr size_t kLineLimit = size_t{32} << 20;
constexpr size_t kRoundLines = 16'384;
constexpr size_t kRoundBytes = size_t{8} << 20;
constexpr size_t kBatchBytes = size_t{1} << 20;  // a batch ends with the query that reaches it

struct Options {
  std::string router;
  std::optional<std::string> query;
  std::optional<double> threshold;
  bool json = false;
  bool explain = false;
  bool lines = false;
};

// What a router says of one query.
struct Judged {
  model::Score score = {};
  std::optional<uint32_t> route = {};                // the named route that takes it
  std::vector<float> similarities = {};              // to each named route
  std::vector<model::ModelEstimate> estimates = {};  // of each model
  std::vector<model::Neighbour> neighbours = {};     // labelled queries, nearest first
};

struct Decision {
  std::string words;  // what was scored
  std::string model;
  double prob_strong_needed = 1;
  bool to_strong = true;
  double threshold = 0.5;
  std::string_view reason = {};
  Judged judged = {};
};

std::vector<model::NamedRoute> named_routes_of(const model::Router* router) {
  if (router == nullptr) return {};
  auto routes = model::named_routes(router->file());
  return routes ? *std::move(routes) : std::vector<model::NamedRoute>();
}

// Decides queries. Without a router everything goes to strong.
class Decider {
 public:
  Decider(const model::Router* router, std::optional<double> threshold)
      : router_(router), threshold_(threshold), named_(named_routes_of(router)) {
    if (router != nullptr) explore_ = model::explore_of(router->file());
  }

  std::span<const model::NamedRoute> named_routes() const { return named_; }
  std::span<const std::string> models() const {
    return router_ == nullptr ? std::span<const std::string>() : router_->models();
  }

  std::string_view id_of(const model::Neighbour& neighbour) const {
    return model::anchor_id(router_->file(), neighbour.anchor);
  }

  bool asks_endpoint() const {
    return trained() && router_->embed_source().from == model::EmbedFrom::kUrl;
  }
  // How many queries are worth collecting for one decide(): requests cost, scoring here does not.
  size_t batch_queries() const { return asks_endpoint() ? kEmbedBatchTexts : 1; }

  std::vector<Decision> decide(std::span<const std::string> queries) {
    std::vector<std::string> words;
    for (const std::string& query : queries)
      words.push_back(train::scored_words(query));
    std::vector<Judged> judged = judge(words);
    std::vector<Decision> decisions;
    for (size_t i = 0; i < words.size(); ++i)
      decisions.push_back(decision_of(std::move(words[i]), std::move(judged[i])));
    return decisions;
  }

 private:
  bool trained() const { return router_ != nullptr && router_->trained(); }

  Decision decision_of(std::string words, Judged judged) const {
    Decision decision{.words = std::move(words), .model = "strong", .judged = std::move(judged)};
    const model::Score& score = decision.judged.score;
    if (router_ != nullptr) {
      decision.model = router_->models().back();
      decision.threshold = router_->threshold();
    }
    decision.threshold = threshold_.value_or(decision.threshold);
    if (!trained()) {
      decision.reason = "untrained";
      return decision;
    }
    decision.prob_strong_needed = score.prob_strong_needed;
    decision.reason = score.judged ? "score" : "cannot_judge";
    if (!score.judged) return decision;
    if (explore_) {
      decision.reason = "explore";
      decision.threshold = draw_of(decision.words);
    }
    decision.to_strong = score.prob_strong_needed >= decision.threshold;
    if (explore_) decision.to_strong = decision.threshold < score.prob_strong_needed;
    if (!decision.to_strong) decision.model = router_->models().front();
    if (!decision.judged.route) return decision;
    decision.reason = "semantic";
    decision.model = named_[*decision.judged.route].model;
    decision.to_strong = decision.model == router_->models().back();
    return decision;
  }

  // The same query is always drawn the same. Serving draws by conversation and secret salt.
  static double draw_of(std::string_view words) {
    return to_unit_interval(siphash({0x64726177, 0}, words));
  }

  Judged judge_in_process(const std::string& words) {
    Judged judged{.score = router_->score(words, scratch_)};
    const model::Workspace& found = scratch_.workspace;
    judged.neighbours = found.neighbours;
    if (!judged.score.judged) return judged;
    if (found.route && *found.route < named_.size()) judged.route = found.route;
    judged.similarities = found.similarities;
    judged.estimates = found.estimates;
    return judged;
  }

  // An endpoint that does not answer leaves queries unjudged, as it does when serving.
  std::vector<Judged> judge(std::span<const std::string> words) {
    std::vector<Judged> judged;
    if (!trained()) return std::vector<Judged>(words.size());
    if (!asks_endpoint()) {
      for (const std::string& text : words)
        judged.push_back(judge_in_process(text));
      return judged;
    }
    const auto answered = score_texts(*router_, words);
    if (answered) {
      for (const model::Score& score : *answered)
        judged.push_back({.score = score});
      return judged;
    }
    // What the endpoint refuses in one query must not cost the others their decision.
    if (words.size() > 1 && answered.error().code == ErrorCode::kUnsupported) {
      for (size_t i = 0; i < words.size(); ++i)
        judged.push_back(judge(words.subspan(i, 1)).front());
      return judged;
    }
    fmt::print(stderr, "weir: {}\n", answered.error().message);
    return std::vector<Judged>(words.size());
  }

  const model::Router* router_;
  std::optional<double> threshold_;
  std::vector<model::NamedRoute> named_;
  std::optional<double> explore_;
  model::Scratch scratch_;
};

std::string why(const Decider& decider, const Decision& decision) {
  if (decision.reason == "untrained")
    return "there is no trained router, so everything goes to strong";
  if (decision.reason == "cannot_judge" && !decision.judged.neighbours.empty())
    return "no labelled query is near enough, so it goes to strong";
  if (decision.reason == "cannot_judge")
    return "the query holds nothing that the router can judge, so it goes to strong";
  if (const auto route = decision.judged.route)
    return fmt::format("similarity {:.6f} to the route {}", decision.judged.similarities[*route],
                       decider.named_routes()[*route].name);
  if (!decision.judged.similarities.empty())
    return "no named route is near enough and none is the default, so it goes to strong";
  if (decision.reason == "explore")
    return fmt::format("drawn: {:.6f} {} P(strong) {:.6f}", decision.threshold,
                       decision.to_strong ? "<" : ">=", decision.prob_strong_needed);
  return fmt::format("P(strong needed) {:.6f} {} threshold {:.6f}", decision.prob_strong_needed,
                     decision.to_strong ? ">=" : "<", decision.threshold);
}

// Those that are shown: a decision may rest on hundreds.
std::span<const model::Neighbour> nearest_few(const Judged& judged) {
  return std::span(judged.neighbours).first(std::min<size_t>(10, judged.neighbours.size()));
}

// {route, similarity, all_similarities} for named routes; route is null where none is near enough.
void write_routes(json::Writer& out, const Decider& decider, const Judged& judged) {
  const auto nearest = std::ranges::max_element(judged.similarities) - judged.similarities.begin();
  const auto at = judged.route.value_or(static_cast<uint32_t>(nearest));
  out.key("route");
  judged.route ? out.value(decider.named_routes()[at].name) : out.null();
  out.member("similarity", judged.similarities[at]).key("all_similarities").begin_object();
  for (size_t i = 0; i < judged.similarities.size(); ++i)
    out.member(decider.named_routes()[i].name, judged.similarities[i]);
  out.end_object();
}

void write_neighbours(json::Writer& out, const Decider& decider, const Judged& judged) {
  if (judged.neighbours.empty()) return;
  out.key("neighbours").begin_array();
  for (const model::Neighbour& neighbour : nearest_few(judged)) {
    out.begin_object().member("id", decider.id_of(neighbour));
    out.member("similarity", neighbour.similarity).end_object();
  }
  out.end_array();
}

void write_estimates(json::Writer& out, const Decider& decider, const Judged& judged) {
  out.key("estimates").begin_object();
  for (size_t i = 0; i < judged.estimates.size() && i < decider.models().size(); ++i) {
    out.key(decider.models()[i]).begin_object().member("quality", judged.estimates[i].quality);
    out.member("output_tokens", judged.estimates[i].output_tokens).end_object();
  }
  out.end_object();
}

std::string json_line(const Options& options, const Decider& decider, std::string_view query,
                      const Decision& decision) {
  json::Writer out;
  out.begin_object().member("query", query).member("model", decision.model);
  out.member("prob_strong_needed", decision.prob_strong_needed);
  out.member("routed_to_strong", decision.to_strong).member("threshold", decision.threshold);
  out.member("reason", decision.reason);
  if (decision.reason == "untrained") out.member("confidence", 1.0);
  if (!decision.judged.similarities.empty()) write_routes(out, decider, decision.judged);
  if (!decision.judged.estimates.empty()) write_estimates(out, decider, decision.judged);
  if (options.explain) {
    out.member("words", decision.words).member("why", why(decider, decision));
    write_neighbours(out, decider, decision.judged);
  }
  out.end_object();
  return out.take() + "\n";
}

std::string text_lines(const Options& options, const Decider& decider, const Decision& decision) {
  std::string out =
      fmt::format("{}  (reason {}, P(strong needed) {:.4f}, threshold {:.4f})\n", decision.model,
                  decision.reason, decision.prob_strong_needed, decision.threshold);
  if (const auto route = decision.judged.route)
    out = fmt::format("{}  (route {}, similarity {:.4f})\n", decision.model,
                      decider.named_routes()[*route].name, decision.judged.similarities[*route]);
  if (!options.explain) return out;
  out += fmt::format("words scored: {}\n", decision.words.empty() ? "(none)" : decision.words);
  for (const model::Neighbour& neighbour : nearest_few(decision.judged))
    out += fmt::format("near {}: {:.4f}\n", decider.id_of(neighbour), neighbour.similarity);
  for (size_t i = 0; i < decision.judged.similarities.size(); ++i)
    out += fmt::format("similarity to {}: {:.4f}\n", decider.named_routes()[i].name,
                       decision.judged.similarities[i]);
  return out + fmt::format("why: {}\n", why(decider, decision));
}

std::expected<std::string, Error> query_of(const std::string& line) {
  TRY_ASSIGN(const json::Document row, json::Document::parse(line));
  auto query = row.root().is_string() ? row.root().as_string() : row.root()["query"].as_string();
  if (query) return *std::move(query);
  return fail(ErrorCode::kInvalidArgument,
              "a row must be an object with the text 'query' (plain text: --lines)");
}

// nullopt at the end of the input.
std::expected<std::optional<std::string>, Error> next_query(const Options& options,
                                                            LineReader& reader) {
  for (;;) {
    TRY_ASSIGN(std::optional<std::string> line, reader.next());
    if (!line) return std::nullopt;
    if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
    if (options.lines) return line;
    auto query = query_of(*line);
    if (query) return *std::move(query);
    return fail(query.error().code,
                fmt::format("standard input:{}: {}", reader.line_number(), query.error().message));
  }
}

std::expected<void, Error> write_decisions(const Options& options, Decider& decider,
                                           std::span<const std::string> queries) {
  const std::vector<Decision> decisions = decider.decide(queries);
  for (size_t i = 0; i < queries.size(); ++i)
    TRY(write_output(json_line(options, decider, queries[i], decisions[i])));
  return {};
}

// Queries whose vectors an endpoint makes, in batches: requests cost, the network is what waits.
std::expected<void, Error> route_by_endpoint(const Options& options, Decider& decider) {
  LineReader reader(stdin, kLineLimit);
  std::vector<std::string> queries;
  size_t bytes = 0;
  for (;;) {
    auto query = next_query(options, reader);
    const bool more = query && *query;
    if (more) {
      bytes += (*query)->size();
      queries.push_back(**std::move(query));
      if (queries.size() < decider.batch_queries() && bytes < kBatchBytes) continue;
    }
    // Also before a bad row: what was asked before it is answered.
    TRY(write_decisions(options, decider, queries));
    if (!query) return std::unexpected(std::move(query).error());
    if (!more) return {};
    queries.clear();
    bytes = 0;
  }
}

// Lines of the input in order, and what is answered to each.
struct Round {
  struct Line {
    std::string text;
    size_t number = 0;
    std::expected<std::string, Error> answer = {};
  };
  std::vector<Line> lines = {};
  std::optional<Error> failure = {};  // of reading, after these lines
  bool last = false;
};

// Waits for the first line, then takes what is there already, up to a bound.
Round read_round(LineReader& reader) {
  Round round;
  for (size_t bytes = 0; round.lines.size() < kRoundLines && bytes < kRoundBytes;) {
    if (!round.lines.empty() && !reader.ready()) return round;
    auto line = reader.next();
    if (!line) round.failure = std::move(line).error();
    round.last = !line || !*line;
    if (round.last) return round;
    if ((*line)->find_first_not_of(" \t\r") == std::string::npos) continue;
    bytes += (*line)->size();
    round.lines.push_back({**std::move(line), reader.line_number()});
  }
  return round;
}

std::expected<std::string, Error> answer_line(const Options& options, Decider& decider,
                                              const Round::Line& line) {
  auto query = options.lines ? std::expected<std::string, Error>(line.text) : query_of(line.text);
  if (!query) {
    return fail(query.error().code,
                fmt::format("standard input:{}: {}", line.number, query.error().message));
  }
  const std::vector<Decision> decisions = decider.decide(std::span(&*query, 1));
  return json_line(options, decider, *query, decisions.front());
}

// Each decider belongs to one thread; which one answers a line makes no difference.
void answer_round(const Options& options, std::vector<Decider>& deciders, Round& round) {
  constexpr size_t kSlice = 64;
  std::atomic<size_t> next = 0;
  train::parallel_for(deciders.size(), [&](size_t worker) {
    for (size_t begin = next.fetch_add(kSlice); begin < round.lines.size();
         begin = next.fetch_add(kSlice)) {
      const size_t end = std::min(begin + kSlice, round.lines.size());
      for (size_t i = begin; i < end; ++i)
        round.lines[i].answer = answer_line(options, deciders[worker], round.lines[i]);
    }
  });
}

std::expected<void, Error> write_round(Round& round, Progress& progress) {
  for (Round::Line& line : round.lines) {
    if (!line.answer) return std::unexpected(std::move(line.answer).error());
    TRY(write_output(*line.answer));
  }
  progress.advance(round.lines.size());
  if (round.failure) return std::unexpected(*std::move(round.failure));
  round.lines.clear();
  return {};
}

// All cores decide a round while the one before is written and the next is read. What waits is
// bounded by three rounds. Input that comes slowly is answered line by line.
std::expected<void, Error> route_in_process(const Options& options, const model::Router* router) {
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 256);
  std::vector<Decider> deciders;
  for (size_t i = 0; i < threads; ++i)
    deciders.emplace_back(router, options.threshold);
  LineReader reader(stdin, kLineLimit);
  // On a terminal the results themselves show how far it is.
  Progress progress("route", 0, ::isatty(STDOUT_FILENO) == 1 ? Show::kNever : Show::kOnTerminal);
  Round previous, current = read_round(reader);
  for (;;) {
    Round next;
    std::expected<void, Error> written;
    {
      const std::jthread work([&] { answer_round(options, deciders, current); });
      written = write_round(previous, progress);
      if (!current.last && reader.ready()) next = read_round(reader);
    }
    TRY(written);
    const bool done = current.last;
    if (!done && (!next.lines.empty() || next.last)) {
      previous = std::move(current);
      current = std::move(next);
      continue;
    }
    TRY(write_round(current, progress));
    if (done) return {};
    TRY(flush_output());
    previous = Round();
    current = read_round(reader);
  }
}

// nullopt: no file, so nothing is trained yet; that is answered, not refused.
std::expected<std::optional<model::Router>, Error> load_router(
    const std::string& path, const model::StaticEmbedder& embedder) {
  if (path.empty()) {
    fmt::print(stderr, "weir: no --router given, everything goes to strong\n");
    return std::nullopt;
  }
  auto router = model::Router::load(path, embedder);
  if (router && router->kind() == model::Kind::kCascade)
    return fail(ErrorCode::kUnsupported,
                "a cascade judges answers, not queries: every query goes to the weak model first; "
                "try it with weir cascade");
  if (router) return std::optional(*std::move(router));
  if (router.error().code != ErrorCode::kNotFound) return std::unexpected(router.error());
  fmt::print(stderr, "weir: {}; everything goes to strong\n", router.error().message);
  return std::nullopt;
}

std::expected<void, Error> run(const Options& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const std::optional<model::Router> router, load_router(options.router, embedder));
  Decider decider(router ? &*router : nullptr, options.threshold);
  if (!options.query && decider.asks_endpoint()) return route_by_endpoint(options, decider);
  if (!options.query) return route_in_process(options, router ? &*router : nullptr);
  const Decision decision = decider.decide(std::span(&*options.query, 1)).front();
  return write_output(options.json ? json_line(options, decider, *options.query, decision)
                                   : text_lines(options, decider, decision));
}

}  // namespace

int run_route(Arguments arguments) {
  Options options;
  CLI::App app(
      "Decides between weak and strong, for one query or for JSONL rows with `query` on\n"
      "standard input (one JSON line each). Strong when P(strong needed) >= threshold.",
      "weir route");
  app.add_option("--router", options.router, "a .weir file; without it everything goes to strong");
  app.add_option("query", options.query, "the query");
  app.add_option("--threshold", options.threshold, "in place of the router's own")
      ->check(check_share, "0 to 1");
  app.add_flag("--json", options.json, "print JSON for a single query, too");
  app.add_flag("--explain", options.explain, "show the words that were scored, and why");
  app.add_flag("--lines", options.lines, "standard input holds plain queries, one a line");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  if (!options.query && ::isatty(STDIN_FILENO) == 1) {
    fmt::print(stderr, "weir route: give a query, or rows on standard input\n");
    return 2;
  }
  return exit_status(run(options));
}

}  // namespace weir::apps
