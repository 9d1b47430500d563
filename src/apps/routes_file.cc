#include "apps/routes_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "apps/data_options.h"
#include "apps/output.h"
#include "base/files.h"
#include "base/json.h"
#include "catalog/models.h"
#include "config/yaml.h"
#include "model/router_file.h"

namespace weir::apps {
namespace {

using config::Entry;
using config::Node;

// Reads along the tree; every failure names file and line.
class RoutesReader {
 public:
  explicit RoutesReader(const std::string& path) : path_(path) {}

  std::expected<train::SemanticRoutes, Error> read(const Node& root) const {
    train::SemanticRoutes result;
    if (root.kind != Node::Kind::kMap) return wrong(1, "the file must hold the list `routes`");
    for (const Entry& entry : root.entries) {
      if (entry.key == "routes") {
        TRY_ASSIGN(result.routes, routes(entry));
      } else if (entry.key == "models") {
        TRY_ASSIGN(result.models, texts(entry));
      } else if (entry.key == "default") {
        TRY_ASSIGN(result.default_route, text(entry));
      } else {
        return wrong(entry.line,
                     fmt::format("unknown key '{}'; there are routes, models, default", entry.key));
      }
    }
    if (result.models.empty()) {
      TRY_ASSIGN(result.models, models_by_price(result.routes));
    }
    return result;
  }

 private:
  std::unexpected<Error> wrong(int line, std::string_view what) const {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", path_, line, what));
  }

  std::expected<std::string, Error> text(const Entry& entry) const {
    if (entry.value.kind == Node::Kind::kScalar && !entry.value.text.empty())
      return entry.value.text;
    return wrong(entry.line, fmt::format("{} must be a text", entry.key));
  }

  std::expected<std::vector<std::string>, Error> texts(const Entry& entry) const {
    std::vector<std::string> result;
    for (const Node& item : entry.value.items) {
      if (item.kind != Node::Kind::kScalar || item.text.empty())
        return wrong(item.line, fmt::format("{} must be a list of texts", entry.key));
      result.push_back(item.text);
    }
    if (!result.empty()) return result;
    return wrong(entry.line, fmt::format("{} must be a list of texts, not empty", entry.key));
  }

  std::expected<double, Error> similarity(const Entry& entry) const {
    const std::string& digits = entry.value.text;
    double value = -2;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size() && value >= -1 && value <= 1)
      return value;
    return wrong(entry.line, "threshold must be a similarity from -1 to 1");
  }

  std::expected<std::vector<train::SemanticRoute>, Error> routes(const Entry& list) const {
    std::vector<train::SemanticRoute> result;
    for (const Node& item : list.value.items) {
      train::SemanticRoute& one = result.emplace_back();
      for (const Entry& entry : item.entries) {
        if (entry.key == "name") {
          TRY_ASSIGN(one.route.name, text(entry));
        } else if (entry.key == "description") {
          TRY_ASSIGN(one.route.description, text(entry));
        } else if (entry.key == "model") {
          TRY_ASSIGN(one.route.model, text(entry));
        } else if (entry.key == "examples") {
          TRY_ASSIGN(one.examples, texts(entry));
        } else if (entry.key == "threshold") {
          TRY_ASSIGN(one.threshold, similarity(entry));
        } else {
          return wrong(entry.line,
                       fmt::format("unknown key '{}' of a route; there are name, description, "
                                   "model, examples, threshold",
                                   entry.key));
        }
      }
      if (one.route.name.empty() || one.route.model.empty() || one.examples.empty())
        return wrong(item.line, "a route needs name, model and examples");
    }
    if (!result.empty()) return result;
    return wrong(list.line, "routes must be a list of routes, not empty");
  }

  // Weakest first means cheapest first, where the table knows every price.
  std::expected<std::vector<std::string>, Error> models_by_price(
      const std::vector<train::SemanticRoute>& all) const {
    const catalog::Catalog catalog = catalog::Catalog::built_in();
    std::vector<std::pair<int64_t, std::string>> priced;
    for (const train::SemanticRoute& one : all) {
      const catalog::Model* model = catalog.find(one.route.model);
      if (model == nullptr || !model->price.known())
        return wrong(1, fmt::format("no price is known for '{}': list the `models`, weakest first",
                                    one.route.model));
      const std::pair entry(model->price.tiers.front().output_picousd, one.route.model);
      if (std::ranges::find(priced, entry) == priced.end()) priced.push_back(entry);
    }
    std::ranges::sort(priced);
    if (priced.size() < 2)
      return wrong(1,
                   "all routes have one model, so there is nothing to choose: list the "
                   "`models`, weakest first, or give a route another");
    std::vector<std::string> names;
    for (auto& [price, name] : priced)
      names.push_back(std::move(name));
    return names;
  }

  const std::string& path_;
};

std::string summary_text(const train::SemanticRoutes& routes, const std::string& out,
                         size_t bytes) {
  std::string text;
  for (const train::SemanticRoute& one : routes.routes)
    text += fmt::format("route {}: {} examples, model {}\n", one.route.name, one.examples.size(),
                        one.route.model);
  text += fmt::format("nothing near enough: {}\n", routes.default_route.empty()
                                                       ? routes.models.back()
                                                       : "route " + routes.default_route);
  text += fmt::format("models, weakest first: {}\n", fmt::join(routes.models, ", "));
  text += fmt::format("wrote {} ({} bytes)\n", out, bytes);
  return text + fmt::format(
                    "next: weir route --router {} --json \"...\"; thresholds from labelled "
                    "utterances: weir calibrate --router {} --data FILE\n",
                    out, out);
}

std::string summary_json(const train::SemanticRoutes& routes, const std::string& out_path,
                         size_t bytes) {
  json::Writer out;
  out.begin_object().member("out", out_path).member("bytes", bytes).member("kind", "semantic");
  out.key("models").begin_array();
  for (const std::string& model : routes.models)
    out.value(model);
  out.end_array().member("default", routes.default_route).key("routes").begin_array();
  for (const train::SemanticRoute& one : routes.routes)
    out.begin_object()
        .member("name", one.route.name)
        .member("model", one.route.model)
        .member("examples", one.examples.size())
        .end_object();
  return out.end_array().end_object().take() + "\n";
}

}  // namespace

std::expected<train::SemanticRoutes, Error> read_routes_file(const std::string& path) {
  constexpr size_t kLimit = 1 << 20;
  TRY_ASSIGN(const std::string bytes, read_file(path, kLimit));
  TRY_ASSIGN(const Node root, config::parse_yaml(bytes, path));
  return RoutesReader(path).read(root);
}

std::expected<void, Error> train_semantic(const std::string& routes_path,
                                          const std::string& out_path, const std::string& cut_time,
                                          bool json) {
  TRY_ASSIGN(const train::SemanticRoutes routes, read_routes_file(routes_path));
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  auto file = train::fit_semantic(routes, embedder);
  if (!file)
    return fail(file.error().code, fmt::format("{}: {}", routes_path, file.error().message));
  file->cut_time = cut_time;
  TRY_ASSIGN(const std::string bytes, encode_router_file(*file));
  TRY(write_file(out_path, bytes));
  return write_output(json ? summary_json(routes, out_path, bytes.size())
                           : summary_text(routes, out_path, bytes.size()));
}

}  // namespace weir::apps
