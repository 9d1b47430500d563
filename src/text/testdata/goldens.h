// Reads wordpiece_golden.jsonl.gz (tools/unicode/make_goldens.py) for tests and benchmarks, which
// run in the repository's root.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "text/wordpiece.h"

namespace weir::text {

struct Golden {
  std::string text;
  std::vector<int32_t> ids;
};

struct Goldens {
  Vocabulary vocabulary;
  std::vector<Golden> rows;
};

namespace golden_file {

[[noreturn]] inline void give_up(const Error& error) {
  std::fprintf(stderr, "wordpiece_golden.jsonl.gz: %s\n", error.message.c_str());
  std::abort();
}

inline json::Document parse_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  auto document = json::Document::parse(std::string(rest.substr(0, end)));
  if (!document) give_up(document.error());
  rest.remove_prefix(end + 1);
  return std::move(*document);
}

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

inline Vocabulary read_vocabulary(std::string_view& rest) {
  const json::Document first = parse_line(rest);
  std::string text;
  for (const json::Value token : first.root()["vocab"])
    text += token.string_or("") + "\n";
  auto vocabulary = Vocabulary::from_text(text);
  if (!vocabulary) give_up(vocabulary.error());
  return std::move(*vocabulary);
}

}  // namespace golden_file

// Ends the process when the file is missing or broken.
inline const Goldens& goldens() {
  static const Goldens kGoldens = [] {
    const auto file = read_maybe_gzip("src/text/testdata/wordpiece_golden.jsonl.gz");
    if (!file) golden_file::give_up(file.error());
    std::string_view rest = *file;
    Goldens goldens{golden_file::read_vocabulary(rest), {}};
    while (!rest.empty()) {
      const json::Document line = golden_file::parse_line(rest);
      Golden row;
      row.text = line.root()["hex"].exists()
                     ? golden_file::from_hex(line.root()["hex"].string_or(""))
                     : line.root()["text"].string_or("");
      for (const json::Value id : line.root()["ids"]) {
        row.ids.push_back(static_cast<int32_t>(id.as_int64().value_or(-1)));
      }
      goldens.rows.push_back(std::move(row));
    }
    return goldens;
  }();
  return kGoldens;
}

}  // namespace weir::text
