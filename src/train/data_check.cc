#include "train/data_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/query_hash.h"
#include "train/near_duplicates.h"

namespace weir::train {
namespace {

constexpr size_t kLanguageChars = 2'000;

struct Script {
  std::string_view name;
  char32_t first, last;
};
constexpr auto kScripts = std::to_array<Script>({{"Greek", 0x370, 0x3FF},
                                                 {"Cyrillic", 0x400, 0x52F},
                                                 {"Hebrew", 0x590, 0x5FF},
                                                 {"Arabic", 0x600, 0x77F},
                                                 {"Devanagari", 0x900, 0x97F},
                                                 {"Thai", 0xE00, 0xE7F},
                                                 {"Japanese", 0x3040, 0x30FF},
                                                 {"Chinese", 0x3400, 0x9FFF},
                                                 {"Korean", 0xAC00, 0xD7AF}});

struct Words {
  std::string_view language;
  std::array<std::string_view, 12> words;
};
constexpr auto kCommon = std::to_array<Words>({
    {"English",
     {"the", "of", "and", "is", "what", "how", "which", "are", "does", "this", "with", "many"}},
    {"German",
     {"der", "die", "das", "und", "ist", "nicht", "wie", "ein", "eine", "ich", "auf", "wird"}},
    {"French",
     {"le", "les", "des", "est", "une", "et", "du", "quel", "quelle", "dans", "pour", "qui"}},
    {"Spanish",
     {"el", "los", "las", "una", "que", "del", "cual", "por", "para", "como", "es", "cuantos"}},
    {"Italian",
     {"il", "che", "di", "per", "sono", "della", "gli", "non", "come", "quale", "nel", "questo"}},
    {"Portuguese",
     {"os", "uma", "um", "dos", "das", "nas", "para", "qual", "como", "que", "em", "quantos"}},
});

std::optional<std::string_view> script_of(char32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0x24F)) return "Latin";
  for (const Script& script : kScripts)
    if (c >= script.first && c <= script.last) return script.name;
  return std::nullopt;
}

std::string_view guess_latin(std::string_view text) {
  std::array<int, kCommon.size()> hits{};
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (static_cast<uint8_t>(c) & 0x80) != 0) {
      word += c;
      continue;
    }
    for (size_t k = 0; !word.empty() && k < kCommon.size(); ++k)
      hits[k] += std::ranges::find(kCommon[k].words, word) != kCommon[k].words.end() ? 1 : 0;
    word.clear();
  }
  const auto best = std::ranges::max_element(hits);
  if (*best == 0 || std::ranges::count(hits, *best) > 1) return "Latin";
  return kCommon[static_cast<size_t>(best - hits.begin())].language;
}

// A file's queries with what is needed to compare files.
struct FileRows {
  std::vector<std::string> queries;
  std::unordered_map<uint64_t, int> labels;  // of each different query: -1 unknown
  ShingleIndex shingles;
};

void count_row(json::Value row, FileCheck& check) {
  const json::Value label = row["label"];
  const auto number =
      label.as_bool() ? std::optional<int64_t>(*label.as_bool() ? 1 : 0) : label.as_int64();
  if (number) ++(*number != 0 ? check.label_1 : check.label_0);
  check.label_null += label.is_null() ? 1 : 0;
  check.battles += row["winner"].exists() ? 1 : 0;
  if (const json::Value scores = row["scores"]; scores.is_object()) {
    for (const json::Value score : scores) {
      const auto value = score.as_double();
      if (!value) continue;
      auto& model = check.scores[score.key()];
      ++model.rows;
      model.sum += *value;
    }
  }
  check.contaminated += row["contaminated"].as_bool().value_or(false) ? 1 : 0;
  check.in_bench += row["in_bench"].as_bool().value_or(false) ? 1 : 0;
}

void take_query(std::string query, json::Value row, FileCheck& check, FileRows& rows) {
  const int label = static_cast<int>(row["label"].as_int64().value_or(-1));
  const auto [same, fresh] = rows.labels.emplace(model::query_hash(query), label);
  if (fresh) {
    const size_t index = rows.shingles.size();
    check.near += rows.shingles.find_before(query, index) ? 1 : 0;
  } else {
    ++check.repeated;
    check.contradictory += label >= 0 && same->second >= 0 && label != same->second ? 1 : 0;
  }
  rows.shingles.add(query);
  ++check.languages[std::string(guess_language(query))];
  rows.queries.push_back(std::move(query));
}

std::expected<void, Error> read_rows(const std::filesystem::path& file, FileCheck& check,
                                     FileRows& rows) {
  TRY_ASSIGN(const std::string content, read_maybe_gzip(file));
  std::string_view rest = content;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto document = json::Document::parse(line);
    if (!document || !document->root().is_object())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}:{}: {}", file.string(), number,
                              document ? "a row must be an object" : document.error().message));
    ++check.rows;
    const json::Value row = document->root();
    count_row(row, check);
    auto query = row["query"].as_string();
    if (query)
      take_query(*std::move(query), row, check, rows);
    else
      ++check.without_query;
  }
  return {};
}

Lengths lengths_of(const std::vector<std::string>& queries) {
  std::vector<uint64_t> all;
  for (const std::string& query : queries)
    all.push_back(count_utf8(query));
  if (all.empty()) return {};
  std::ranges::sort(all);
  return {all.front(), all[all.size() / 2], all[all.size() * 9 / 10], all.back()};
}

Overlap compare(const FileCheck& first, const FileRows& in_first, const FileCheck& second,
                const FileRows& in_second) {
  Overlap overlap{.first = first.file, .second = second.file};
  for (const std::string& query : in_second.queries) {
    const bool equal = in_first.labels.contains(model::query_hash(query));
    const bool near = !equal && in_first.shingles.find(query).has_value();
    overlap.equal += equal ? 1 : 0;
    overlap.near += near ? 1 : 0;
    if (near || (equal && overlap.example.empty())) overlap.example = query;
  }
  return overlap;
}

}  // namespace

std::string_view guess_language(std::string_view text) {
  std::map<std::string_view, int> scripts;
  size_t read = 0;
  for (size_t i = 0; i < text.size() && read < kLanguageChars; ++read)
    if (const auto script = script_of(decode_utf8(text, i))) ++scripts[*script];
  if (scripts.empty()) return "none";
  // Kanji are Chinese characters; kana beside them make the text Japanese.
  if (scripts.contains("Japanese")) return "Japanese";
  const auto most = std::ranges::max_element(
      scripts, [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->first == "Latin" ? guess_latin(text.substr(0, kLanguageChars)) : most->first;
}

std::expected<DataCheck, Error> check_data(const std::vector<std::filesystem::path>& files) {
  DataCheck result;
  std::vector<FileRows> rows(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    FileCheck check;
    check.file = files[i].string();
    TRY(read_rows(files[i], check, rows[i]));
    check.lengths = lengths_of(rows[i].queries);
    result.files.push_back(std::move(check));
  }
  for (size_t i = 0; i < files.size(); ++i) {
    for (size_t j = i + 1; j < files.size(); ++j) {
      Overlap overlap = compare(result.files[i], rows[i], result.files[j], rows[j]);
      if (overlap.equal + overlap.near > 0) result.overlaps.push_back(std::move(overlap));
    }
  }
  return result;
}

}  // namespace weir::train
