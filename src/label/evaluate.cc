#include "label/evaluate.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/digest.h"
#include "quality/extract.h"
#include "stats/ppi.h"

namespace weir::label {
namespace {

constexpr int kResamples = 1000;
// Fewer human scores than this say nothing that PPI++ could use.
constexpr size_t kLeastHuman = 10;

}  // namespace

// One answer and what it is worth.
struct Evaluation::Graded {
  Reply reply = {};
  std::optional<double> score = {};
  std::optional<quality::Grades> grades = {};
  std::string why = {};  // of a checker

  void write(json::Writer& row, std::string_view name) const;
};

struct Evaluation::Case {
  const Query& query;
  Spend& spend;
  bool through_weir = false;
  std::string first_name, strong_name;
  Graded first = {}, strong = {};
  std::optional<double> prob = {};
  int64_t judge_nanousd = 0;
  int64_t malformed = 0;

  void write(json::Writer& row) const;
};

void Evaluation::Graded::write(json::Writer& row, std::string_view name) const {
  row.member(std::string(name) + "_response", reply.text);
  if (reply.truncated) row.member(std::string(name) + "_truncated", true);
  row.key(std::string(name) + "_score");
  if (score)
    row.value(*score);
  else
    row.null();
  if (grades) {
    row.key(std::string(name) + "_grades").begin_object();
    row.member("task_completion", grades->task_completion);
    row.member("accuracy", grades->accuracy).end_object();
  }
  if (!why.empty()) row.member(std::string(name) + "_why", why);
}

void Evaluation::Case::write(json::Writer& row) const {
  const std::string_view name = through_weir ? "routed" : "weak";
  first.write(row, name);
  if (through_weir) row.member("routed_to", first.reply.served_by);
  strong.write(row, "strong");
  // So that the rows are labelled data for `weir train` as well.
  if (!through_weir && first.score && strong.score) {
    row.key("scores").begin_object().member(first_name, *first.score);
    row.member(strong_name, *strong.score).end_object();
  }
  if (prob) row.member("prob_strong_needed", *prob);
  if (!query.human.empty()) {
    row.key("human").begin_object();
    for (const auto& [model, score] : query.human)
      row.member(model, score);
    row.end_object();
  }
  row.member("malformed", malformed).key("costs_usd").begin_object();
  row.raw_member(name, catalog::format_usd(first.reply.cost_nanousd));
  row.raw_member("strong", catalog::format_usd(strong.reply.cost_nanousd));
  row.raw_member("judge", catalog::format_usd(judge_nanousd)).end_object();
}

int64_t Evaluation::most_nanousd(const Query& query) const {
  constexpr size_t kFrameBytes = 200;
  const size_t bytes = query.text.size() + kFrameBytes;
  const int64_t answers = worst_case_nanousd(options_.first, bytes, options_.max_tokens) +
                          worst_case_nanousd(options_.strong, bytes, options_.max_tokens);
  if (!options_.judge) return answers;
  return answers + 2 * most_verdict_nanousd(*options_.judge, query, 1, options_.max_tokens);
}

std::vector<std::pair<std::string, std::string>> Evaluation::settings() const {
  std::vector<std::pair<std::string, std::string>> all{
      {options_.through_weir ? "routed_by" : "weak_model", options_.first.text()},
      {"strong_model", options_.strong.text()}};
  if (options_.judge) {
    const std::string& rubric = options_.judge->rubric;
    all.emplace_back("judge", options_.judge->model.text());
    all.emplace_back("rubric", rubric.empty() ? "weir 1" : to_hex(sha256(rubric)).substr(0, 16));
  } else {
    all.emplace_back("checker", options_.checker.text());
  }
  return all;
}

http::Task<std::expected<void, CallFailure>> Evaluation::grade(Caller& caller, const Reply& reply,
                                                               Graded& graded, Case& one) const {
  graded.reply = reply;
  if (!options_.judge) {
    const quality::Checked checked =
        co_await check_answer(caller, options_.checker, one.query, reply.text);
    graded.why = checked.why;
    if (checked.outcome != quality::Outcome::kUnknown) graded.score = checked.good() ? 1 : 0;
    co_return std::expected<void, CallFailure>();
  }
  if (quality::trimmed(reply.text).empty()) {
    graded.score = 0;
    co_return std::expected<void, CallFailure>();
  }
  const Judge& judge = *options_.judge;
  quality::JudgeTask task;
  task.form = quality::JudgeForm::kPointwise;
  task.query = one.query.text;
  task.reference = one.query.reference;
  task.first = reply.text;
  task.rubric = judge.rubric;
  const std::string prompt = quality::judge_prompt(task);
  for (int i = 0; i < judge.tries && !graded.grades; ++i) {
    auto said = co_await caller.ask(judge.model, prompt, judge.max_tokens, one.spend);
    if (!said) co_return std::unexpected(std::move(said).error());
    one.judge_nanousd += said->cost_nanousd;
    graded.grades = quality::read_grades(said->text);
    if (!graded.grades) ++one.malformed;
  }
  if (graded.grades) graded.score = graded.grades->mean();
  co_return std::expected<void, CallFailure>();
}

http::Task<std::expected<RowMembers, CallFailure>> Evaluation::work(Caller& caller,
                                                                    const Query& query,
                                                                    Spend& spend) const {
  auto one = std::make_shared<Case>(Case{.query = query,
                                         .spend = spend,
                                         .through_weir = options_.through_weir,
                                         .first_name = options_.first.name,
                                         .strong_name = options_.strong.name});
  if (const auto score = options_.scores.find(query.key()); score != options_.scores.end())
    one->prob = score->second;
  auto first = co_await caller.ask(options_.first, query.text, options_.max_tokens, spend);
  if (!first) co_return std::unexpected(std::move(first).error());
  if (options_.through_weir && !first->served_by.empty())
    first->cost_nanousd =
        catalog::cost_nanousd(options_.price_of(first->served_by), first->usage).value_or(0);
  auto strong = co_await caller.ask(options_.strong, query.text, options_.max_tokens, spend);
  if (!strong) co_return std::unexpected(std::move(strong).error());
  auto graded = co_await grade(caller, *first, one->first, *one);
  if (!graded) co_return std::unexpected(std::move(graded).error());
  if (strong->text == first->text) {
    // The same words are worth the same, and are paid for once.
    one->strong = one->first;
    one->strong.reply = *strong;
  } else {
    graded = co_await grade(caller, *strong, one->strong, *one);
    if (!graded) co_return std::unexpected(std::move(graded).error());
  }
  co_return RowMembers([one](json::Writer& row) { one->write(row); });
}

std::expected<GradedRows, Error> read_graded(const std::vector<std::string>& rows) {
  GradedRows result;
  for (const std::string& line : rows) {
    TRY_ASSIGN(const json::Document document, json::Document::parse(line));
    const json::Value row = document.root();
    const bool routed = row["routed_by"].exists();
    const std::string name = routed ? "routed" : "weak";
    result.malformed += row["malformed"].as_int64().value_or(0);
    const json::Value costs = row["costs_usd"];
    result.judge_usd += costs["judge"].as_double().value_or(0);
    const auto first = row[name + "_score"].as_double();
    const auto strong = row["strong_score"].as_double();
    if (!first || !strong) {
      ++result.undecided;
      continue;
    }
    GradedQuery query{.first = *first,
                      .strong = *strong,
                      .first_usd = costs[name].as_double().value_or(0),
                      .strong_usd = costs["strong"].as_double().value_or(0)};
    // What a running weir has chosen is the routed answer at any threshold.
    query.prob_strong_needed = routed ? -1 : row["prob_strong_needed"].as_double().value_or(1);
    const std::string strong_model = row["strong_model"].string_or("");
    query.went_strong = routed && strong_model.ends_with("/" + row["routed_to"].string_or("?"));
    const auto human = [&](const std::string& role, const std::string& model) {
      const json::Value all = row["human"];
      const auto by_role = all[role].as_double();
      return by_role ? by_role : all[model.substr(model.find('/') + 1)].as_double();
    };
    query.human_first = human(name, row["weak_model"].string_or(""));
    query.human_strong = human("strong", strong_model);
    result.queries.push_back(query);
  }
  return result;
}

namespace {

// The gap as people would see it, where they have scored some of the queries.
void add_human_gap(const std::vector<GradedQuery>& queries, GapPoint& point) {
  std::vector<double> human, judge, judge_only;
  for (const GradedQuery& query : queries) {
    const bool strong = query.prob_strong_needed >= point.threshold;
    const double gap = strong ? 0 : query.strong - query.first;
    if (!query.human_first || !query.human_strong) {
      judge_only.push_back(gap);
      continue;
    }
    human.push_back(strong ? 0 : *query.human_strong - *query.human_first);
    judge.push_back(gap);
  }
  if (human.size() < kLeastHuman || judge_only.size() < 2) return;
  const stats::PpiMean corrected = stats::ppi_mean(human, judge, judge_only);
  point.human_gap_points = 100 * corrected.mean;
  point.human_gap_points_ci95 = {100 * corrected.interval.low, 100 * corrected.interval.high};
}

}  // namespace

GapPoint gap_at(const std::vector<GradedQuery>& queries, double threshold, uint64_t seed) {
  GapPoint point{.threshold = threshold};
  std::vector<double> routed;
  double routed_usd = 0, strong_usd = 0;
  const auto count = static_cast<double>(queries.size());
  for (const GradedQuery& query : queries) {
    const bool strong = query.prob_strong_needed >= threshold;
    routed.push_back(strong ? query.strong : query.first);
    point.strong_share += strong || query.went_strong ? 1 : 0;
    point.quality += routed.back();
    point.strong_quality += query.strong;
    routed_usd += strong ? query.strong_usd : query.first_usd;
    strong_usd += query.strong_usd;
  }
  for (double* mean : {&point.strong_share, &point.quality, &point.strong_quality})
    *mean /= count;
  point.cost_reduction = routed_usd > 0 ? strong_usd / routed_usd : 1;
  const auto ratio = [](double gap, double strong) { return strong > 0 ? gap / strong : 0; };
  point.gap_points = 100 * (point.strong_quality - point.quality);
  point.gap_ratio = ratio(point.strong_quality - point.quality, point.strong_quality);

  Random random(seed);
  std::vector<uint32_t> counts;
  std::vector<double> gaps, ratios;
  for (int i = 0; i < kResamples; ++i) {
    stats::draw_bootstrap_counts(queries.size(), random, counts);
    double gap = 0, strong = 0;
    for (size_t j = 0; j < queries.size(); ++j) {
      gap += counts[j] * (queries[j].strong - routed[j]);
      strong += counts[j] * queries[j].strong;
    }
    gaps.push_back(100 * gap / count);
    ratios.push_back(ratio(gap, strong));
  }
  point.gap_points_ci95 = stats::percentile_interval(gaps);
  point.gap_ratio_ci95 = stats::percentile_interval(ratios);
  add_human_gap(queries, point);
  return point;
}

}  // namespace weir::label
