#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <set>
#include <sstream>
#include <utility>

namespace weir::config {
namespace {

constexpr size_t kBytesLimit = 1 << 20;
constexpr size_t kNodesLimit = 100'000;
constexpr size_t kDepthLimit = 32;

struct Problem {
  ErrorCode code = ErrorCode::kInvalidArgument;
  int line = 0;
  std::string text;
};

// Builds the tree. After the first problem it ignores all further events.
class Builder final : public YAML::EventHandler {
 public:
  Node take_root() { return std::move(root_); }
  const std::optional<Problem>& problem() const { return problem_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_plain(mark, "", anchor);
    add({Node::Kind::kNull, line_of(mark), "", {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(line_of(mark), "aliases (*name) are not supported: write the value out");
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    refuse(line_of(mark), "anchors (&name) are not supported: write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_plain(mark, tag, anchor);
    add({Node::Kind::kScalar, line_of(mark), value, {}, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  static int line_of(const YAML::Mark& mark) { return mark.line + 1; }

  void refuse(int line, std::string text, ErrorCode code = ErrorCode::kInvalidArgument) {
    if (!problem_) problem_ = Problem{code, line, std::move(text)};
  }

  void check_plain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      refuse(line_of(mark), "anchors (&name) are not supported: write the value out");
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(line_of(mark), "tags (!name) are not supported: leave it out");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    check_plain(mark, tag, anchor);
    if (open_.size() >= kDepthLimit)
      refuse(line_of(mark), fmt::format("nested deeper than {} levels", kDepthLimit),
             ErrorCode::kTooLarge);
    if (!problem_) open_.push_back({kind, line_of(mark), "", {}, {}});
  }

  void close() {
    if (problem_) return;
    Node node = std::move(open_.back());
    open_.pop_back();
    if (node.kind == Node::Kind::kMap) pair_up(node);
    add(std::move(node));
  }

  // The events of a map alternate between keys and values.
  void pair_up(Node& map) {
    std::set<std::string_view> seen;
    for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
      const Node& key = map.items[i];
      if (key.kind != Node::Kind::kScalar)
        return refuse(key.line, "a key must be text, not a list, a map or nothing");
      if (!seen.insert(key.text).second)
        return refuse(key.line, fmt::format("the key '{}' stands twice in one place", key.text));
      map.entries.push_back({key.text, key.line, std::move(map.items[i + 1])});
    }
    map.items.clear();
  }

  void add(Node node) {
    if (++nodes_ > kNodesLimit)
      refuse(node.line, fmt::format("more than {} values", kNodesLimit), ErrorCode::kTooLarge);
    if (problem_) return;
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().items.push_back(std::move(node));
    }
  }

  Node root_;
  std::vector<Node> open_;
  size_t nodes_ = 0;
  std::optional<Problem> problem_;
};

std::unexpected<Error> fail_at(std::string_view name, const Problem& problem) {
  return fail(problem.code, fmt::format("{}:{}: {}", name, problem.line, problem.text));
}

std::expected<Node, Error> parse_documents(std::istream& stream, std::string_view name) {
  YAML::Parser parser(stream);
  Builder builder;
  if (!parser.HandleNextDocument(builder)) return Node{Node::Kind::kMap, 1, "", {}, {}};
  if (builder.problem()) return fail_at(name, *builder.problem());
  Builder second;
  if (parser.HandleNextDocument(second))
    return fail_at(name, {ErrorCode::kInvalidArgument, 1,
                          "several documents (---) in one file: keep the first one only"});
  Node root = builder.take_root();
  if (root.kind == Node::Kind::kNull) root.kind = Node::Kind::kMap;
  return root;
}

}  // namespace

std::expected<Node, Error> parse_yaml(std::string_view text, std::string_view name) {
  if (text.size() > kBytesLimit)
    return fail(ErrorCode::kTooLarge, fmt::format("{}: larger than 1 MiB", name));
  std::istringstream stream{std::string(text)};
  try {
    return parse_documents(stream, name);
  } catch (const YAML::Exception& error) {
    return fail_at(name, {ErrorCode::kInvalidArgument, error.mark.line + 1,
                          fmt::format("not YAML: {}", error.msg)});
  }
}

}  // namespace weir::config
