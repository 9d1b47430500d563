// Recorded answers of real models, keyed by question and model: what `weir replay` serves. Format:
// JSON lines, gzip or plain, with id, query, model, response and, where known, score, input_tokens,
// output_tokens. The first row of a key wins; later ones are counted.
// Immutable after load and thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace weir::simulate {

struct RecordedAnswer {
  std::string id;
  std::string query;
  std::string model;
  std::string response;
  std::optional<double> score;
  std::optional<double> confidence;        // that the model stated
  std::optional<double> token_confidence;  // probability of the token that decides the answer
  std::optional<int64_t> input_tokens, output_tokens;
};

class Recording {
 public:
  // Fails: kNotFound, kCorrupt with file, line and field.
  [[nodiscard]] static std::expected<Recording, Error> load(
      std::span<const std::filesystem::path> files);
  [[nodiscard]] static std::expected<Recording, Error> from_text(std::string_view text,
                                                                 std::string_view name);

  // Questions compare without white space at the ends. nullptr: not recorded.
  const RecordedAnswer* find(std::string_view query, std::string_view model) const;
  const std::vector<RecordedAnswer>& rows() const { return rows_; }
  // Name and number of answers of each model.
  const std::map<std::string, size_t, std::less<>>& models() const { return models_; }
  // Rows whose key stood before them, by id.
  const std::vector<std::string>& duplicates() const { return duplicates_; }

 private:
  std::expected<void, Error> add(std::string_view text, std::string_view name);

  std::vector<RecordedAnswer> rows_;
  std::unordered_map<std::string, size_t> index_;  // model, newline, question -> row
  std::map<std::string, size_t, std::less<>> models_;
  std::vector<std::string> duplicates_;
};

}  // namespace weir::simulate
