#include "text/own_words.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace weir::text {
namespace {

enum class Treatment : uint8_t {
  kRemove,  // the block is the program's: it goes with its content
  kUnwrap,  // the content is the user's: only the tags go
  kFocus,   // the content is the user's, and everything outside such blocks is the program's
};

struct Block {
  std::string_view name;
  Treatment treatment;
};

// Sorted by name. The programs named are those seen to send the block.
constexpr Block kBlocks[] = {
    {"EXTRA_INFO", Treatment::kRemove},                      // OpenHands
    {"EnvironmentContext", Treatment::kRemove},              // Kiro
    {"INSTRUCTIONS", Treatment::kRemove},                    // Codex: AGENTS.md
    {"REPOSITORY_INFO", Treatment::kRemove},                 // OpenHands
    {"RUNTIME_INFORMATION", Treatment::kRemove},             // OpenHands
    {"additional_data", Treatment::kRemove},                 // Cursor
    {"additional_metadata", Treatment::kRemove},             // Windsurf
    {"attached_files", Treatment::kRemove},                  // Cursor
    {"available-deferred-tools", Treatment::kRemove},        // Claude Code
    {"bash-input", Treatment::kRemove},                      // Claude Code
    {"bash-stderr", Treatment::kRemove},                     // Claude Code
    {"bash-stdout", Treatment::kRemove},                     // Claude Code
    {"code_selection", Treatment::kRemove},                  // Cursor
    {"collaboration_mode", Treatment::kRemove},              // Codex
    {"command-args", Treatment::kUnwrap},                    // Claude Code: typed by the user
    {"command-contents", Treatment::kRemove},                // Claude Code
    {"command-message", Treatment::kRemove},                 // Claude Code
    {"command-name", Treatment::kRemove},                    // Claude Code
    {"current_file", Treatment::kRemove},                    // Cursor
    {"cursor_rules_context", Treatment::kRemove},            // Cursor
    {"editorContext", Treatment::kRemove},                   // Copilot
    {"environment_context", Treatment::kRemove},             // Codex
    {"environment_details", Treatment::kRemove},             // Cline, Roo, Kilo
    {"environment_info", Treatment::kRemove},                // Copilot
    {"explicit_instructions", Treatment::kRemove},           // Cline
    {"feedback", Treatment::kUnwrap},                        // Cline, Roo: typed by the user
    {"file_content", Treatment::kRemove},                    // Cline, Roo
    {"final_file_content", Treatment::kRemove},              // Cline
    {"folder_content", Treatment::kRemove},                  // Cline, Roo
    {"git_commit", Treatment::kRemove},                      // Cline, Roo
    {"git_status", Treatment::kRemove},                      // Cursor
    {"git_working_state", Treatment::kRemove},               // Cline, Roo
    {"ide_diagnostics", Treatment::kRemove},                 // Claude Code
    {"ide_opened_file", Treatment::kRemove},                 // Claude Code
    {"ide_selection", Treatment::kRemove},                   // Claude Code
    {"implicit-rules", Treatment::kRemove},                  // Kiro
    {"info-msg", Treatment::kRemove},                        // Goose
    {"linter_errors", Treatment::kRemove},                   // Cursor
    {"local-command-caveat", Treatment::kRemove},            // Claude Code
    {"local-command-stderr", Treatment::kRemove},            // Claude Code
    {"local-command-stdout", Treatment::kRemove},            // Claude Code
    {"manually_attached_skills", Treatment::kRemove},        // Cursor
    {"new-diagnostics", Treatment::kRemove},                 // Claude Code
    {"open_and_recently_viewed_files", Treatment::kRemove},  // Cursor
    {"persisted-output", Treatment::kRemove},                // Claude Code
    {"post-tool-use-hook", Treatment::kRemove},              // Claude Code
    {"pre-tool-use-hook", Treatment::kRemove},               // Claude Code
    {"project_layout", Treatment::kRemove},                  // Cursor
    {"reminderInstructions", Treatment::kRemove},            // Copilot
    {"repoContext", Treatment::kRemove},                     // Copilot
    {"session-start-hook", Treatment::kRemove},              // Claude Code
    {"session_context", Treatment::kRemove},                 // Gemini CLI
    {"steering-reminder", Treatment::kRemove},               // Kiro
    {"subagent_notification", Treatment::kRemove},           // Codex
    {"system-reminder", Treatment::kRemove},                 // Claude Code, opencode
    {"system_notification", Treatment::kRemove},             // Cursor
    {"system_reminder", Treatment::kRemove},                 // Cursor
    {"task", Treatment::kUnwrap},                            // Cline, Roo: typed by the user
    {"task-notification", Treatment::kRemove},               // Claude Code
    {"teammate-message", Treatment::kRemove},                // Claude Code
    {"terminal_output", Treatment::kRemove},                 // Cline, Roo
    {"tool_use_error", Treatment::kRemove},                  // Claude Code
    {"turn_aborted", Treatment::kRemove},                    // Codex
    {"uploaded_files", Treatment::kRemove},                  // OpenHands
    {"url_content", Treatment::kRemove},                     // Cline, Roo
    {"user-memory-input", Treatment::kRemove},               // Claude Code
    {"user-prompt-submit-hook", Treatment::kRemove},         // Claude Code
    {"userRequest", Treatment::kFocus},                      // Copilot
    {"user_info", Treatment::kRemove},                       // Cursor
    {"user_instructions", Treatment::kRemove},               // Codex
    {"user_message", Treatment::kUnwrap},                    // Roo: typed by the user
    {"user_query", Treatment::kFocus},                       // Cursor
    {"user_shell_command", Treatment::kRemove},              // Codex
    {"workspace_diagnostics", Treatment::kRemove},           // Cline, Roo
    {"workspace_info", Treatment::kRemove},                  // Copilot
};
constexpr size_t kBlockCount = std::size(kBlocks);

// A line that begins so is the program's.
constexpr std::string_view kProgramLines[] = {
    "[Request interrupted by user",  // Claude Code
    "Caveat: The messages below were generated by the user while running local commands.",
    "# AGENTS.md instructions for ",  // Codex
    "# Context from my IDE setup:",   // Codex in an editor
};

// A part that begins so is the program's as a whole.
constexpr std::string_view kProgramParts[] = {
    "This session is being continued from a previous conversation that ran out of context.",
    "This is the Gemini CLI. We are setting up the context for our chat.",
    "[ERROR] You did not use a tool in your previous response",  // Cline, Roo
};

// The user's words begin after this line.
constexpr std::string_view kRequestLines[] = {
    "## My request for Codex:",
};

// The user's words end before this line.
constexpr std::string_view kEndLines[] = {
    "# *SEARCH/REPLACE block* Rules:",        // aider
    "# File editing rules:",                  // aider
    "--- Content from referenced files ---",  // Gemini CLI
};

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMaxTags = 10'000;  // what follows them is taken as text

struct Tag {
  size_t begin, end;  // with the angle brackets
  size_t block;       // index in kBlocks
  bool closes;
  bool drops = false;    // a closing tag whose opening tag was unwrapped
  size_t match = kNone;  // of an opening tag: index of its closing tag
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

size_t find_block(std::string_view name) {
  static_assert(std::ranges::is_sorted(kBlocks, {}, &Block::name));
  const auto* found = std::ranges::lower_bound(kBlocks, name, {}, &Block::name);
  const bool is_listed = found != std::end(kBlocks) && found->name == name;
  return is_listed ? static_cast<size_t>(found - kBlocks) : kNone;
}

// The tag of a listed block that begins at `begin`, where text has '<'; attributes are allowed.
std::optional<Tag> read_tag(std::string_view text, size_t begin) {
  constexpr size_t kMaxTagBytes = 300;
  Tag tag{begin, 0, kNone, begin + 1 < text.size() && text[begin + 1] == '/'};
  const size_t name_begin = begin + (tag.closes ? 2 : 1);
  size_t at = name_begin;
  while (at < text.size() && at - name_begin < 40 && is_name_char(text[at]))
    ++at;
  if (at == name_begin || at >= text.size()) return std::nullopt;
  if (text[at] != '>' && (tag.closes || (text[at] != ' ' && text[at] != '\n'))) return std::nullopt;
  tag.block = find_block(text.substr(name_begin, at - name_begin));
  if (tag.block == kNone) return std::nullopt;
  const size_t close = text.substr(at, kMaxTagBytes).find_first_of("<>");
  if (close == kNone || text[at + close] != '>') return std::nullopt;
  tag.end = at + close + 1;
  return tag;
}

bool begins_line(std::string_view text, size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
    --at;
  return at == 0 || text[at - 1] == '\n';
}

// All tags of listed blocks, opening ones matched with their ends. Blocks of one name nest; an
// opening tag that nothing closes but that begins a line ends at the last closing tag of its name.
std::vector<Tag> match_tags(std::string_view text) {
  std::vector<Tag> tags;
  std::array<std::vector<size_t>, kBlockCount> open;
  std::array<size_t, kBlockCount> last_close;
  last_close.fill(kNone);
  for (size_t at = text.find('<'); at != kNone && tags.size() < kMaxTags;
       at = text.find('<', at + 1)) {
    const auto tag = read_tag(text, at);
    if (!tag) continue;
    if (tag->closes) {
      last_close[tag->block] = tags.size();
      auto& stack = open[tag->block];
      if (!stack.empty()) {
        tags[stack.back()].match = tags.size();
        stack.pop_back();
      }
    } else {
      open[tag->block].push_back(tags.size());
    }
    tags.push_back(*tag);
  }
  for (size_t block = 0; block < kBlockCount; ++block) {
    for (const size_t index : open[block]) {
      const size_t close = last_close[block];
      const bool reaches = close != kNone && close > index && begins_line(text, tags[index].begin);
      if (reaches) tags[index].match = close;
    }
  }
  return tags;
}

struct Stripped {
  std::string words;    // without the program's blocks
  std::string focused;  // of that, what stands inside kFocus blocks
  bool has_focus = false;
};

// Copies what stays; one pass over text and tags.
class Stripper {
 public:
  explicit Stripper(std::string_view text) : text_(text), tags_(match_tags(text)) {}

  Stripped run() {
    for (const Tag& tag : tags_) {
      if (tag.begin < position_) continue;
      const Treatment treatment = kBlocks[tag.block].treatment;
      if (tag.closes) {
        if (!tag.drops) continue;
        skip_to(tag.begin, tag.end);
        if (treatment == Treatment::kFocus) --focus_depth_;
      } else if (treatment == Treatment::kRemove) {
        if (tag.match != kNone) {
          skip_to(tag.begin, tags_[tag.match].end);
        } else if (begins_line(text_, tag.begin)) {
          skip_to(tag.begin, text_.size());
        }
      } else if (tag.match != kNone) {
        skip_to(tag.begin, tag.end);
        tags_[tag.match].drops = true;
        if (treatment == Treatment::kFocus) ++focus_depth_, out_.has_focus = true;
      }
    }
    skip_to(text_.size(), text_.size());
    return std::move(out_);
  }

 private:
  // Keeps [position_, from) and goes on at `to`.
  void skip_to(size_t from, size_t to) {
    const std::string_view kept = text_.substr(position_, from - position_);
    out_.words += kept;
    if (focus_depth_ > 0) out_.focused += kept;
    position_ = to;
  }

  std::string_view text_;
  std::vector<Tag> tags_;
  size_t position_ = 0;
  int focus_depth_ = 0;
  Stripped out_;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == kNone) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool begins_with_any(std::string_view text, std::span<const std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view p) { return text.starts_with(p); });
}

// Applies the tables of lines.
std::string strip_lines(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (begins_with_any(line, kEndLines)) break;
    if (begins_with_any(line, kRequestLines)) {
      kept.clear();
    } else if (!begins_with_any(line, kProgramLines)) {
      kept += line;
    }
  }
  return kept;
}

void append_part(std::string_view part, std::string& out) {
  part = trim(part);
  if (part.empty()) return;
  if (!out.empty()) out += '\n';
  out += part;
}

}  // namespace

std::string own_words(std::span<const std::string_view> text_parts) {
  std::string words, focused;
  bool has_focus = false;
  for (const std::string_view part : text_parts) {
    if (begins_with_any(trim(part), kProgramParts)) continue;
    const Stripped stripped = Stripper(part).run();
    has_focus |= stripped.has_focus;
    append_part(strip_lines(stripped.words), words);
    append_part(stripped.focused, focused);
  }
  return has_focus ? focused : words;
}

std::expected<QueryExtractor, Error> QueryExtractor::make(QueryFrom from) {
  QueryExtractor extractor;
  const bool needs_argument =
      from.kind == QueryFrom::Kind::kRegex || from.kind == QueryFrom::Kind::kAfterMarker;
  if (needs_argument && from.argument.empty()) {
    return fail(ErrorCode::kInvalidArgument, from.kind == QueryFrom::Kind::kRegex
                                                 ? "the pattern is empty"
                                                 : "the marker is empty");
  }
  if (from.kind == QueryFrom::Kind::kRegex) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(int64_t{1} << 20);
    auto pattern = std::make_shared<const re2::RE2>(from.argument, options);
    if (!pattern->ok()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("pattern '{}': {} (RE2 syntax)", from.argument, pattern->error()));
    }
    extractor.pattern_ = std::move(pattern);
  }
  extractor.from_ = std::move(from);
  return extractor;
}

std::string extract_query(const QueryExtractor& extractor,
                          std::span<const std::string_view> text_parts,
                          std::optional<std::string_view> header_value) {
  const QueryFrom& from = extractor.from_;
  if (from.kind == QueryFrom::Kind::kHeader) return std::string(trim(header_value.value_or("")));
  std::string words = own_words(text_parts);
  if (from.kind == QueryFrom::Kind::kAfterMarker) {
    const size_t at = words.rfind(from.argument);
    if (at == std::string::npos) return {};
    return std::string(trim(std::string_view(words).substr(at + from.argument.size())));
  }
  if (from.kind == QueryFrom::Kind::kRegex) {
    std::array<re2::StringPiece, 2> groups;
    const int wanted = extractor.pattern_->NumberOfCapturingGroups() > 0 ? 2 : 1;
    if (!extractor.pattern_->Match(words, 0, words.size(), re2::RE2::UNANCHORED, groups.data(),
                                   wanted)) {
      return {};
    }
    const re2::StringPiece found = groups[static_cast<size_t>(wanted) - 1];
    return std::string(trim({found.data(), found.size()}));
  }
  return words;
}

}  // namespace weir::text
