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
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::unexpected<Error> invalid(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

bool is_true(json::Value value) {
  return value.as_bool().value_or(false);
}

// Reads one file's rows, one call of take_line() each.
class Reader {
 public:
  Reader(const DataSource& source, uint32_t source_index, const ReadOptions& options)
      : source_(source), source_index_(source_index), options_(options) {}

  std::expected<void, Error> take_line(std::string_view line) {
    auto document = json::Document::parse(std::string(line));
    if (!document) return std::unexpected(std::move(document).error());
    const json::Value row = document->root();
    if (!row.is_object()) return invalid("a row must be an object with 'query'");
    ++counts.read;
    if (marked_out(row)) return {};
    auto query = row["query"].as_string();
    if (!query) return invalid("'query' is missing or no text");
    LabelledRow kept{.query = *std::move(query), .source = source_index_};
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
    if (!source_.pair || names_.empty()) return {};
    for (const std::string* name : {&source_.pair->weak, &source_.pair->strong}) {
      if (names_.contains(*name)) continue;
      const std::vector<std::string> all(names_.begin(), names_.end());
      const auto near = catalog::nearest_names(*name, all, 1);
      return invalid(fmt::format("no row has a score of '{}'{}; the file has {}", *name,
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

  // False when one of the pair has no score in this row.
  std::expected<bool, Error> read_label(json::Value row, LabelledRow& kept) {
    if (const json::Value weight = row["weight"]; weight.exists()) {
      const auto number = weight.as_double();
      if (!number || *number < 0) return invalid("'weight' must be a number of at least 0");
      kept.weight = *number;
    }
    const json::Value scores = row["scores"];
    const bool has_label = row["label"].exists() && !row["label"].is_null();
    if (scores.is_object() && (source_.pair || !has_label)) {
      TRY_ASSIGN(const bool complete, read_scores(scores, kept));
      if (!complete) return false;
      if (has_label) return read_given_label(row["label"], kept);
      if (source_.pair) kept.label = kept.strong_score > kept.weak_score ? 1 : 0;
      return true;
    }
    if (scores.exists() && !scores.is_object() && !scores.is_null())
      return invalid("'scores' must be an object {model: number}");
    if (!has_label) {
      kept.label = -1;
      if (options_.labels == Labels::kOptional) return true;
      return invalid("has neither 'label' nor 'scores'");
    }
    TRY(read_given_label(row["label"], kept));
    kept.weak_score = 1 - kept.label;
    kept.strong_score = 1;
    ++counts.from_label;
    return true;
  }

  static std::expected<bool, Error> read_given_label(json::Value label, LabelledRow& kept) {
    const auto number =
        label.as_bool() ? std::optional<int64_t>(*label.as_bool() ? 1 : 0) : label.as_int64();
    if (!number || (*number != 0 && *number != 1))
      return invalid("'label' must be 1 (strong needed) or 0 (weak suffices)");
    kept.label = static_cast<int>(*number);
    return true;
  }

  std::expected<bool, Error> read_scores(json::Value scores, LabelledRow& kept) {
    for (const json::Value score : scores)
      if (names_.size() < kMaxNames) names_.insert(score.key());
    if (!source_.pair) {
      kept.label = -1;
      if (options_.labels == Labels::kOptional) return true;
      return invalid("has 'scores' but no model pair is named (--weak MODEL --strong MODEL)");
    }
    for (auto [name, score] : {std::pair(&source_.pair->weak, &kept.weak_score),
                               std::pair(&source_.pair->strong, &kept.strong_score)}) {
      const json::Value value = scores[*name];
      if (!value.exists() || value.is_null()) return false;
      const auto number = value.as_double();
      if (!number || *number < 0 || *number > 1)
        return invalid(fmt::format("the score of '{}' must be a number from 0 to 1", *name));
      *score = *number;
    }
    return true;
  }

  const DataSource& source_;
  uint32_t source_index_;
  const ReadOptions& options_;
  std::set<std::string, std::less<>> names_;
};

std::expected<void, Error> read_lines(std::string_view text, const std::string& file,
                                      Reader& reader) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (auto taken = reader.take_line(line); !taken)
      return fail(taken.error().code,
                  fmt::format("{}:{}: {}", file, number, taken.error().message));
  }
  return {};
}

}  // namespace

std::expected<LeaveOut, Error> LeaveOut::parse(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size())
    return invalid(fmt::format("'{}' must read FIELD=PATTERN, for instance task=gsm8k", text));
  return LeaveOut{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  read += other.read, kept += other.kept, contaminated += other.contaminated;
  in_bench += other.in_bench, left_out += other.left_out;
  without_scores += other.without_scores, from_label += other.from_label;
  return *this;
}

RowCounts LabelledRows::total() const {
  RowCounts sum;
  for (const RowCounts& one : counts)
    sum += one;
  return sum;
}

std::expected<LabelledRows, Error> read_labelled_rows(std::vector<DataSource> sources,
                                                      const ReadOptions& options) {
  LabelledRows result{.sources = std::move(sources), .counts = {}, .rows = {}};
  for (const DataSource& source : result.sources) {
    const std::string name = source.file.string();
    if (source.pair && source.pair->weak == source.pair->strong)
      return invalid(fmt::format("{}: weak and strong are both '{}'", name, source.pair->weak));
    TRY_ASSIGN(const std::string text, read_maybe_gzip(source.file));
    Reader reader(source, static_cast<uint32_t>(result.counts.size()), options);
    TRY(read_lines(text, name, reader));
    if (auto checked = reader.check_names(); !checked)
      return fail(checked.error().code, fmt::format("{}: {}", name, checked.error().message));
    result.counts.push_back(reader.counts);
    std::ranges::move(reader.rows, std::back_inserter(result.rows));
  }
  return result;
}

}  // namespace weir::train
