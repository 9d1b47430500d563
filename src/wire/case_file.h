// Reads the case files of testdata/, for the tests of this folder:
//   === name of the case
//   --- section
//   text, to the next line that begins with --- or ===
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::wire {

struct Case {
  std::string name;
  std::map<std::string, std::string> sections;

  bool has(const std::string& section) const { return sections.contains(section); }
  // The text without space at its end, "" when there is no such section.
  std::string get(const std::string& section) const {
    const auto found = sections.find(section);
    if (found == sections.end()) return {};
    const size_t end = found->second.find_last_not_of(" \n");
    return found->second.substr(0, end == std::string::npos ? 0 : end + 1);
  }
};

inline std::vector<Case> read_cases(const std::string& name) {
  const std::string path = "src/wire/testdata/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path + ": run from the repository's root");
  std::vector<Case> cases;
  std::string line;
  std::string* section = nullptr;
  while (std::getline(file, line)) {
    if (line.starts_with("=== ")) {
      cases.push_back({line.substr(4), {}});
      section = nullptr;
    } else if (line.starts_with("--- ")) {
      section = &cases.back().sections[line.substr(4)];
    } else if (section != nullptr) {
      *section += line + '\n';
    }
  }
  return cases;
}

// JSON without the space between its tokens, so that expectations can be laid out for reading.
inline std::string compact(const std::string& json) {
  std::string out;
  bool inside = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!inside && (c == ' ' || c == '\n')) continue;
    out.push_back(c);
    if (c == '"') inside = !inside;
    if (inside && c == '\\') out.push_back(json[++i]);
  }
  return out;
}

}  // namespace weir::wire
