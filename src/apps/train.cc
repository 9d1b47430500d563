// weir train: labelled queries in, a router file out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <optional>

#include "apps/ask_router.h"
#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/embed_encoder.h"
#include "apps/embed_url.h"
#include "apps/extend_router.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/routes_file.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "model/answer_routers.h"
#include "model/estimator.h"
#include "train/trainer.h"

namespace weir::apps {
namespace {

struct Options {
  DataOptions data;
  std::string kind = "lr";
  std::string embed;  // "": encoder for kind bert, else static
  std::string embed_model = "text-embedding-3-small";
  std::string out;
  EncoderOptions encoder;
  std::string head = "best";
  std::string routes;  // of kind semantic, in place of data
  double explore = 0.05;
  int64_t seed = 0;
  std::optional<double> threshold, recall, strong_share;
  std::string cut_time;
  std::string prompt_file;
  bool untrained = false;
  bool json = false;
  ExtendOptions extend;
};

train::ThresholdRule threshold_rule(const Options& options) {
  using By = train::ThresholdRule::By;
  if (options.threshold) return {By::kFixed, *options.threshold};
  if (options.recall) return {By::kRecall, *options.recall};
  if (options.strong_share) return {By::kStrongShare, *options.strong_share};
  return {};
}

std::expected<train::TrainOptions, Error> train_options(const Options& options) {
  const auto kind = model::parse_kind(options.kind);
  if (!kind) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown kind '{}'; there are {}", options.kind, model::kind_names()));
  }
  train::TrainOptions result{.kind = *kind,
                             .models = {},
                             .threshold = threshold_rule(options),
                             .seed = options.seed,
                             .cut_time = options.cut_time,
                             .explore = options.explore};
  // With --source every file has names of its own, so the router speaks of weak and strong.
  result.models = model_names(options.data);
  if (result.cut_time.empty())
    result.cut_time = format_rfc3339(SystemClock::instance().unix_us());
  else if (parse_rfc3339(result.cut_time) == INT64_MIN)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--cut-time '{}' must be a time such as 2026-11-23T20:00:00Z",
                            result.cut_time));
  return result;
}

// Words of every row and their vectors from the endpoint.
std::expected<train::Examples, Error> embed_by_url(const Options& options, train::LabelledRows rows,
                                                   const model::StaticEmbedder& embedder) {
  std::vector<std::string> words;
  for (const train::LabelledRow& row : rows.rows)
    words.push_back(train::scored_words(row.query));
  TRY_ASSIGN(
      const Vectors vectors,
      embed_texts({options.embed, options.embed_model, embed_key_for(options.embed)}, words));
  return make_examples(std::move(rows), embedder,
                       {.from = model::EmbedFrom::kUrl,
                        .dimension = vectors.dimension,
                        .static_hash = 0,
                        .url = options.embed,
                        .model = options.embed_model},
                       vectors.values);
}

std::expected<train::Examples, Error> embed_by_encoder(const Options& options,
                                                       const NamedEncoder& encoder,
                                                       train::LabelledRows rows,
                                                       const model::StaticEmbedder& embedder,
                                                       text::Ngrams ngrams) {
  std::vector<std::string> words;
  for (const train::LabelledRow& row : rows.rows)
    words.push_back(train::scored_words(row.query));
  const Show show = options.json ? Show::kNever : Show::kOnTerminal;
  TRY_ASSIGN(const Vectors vectors,
             embed_with_encoder(*encoder.encoder, options.encoder, words, show));
  return make_examples(std::move(rows), embedder, encoder.source, vectors.values, ngrams);
}

// `encoder`: with --embed encoder.
std::expected<train::Examples, Error> read_examples(const Options& options, model::Kind kind,
                                                    const std::optional<NamedEncoder>& encoder,
                                                    const model::StaticEmbedder& embedder,
                                                    train::RowCounts& counts) {
  TRY_ASSIGN(train::LabelledRows rows,
             read_data(options.data, train::Labels::kRequired, train::partial_rows_for(kind)));
  counts = rows.total();
  const model::Needs needs = model::kind_info(kind).needs;
  const text::Ngrams ngrams = train::ngrams_to_keep(needs);
  if (!model::needs_embedding(needs))
    return make_examples(std::move(rows), embedder, train::WithEmbeddings::kNo, ngrams);
  if (options.embed == "static")
    return make_examples(std::move(rows), embedder, train::WithEmbeddings::kYes, ngrams);
  if (encoder) return embed_by_encoder(options, *encoder, std::move(rows), embedder, ngrams);
  return embed_by_url(options, std::move(rows), embedder);
}

// A fine-tuned encoder's own head is used unless another is asked for.
train::Head head_of(const Options& options, const std::optional<NamedEncoder>& encoder) {
  using train::Head;
  if (options.head == "ridge") return Head::kRidge;
  if (options.head == "lr") return Head::kLogistic;
  if (options.head == "mlp") return Head::kMlp;
  return encoder && encoder->encoder->shape().labels > 0 ? Head::kOwn : Head::kBest;
}

std::string threshold_text(std::optional<double> threshold) {
  return threshold ? fmt::format("{:.6f}", *threshold) : "unknown";
}

std::string stored_effect(const train::TrainReport& report) {
  if (!report.strong_share || !report.recall)
    return "out of fold unknown, too few strong-needed queries for cross-validation";
  return fmt::format("out of fold it sends {:.1f} % to strong, recall {:.1f} %",
                     *report.strong_share * 100, *report.recall * 100);
}

std::string summary_text(const Options& options, const train::Trained& trained,
                         std::string_view rows, size_t bytes) {
  std::string out;
  const auto put = std::back_inserter(out);
  const train::TrainReport& report = trained.report;
  const double needed =
      static_cast<double>(report.strong_needed) / static_cast<double>(report.rows);
  fmt::format_to(put, "{}\n", rows);
  fmt::format_to(put, "strong needed: {} ({:.1f} %)\n", report.strong_needed, needed * 100);
  fmt::format_to(put, "fit: {}\n", report.fit);
  fmt::format_to(put,
                 "threshold at 80 % recall of strong-needed queries: {:.6f} (out of fold: {})\n",
                 report.recall80_in_sample, threshold_text(report.recall80_out_of_fold));
  fmt::format_to(put, "stored threshold: {:.6f}, {}; {}\n", trained.file.threshold,
                 trained.file.threshold_origin, stored_effect(report));
  fmt::format_to(put, "wrote {} ({} bytes)\n", options.out, bytes);
  fmt::format_to(
      put,
      "next: weir eval --router {} --data FILE --weak {} --strong {}, on rows it has not "
      "seen\n",
      options.out, options.data.weak.empty() ? "MODEL" : options.data.weak,
      options.data.strong.empty() ? "MODEL" : options.data.strong);
  return out;
}

std::string summary_json(const Options& options, const train::Trained& trained,
                         const train::RowCounts& counts, int64_t unjudged) {
  const train::TrainReport& report = trained.report;
  json::Writer out;
  const auto optional = [&](std::string_view key, std::optional<double> value) {
    out.key(key);
    if (value)
      out.value(*value);
    else
      out.null();
  };
  out.begin_object().member("kind", options.kind).member("file", options.out);
  out.member("rows", report.rows).member("strong_needed", report.strong_needed);
  out.key("left_out").begin_object().member("contaminated", counts.contaminated);
  out.member("in_bench", counts.in_bench).member("leave_out", counts.left_out);
  out.member("without_scores", counts.without_scores).member("unjudged", unjudged).end_object();
  out.member("recall80_threshold", report.recall80_in_sample);
  optional("recall80_threshold_out_of_fold", report.recall80_out_of_fold);
  out.member("threshold", trained.file.threshold);
  out.member("threshold_origin", trained.file.threshold_origin);
  optional("strong_share_out_of_fold", report.strong_share);
  optional("recall_out_of_fold", report.recall);
  out.member("fit", report.fit).end_object();
  return out.take() + "\n";
}

std::expected<void, Error> write_untrained(const Options& options, const train::TrainOptions& train,
                                           const model::StaticEmbedder& embedder) {
  model::EmbedSource embed;
  if (needs_embedding(model::kind_info(train.kind).needs)) {
    embed.from = model::EmbedFrom::kStatic;
    embed.dimension = static_cast<uint32_t>(embedder.dimension());
    embed.static_hash = embedder.hash();
  }
  TRY_ASSIGN(const std::string bytes, encode_router_file(untrained_router(train, embed)));
  TRY(write_file(options.out, bytes));
  return write_output(fmt::format("wrote {}: untrained, every query goes to {}\n", options.out,
                                  train.models.back()));
}

// Kinds causal and llm: a prompt and an endpoint.
std::expected<void, Error> write_asked(const Options& options, const train::TrainOptions& train) {
  const bool named = options.embed != "static";
  return write_ask_router({.kind = train.kind,
                           .url = named ? options.embed : "",
                           .model = named ? options.embed_model : "",
                           .prompt_file = options.prompt_file,
                           .out = options.out,
                           .cut_time = train.cut_time,
                           .threshold = options.threshold.value_or(0.5)});
}

std::expected<void, Error> check_embed(const Options& options) {
  if (options.kind == "bert" && options.embed != "encoder" && !options.untrained)
    return fail(ErrorCode::kInvalidArgument, "kind bert goes with --embed encoder");
  if (options.embed == "static") return {};
  if (options.embed != "encoder" && !options.embed.starts_with("http://") &&
      !options.embed.starts_with("https://")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--embed '{}' must be static, encoder or a URL", options.embed));
  }
  if (options.untrained)
    return fail(ErrorCode::kInvalidArgument, "--untrained goes with --embed static only");
  return {};
}

std::expected<void, Error> check_routes(const Options& options, model::Kind kind) {
  const bool semantic = kind == model::Kind::kSemantic;
  if (semantic && options.routes.empty())
    return fail(ErrorCode::kInvalidArgument,
                "kind semantic is made of named routes: give --routes FILE, such as "
                "examples/support.yaml");
  if (!semantic && !options.routes.empty())
    return fail(ErrorCode::kInvalidArgument, "--routes goes with --kind semantic only");
  if (semantic && options.embed != "static")
    return fail(ErrorCode::kUnsupported, "kind semantic takes --embed static only");
  return {};
}

std::expected<void, Error> run(const Options& options) {
  TRY(check_embed(options));
  if (!options.extend.router.empty() || !options.extend.model.empty())
    return extend_router(options.extend, options.data, options.out, options.json);
  TRY_ASSIGN(train::TrainOptions train, train_options(options));
  TRY(check_routes(options, train.kind));
  if (train.kind == model::Kind::kCascade)
    return fail(ErrorCode::kInvalidArgument,
                "a cascade is fitted to answers, not to queries: use weir cascade --fit");
  if (model::is_answer_kind(train.kind)) return write_asked(options, train);
  if (train.kind == model::Kind::kSemantic)
    return train_semantic(options.routes, options.out, train.cut_time, options.json);
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  if (options.untrained) return write_untrained(options, train, embedder);
  std::optional<NamedEncoder> encoder;
  if (options.embed == "encoder" && model::needs_embedding(model::kind_info(train.kind).needs)) {
    TRY_ASSIGN(encoder, load_encoder(options.encoder, options.out));
  }
  train.head = head_of(options, encoder);
  train::RowCounts counts;
  TRY_ASSIGN(const train::Examples examples,
             read_examples(options, train.kind, encoder, embedder, counts));
  Progress progress("fit", 1 + train.folds, options.json ? Show::kNever : Show::kOnTerminal);
  train.on_fit = [&progress] { progress.advance(); };
  auto trained = train_router(examples, train);
  progress.finish();
  if (!trained) {
    return fail(trained.error().code, fmt::format("{}; read {}", trained.error().message,
                                                  describe_counts(counts, examples.unjudged)));
  }
  TRY_ASSIGN(const std::string bytes, encode_router_file(trained->file));
  TRY(write_file(options.out, bytes));
  return write_output(options.json
                          ? summary_json(options, *trained, counts, examples.unjudged)
                          : summary_text(options, *trained,
                                         describe_counts(counts, examples.unjudged), bytes.size()));
}

}  // namespace

int run_train(Arguments arguments) {
  Options options;
  CLI::App app("Trains a router on labelled queries: docs/routers.md", "weir train");
  add_data_options(app, options.data);
  app.add_option("--kind", options.kind, "kind of router: " + model::kind_names())
      ->capture_default_str();
  app.add_option("--embed", options.embed,
                 "static, encoder (a transformer), or the base URL of an OpenAI-compatible "
                 "embeddings endpoint (key in WEIR_EMBED_API_KEY); default: encoder for kind bert, "
                 "else static");
  add_encoder_options(app, options.encoder);
  app.add_option("--head", options.head,
                 "kind bert: ridge, lr or mlp; best: the encoder's own if it has one, else by "
                 "cross-validation")
      ->check(CLI::IsMember({"best", "ridge", "lr", "mlp"}))
      ->capture_default_str();
  app.add_option("--embed-model", options.embed_model, "model name sent to that endpoint")
      ->capture_default_str();
  app.add_option("--prompt", options.prompt_file,
                 "kinds causal and llm: a file with the prompt, {query} in it; --embed and "
                 "--embed-model then name the chat endpoint, or weir.yaml does (router_model)");
  app.add_option("--out", options.out, "the router file to write (.weir)")->required();
  app.add_option("--routes", options.routes,
                 "kind semantic: YAML with named routes, their examples and models, in place of "
                 "--data");
  app.add_option("--explore", options.explore,
                 "kind cawr: P(strong) stays between this and one minus it")
      ->check(CLI::Range(0.001, 0.499))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the folds and of kind random")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 53))
      ->capture_default_str();
  auto* rules = app.add_option_group("threshold", "which threshold is stored (default 0.5)");
  rules->add_option("--threshold", options.threshold, "this one")->check(check_share, "0 to 1");
  rules
      ->add_option("--recall", options.recall, "this share of strong-needed queries goes to strong")
      ->check(check_share, "0 to 1");
  rules->add_option("--strong-share", options.strong_share, "this share of all queries does")
      ->check(check_share, "0 to 1");
  rules->require_option(0, 1);
  app.add_option("--cut-time", options.cut_time,
                 "time after which no data was taken (default: now)");
  app.add_flag("--untrained", options.untrained,
               "write a router without weights, which sends everything to strong");
  app.add_flag("--json", options.json, "print the summary as JSON");
  app.add_option(
      "--extend", options.extend.router,
      "a router of kind cluster that learns one more model: with --model, --data, --out");
  app.add_option("--model", options.extend.model, "the new model's name in `scores`");
  app.add_option("--before", options.extend.before,
                 "where it stands among the models, weakest first (default: by its mean score)");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  if (options.embed.empty())
    options.embed = options.kind == "bert" && !options.untrained ? "encoder" : "static";
  return exit_status(run(options));
}

}  // namespace weir::apps
