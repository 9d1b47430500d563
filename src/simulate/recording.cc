#include "simulate/recording.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"

namespace weir::simulate {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string key_of(std::string_view query, std::string_view model) {
  return fmt::format("{}\n{}", model, trimmed(query));
}

std::expected<RecordedAnswer, Error> read_row(std::string line) {
  TRY_ASSIGN(const json::Document document, json::Document::parse(std::move(line)));
  const json::Value root = document.root();
  RecordedAnswer row;
  const std::pair<std::string_view, std::string*> texts[] = {
      {"query", &row.query}, {"model", &row.model}, {"response", &row.response}};
  for (const auto& [name, field] : texts) {
    const auto text = root[name].as_string();
    if (!text) return fail(ErrorCode::kCorrupt, fmt::format("'{}' must be text", name));
    *field = *text;
  }
  row.id = root["id"].string_or("");
  row.score = root["score"].as_double();
  row.confidence = root["confidence"].as_double();
  row.token_confidence = root["token_confidence"].as_double();
  row.input_tokens = root["input_tokens"].as_int64();
  row.output_tokens = root["output_tokens"].as_int64();
  return row;
}

}  // namespace

std::expected<void, Error> Recording::add(std::string_view text, std::string_view name) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    auto row = read_row(std::string(line));
    if (!row)
      return fail(ErrorCode::kCorrupt, fmt::format("{}:{}: {}", name, number, row.error().message));
    if (!index_.emplace(key_of(row->query, row->model), rows_.size()).second) {
      duplicates_.push_back(row->id);
      continue;
    }
    ++models_[row->model];
    rows_.push_back(std::move(*row));
  }
  return {};
}

std::expected<Recording, Error> Recording::from_text(std::string_view text, std::string_view name) {
  Recording recording;
  TRY(recording.add(text, name));
  return recording;
}

std::expected<Recording, Error> Recording::load(std::span<const std::filesystem::path> files) {
  Recording recording;
  for (const auto& file : files) {
    TRY_ASSIGN(const std::string text, read_maybe_gzip(file));
    TRY(recording.add(text, file.string()));
  }
  return recording;
}

const RecordedAnswer* Recording::find(std::string_view query, std::string_view model) const {
  const auto found = index_.find(key_of(query, model));
  return found == index_.end() ? nullptr : &rows_[found->second];
}

}  // namespace weir::simulate
