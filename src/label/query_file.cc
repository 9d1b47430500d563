#include "label/query_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "quality/extract.h"

namespace weir::label {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Texts stay as they are; numbers and letters given without quotes are taken as written.
std::string text_or_raw(json::Value value) {
  if (value.is_string()) return *value.as_string();
  return value.is(json::Type::kNumber) ? std::string(value.raw()) : "";
}

std::expected<Query, Error> read_row(std::string_view line) {
  TRY_ASSIGN(const json::Document document, json::Document::parse(std::string(line)));
  const json::Value row = document.root();
  if (!row.is_object() || !row["query"].is_string())
    return fail(ErrorCode::kInvalidArgument, "a row must be an object with the text 'query'");
  Query query{.text = *row["query"].as_string(),
              .id = text_or_raw(row["id"]),
              .reference = {},
              .checker = row["checker"].string_or("")};
  for (const char* name : {"reference", "answer", "gold"})
    if (query.reference.empty()) query.reference = text_or_raw(row[name]);
  if (const json::Value human = row["human"]; human.is_object()) {
    for (const json::Value one : human) {
      const double score = one.as_double().value_or(-1);
      if (!(score >= 0 && score <= 1))
        return fail(ErrorCode::kInvalidArgument, "'human' must hold scores from 0 to 1 by model");
      query.human.emplace(one.key(), score);
    }
  }
  return query;
}

}  // namespace

uint64_t Query::key() const {
  return fnv1a(reference, fnv1a(std::string_view("\0", 1), fnv1a(text)));
}

std::expected<QueryFile, Error> read_queries(const std::vector<std::filesystem::path>& files) {
  QueryFile result;
  std::unordered_set<uint64_t> seen;
  for (const auto& file : files) {
    TRY_ASSIGN(const std::string content, read_maybe_gzip(file));
    std::string_view rest = content;
    if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
    for (size_t number = 1; !rest.empty(); ++number) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (quality::trimmed(line).empty()) continue;
      auto query = read_row(line);
      if (!query)
        return fail(query.error().code,
                    fmt::format("{}:{}: {}", file.string(), number, query.error().message));
      ++result.rows;
      if (quality::trimmed(query->text).empty())
        ++result.empty;
      else if (!seen.insert(query->key()).second)
        ++result.repeated;
      else
        result.queries.push_back(std::move(*query));
    }
  }
  return result;
}

std::vector<Query> sample(std::vector<Query> queries, size_t size, uint64_t seed) {
  Random random(seed);
  const size_t count = std::min(size, queries.size());
  for (size_t i = 0; i < count; ++i)
    std::swap(queries[i], queries[i + random.below(queries.size() - i)]);
  queries.resize(count);
  return queries;
}

}  // namespace weir::label
