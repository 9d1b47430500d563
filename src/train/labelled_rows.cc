#include "train/labelled_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "catalog/models.h"

namespace weir::train {
namespace {

constexpr size_t kMaxNames = 1000;
constexpr size_t kMaxIdBytes = 200;
constexpr double kCharsPerToken = 4;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::unexpected<Error> invalid(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

bool is_true(json::Value value) {
  return value.as_bool().value_or(false);
}

// The models that a source chooses between, weakest first.
std::vector<std::string> served_models(const DataSource& source) {
  if (!source.models.empty()) return source.models;
  if (source.pair) return {source.pair->weak, source.pair->strong};
  return {};
}

// A row's id, made fit to stand in a list of lines.
std::string id_of(json::Value row, std::string_view place) {
  std::string id = row["id"].string_or(place);
  std::ranges::replace_if(id, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (id.size() > kMaxIdBytes) id = std::string(place);
  return id;
}

// Reads one file's rows, one call of take_line() each. `models` begins with the models to choose
// between; those that only battles name are added behind them.
class Reader {
 public:
  Reader(const DataSource& source, uint32_t source_index, const ReadOptions& options, size_t served,
         std::vector<std::string>& models)
      : source_(source),
        source_index_(source_index),
        options_(options),
        served_(served_models(source)),
        last_(static_cast<uint32_t>(served - 1)),
        models_(models) {}

  // `place` names the line, for a row without an id.
  std::expected<void, Error> take_line(std::string_view line, std::string_view place) {
    auto document = json::Document::parse(std::string(line));
    if (!document) return std::unexpected(std::move(document).error());
    const json::Value row = document->root();
    if (!row.is_object()) return invalid("a row must be an object with 'query'");
    ++counts.read;
    if (marked_out(row)) return {};
    auto query = row["query"].as_string();
    if (!query) return invalid("'query' is missing or no text");
    LabelledRow kept{.query = *std::move(query), .source = source_index_, .id = id_of(row, place)};
    TRY_ASSIGN(const bool complete, read_label(row, kept));
    if (!complete) {
      ++counts.without_scores;
      return {};
    }
    ++counts.kept;
    rows.push_back(std::move(kept));
    return {};
  }

  // After the last line: were the models of the pair there at all?
  std::expected<void, Error> check_names() const {
    if (names_.empty() || options_.absent == Absent::kAccept) return {};
    for (const std::string& name : served_) {
      if (names_.contains(name)) continue;
      const std::vector<std::string> all(names_.begin(), names_.end());
      const auto near = catalog::nearest_names(name, all, 1);
      return invalid(fmt::format("no row has a score of '{}'{}; the file has {}", name,
                                 near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near[0]),
                                 fmt::join(all, ", ")));
    }
    return {};
  }

  RowCounts counts;
  std::vector<LabelledRow> rows;

 private:
  bool marked_out(json::Value row) {
    if (options_.contaminated == Marked::kLeaveOut && is_true(row["contaminated"]))
      return ++counts.contaminated, true;
    if (options_.in_bench == Marked::kLeaveOut && is_true(row["in_bench"]))
      return ++counts.in_bench, true;
    const auto matches = [row](const LeaveOut& rule) {
      const auto text = row[rule.field].as_string();
      return text && ::fnmatch(rule.pattern.c_str(), text->c_str(), 0) == 0;
    };
    if (std::ranges::any_of(options_.leave_out, matches)) return ++counts.left_out, true;
    return false;
  }

  // False when the row does not say how both of the pair did and is not wanted without.
  std::expected<bool, Error> read_label(json::Value row, LabelledRow& kept) {
    if (const json::Value weight = row["weight"]; weight.exists()) {
      const auto number = weight.as_double();
      if (!number || *number < 0) return invalid("'weight' must be a number of at least 0");
      kept.weight = *number;
    }
    if (row["winner"].exists()) return read_battle(row, kept);
    const json::Value scores = row["scores"];
    const bool has_label = row["label"].exists() && !row["label"].is_null();
    if (scores.is_object() && (source_.pair || !has_label)) {
      TRY(read_scores(scores, kept));
      if (!source_.pair) return true;
      read_output_tokens(row, kept);
      const bool complete = derive_label(kept);
      if (has_label) TRY(read_given_label(row["label"], kept));
      return complete || keeps_partial(kept);
    }
    if (scores.exists() && !scores.is_object() && !scores.is_null())
      return invalid("'scores' must be an object {model: number}");
    if (!has_label) {
      kept.label = -1;
      if (options_.labels == Labels::kOptional) return true;
      // `weir label` writes null where no verdict was reached.
      if (row["label"].is_null()) return false;
      return invalid("has neither 'label' nor 'scores'");
    }
    TRY(read_given_label(row["label"], kept));
    kept.weak_score = 1 - kept.label;
    kept.strong_score = 1;
    kept.results = {{.model = 0, .score = kept.weak_score}, {.model = last_, .score = 1}};
    ++counts.from_label;
    return true;
  }

  bool keeps_partial(const LabelledRow& row) const {
    return options_.partial == Partial::kInclude && !row.results.empty();
  }

  // The label and the pair's scores from the results; false when one of the two is missing.
  bool derive_label(LabelledRow& kept) const {
    const ModelResult* weak = kept.result_of(0);
    const ModelResult* strong = kept.result_of(last_);
    kept.label = -1;
    if (weak == nullptr || strong == nullptr) return false;
    kept.weak_score = weak->score;
    kept.strong_score = strong->score;
    kept.label = strong->score > weak->score ? 1 : 0;
    return true;
  }

  std::expected<bool, Error> read_battle(json::Value row, LabelledRow& kept) {
    const std::string winner = row["winner"].string_or("");
    const bool tie = winner.starts_with("tie");
    const bool first = winner == "a" || winner == "model_a";
    if (!tie && !first && winner != "b" && winner != "model_b")
      return invalid("'winner' must be a, b or tie");
    const auto name_a = row["model_a"].as_string(), name_b = row["model_b"].as_string();
    if (!name_a || !name_b || name_a->empty() || name_b->empty() || *name_a == *name_b)
      return invalid("'model_a' and 'model_b' must name two different models");
    TRY_ASSIGN(const uint32_t model_a, model_index(*name_a));
    TRY_ASSIGN(const uint32_t model_b, model_index(*name_b));
    const double score_a = tie ? 0.5 : first ? 1 : 0;
    kept.results = {{.model = model_a, .score = score_a}, {.model = model_b, .score = 1 - score_a}};
    if (!derive_label(kept) && !keeps_partial(kept)) return false;
    ++counts.battles;
    return true;
  }

  // Where the model stands in models_; a new one is added.
  std::expected<uint32_t, Error> model_index(const std::string& name) {
    if (names_.size() < kMaxNames) names_.insert(name);
    if (const auto at = std::ranges::find(served_, name); at != served_.end())
      return static_cast<uint32_t>(at - served_.begin());
    const auto others = models_.begin() + last_ + 1;
    const auto at = std::find(others, models_.end(), name);
    if (at != models_.end()) return static_cast<uint32_t>(at - models_.begin());
    if (models_.size() >= kMaxNames)
      return invalid(fmt::format("more than {} different models", kMaxNames));
    models_.push_back(name);
    return static_cast<uint32_t>(models_.size() - 1);
  }

  void read_output_tokens(json::Value row, LabelledRow& kept) {
    bool estimated = false;
    for (ModelResult& result : kept.results) {
      const std::string& name = served_[result.model];
      if (const auto tokens = row["out_tokens"][name].as_double(); tokens && *tokens >= 0) {
        result.output_tokens = static_cast<float>(*tokens);
      } else if (const auto chars = row["out_chars"][name].as_double(); chars && *chars >= 0) {
        result.output_tokens = static_cast<float>(*chars / kCharsPerToken);
        estimated = true;
      }
    }
    counts.tokens_from_chars += estimated ? 1 : 0;
  }

  static std::expected<void, Error> read_given_label(json::Value label, LabelledRow& kept) {
    const auto number =
        label.as_bool() ? std::optional<int64_t>(*label.as_bool() ? 1 : 0) : label.as_int64();
    if (!number || (*number != 0 && *number != 1))
      return invalid("'label' must be 1 (strong needed) or 0 (weak suffices)");
    kept.label = static_cast<int>(*number);
    return {};
  }

  std::expected<void, Error> read_scores(json::Value scores, LabelledRow& kept) {
    for (const json::Value score : scores)
      if (names_.size() < kMaxNames) names_.insert(score.key());
    if (!source_.pair) {
      kept.label = -1;
      if (options_.labels == Labels::kOptional) return {};
      return invalid("has 'scores' but no model pair is named (--weak MODEL --strong MODEL)");
    }
    for (uint32_t model = 0; model < served_.size(); ++model) {
      const json::Value value = scores[served_[model]];
      if (!value.exists() || value.is_null()) continue;
      const auto number = value.as_double();
      if (!number || *number < 0 || *number > 1)
        return invalid(
            fmt::format("the score of '{}' must be a number from 0 to 1", served_[model]));
      kept.results.push_back({.model = model, .score = *number});
    }
    return {};
  }

  const DataSource& source_;
  uint32_t source_index_;
  const ReadOptions& options_;
  std::vector<std::string> served_;
  uint32_t last_;  // the strongest of them
  std::vector<std::string>& models_;
  std::set<std::string, std::less<>> names_;
};

// Calls take(line, place) for every line that is not blank; `place` is "file:line".
template <typename Take>
std::expected<void, Error> read_lines(std::string_view text, const std::filesystem::path& path,
                                      Take&& take) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = fmt::format("{}:{}", path.filename().string(), number);
    if (auto taken = take(line, place); !taken)
      return fail(taken.error().code,
                  fmt::format("{}:{}: {}", path.string(), number, taken.error().message));
  }
  return {};
}

// The common names of what the sources choose between.
std::vector<std::string> common_models(std::span<const DataSource> sources) {
  std::vector<std::string> common;
  for (const DataSource& source : sources) {
    const std::vector<std::string> models = served_models(source);
    if (models.empty()) continue;
    if (!common.empty() && common != models) return {"weak", "strong"};
    common = models;
  }
  return common.empty() ? std::vector<std::string>{"weak", "strong"} : common;
}

std::expected<void, Error> check_source(const DataSource& source, size_t served) {
  const std::string name = source.file.string();
  const std::vector<std::string> models = served_models(source);
  if (models.empty()) return {};
  if (source.pair && source.pair->weak == source.pair->strong)
    return invalid(fmt::format("{}: weak and strong are both '{}'", name, source.pair->weak));
  if (std::set(models.begin(), models.end()).size() != models.size())
    return invalid(fmt::format("{}: a model is named twice in {}", name, fmt::join(models, ", ")));
  if (models.size() == served) return {};
  return invalid(
      fmt::format("{}: {} models are named, but {} for another file", name, models.size(), served));
}

}  // namespace

std::expected<LeaveOut, Error> LeaveOut::parse(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size())
    return invalid(fmt::format("'{}' must read FIELD=PATTERN, for instance task=gsm8k", text));
  return LeaveOut{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

const ModelResult* LabelledRow::result_of(size_t model) const {
  const auto found = std::ranges::find(results, model, &ModelResult::model);
  return found == results.end() ? nullptr : &*found;
}

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  read += other.read, kept += other.kept, contaminated += other.contaminated;
  in_bench += other.in_bench, left_out += other.left_out;
  without_scores += other.without_scores, from_label += other.from_label;
  battles += other.battles, tokens_from_chars += other.tokens_from_chars;
  return *this;
}

RowCounts LabelledRows::total() const {
  RowCounts sum;
  for (const RowCounts& one : counts)
    sum += one;
  return sum;
}

std::expected<std::vector<std::string>, Error> models_with_scores(
    const std::filesystem::path& file) {
  TRY_ASSIGN(const std::string text, read_maybe_gzip(file));
  std::vector<std::string> models;
  const auto take = [&](std::string_view line, std::string_view) -> std::expected<void, Error> {
    TRY_ASSIGN(const json::Document document, json::Document::parse(std::string(line)));
    for (const json::Value score : document.root()["scores"]) {
      const std::string name(score.key());
      if (models.size() < kMaxNames && std::ranges::find(models, name) == models.end())
        models.push_back(name);
    }
    return {};
  };
  TRY(read_lines(text, file, take));
  return models;
}

std::expected<LabelledRows, Error> read_labelled_rows(std::vector<DataSource> sources,
                                                      const ReadOptions& options) {
  LabelledRows result{.sources = std::move(sources), .counts = {}, .rows = {}};
  result.models = common_models(result.sources);
  const size_t served = result.models.size();
  for (const DataSource& source : result.sources) {
    TRY(check_source(source, served));
    TRY_ASSIGN(const std::string text, read_maybe_gzip(source.file));
    Reader reader(source, static_cast<uint32_t>(result.counts.size()), options, served,
                  result.models);
    TRY(read_lines(text, source.file, [&](std::string_view line, std::string_view place) {
      return reader.take_line(line, place);
    }));
    if (auto checked = reader.check_names(); !checked)
      return fail(checked.error().code,
                  fmt::format("{}: {}", source.file.string(), checked.error().message));
    result.counts.push_back(reader.counts);
    std::ranges::move(reader.rows, std::back_inserter(result.rows));
  }
  return result;
}

}  // namespace weir::train
