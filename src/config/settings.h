// The one table of settings: key, field, limits, unit, text. Parsing, checking, printing and
// documentation all walk it; a default is what the field holds in a fresh Draft, so that none can
// be stated twice. Thread-safe: the table is constant.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/judge_settings.h"
#include "gateway/options.h"

namespace weir::config {

// What cannot be a gateway value before all of the file is read.
struct RouteDraft {
  gateway::RouteOptions options;
  std::string weak, strong;         // "model" or "provider/model"
  std::vector<std::string> models;  // the same, in place of the two
  std::string router = "default";
  std::string router_model;  // "model" or "provider/model", "" for none
};

// Facts about one model that override the catalog's. Prices in pico-dollars per token.
struct ModelDraft {
  std::string name;
  std::optional<int64_t> input_picousd, output_picousd, cache_read_picousd, cache_write_picousd,
      cache_write_1h_picousd;
  std::optional<int64_t> context_tokens, max_output_tokens;
  std::optional<bool> tools, images, json_schema, thinking;
};

struct Draft {
  Draft();
  gateway::Options options;
  http::ServerTls tls;
  std::vector<gateway::ProviderOptions> providers;
  std::vector<RouteDraft> routes;
  std::vector<ModelDraft> models;
  std::vector<gateway::ClientKey> keys;
  JudgeSettings judge;
};

// The draft, and the entry of a named section that a key is about.
struct Scope {
  Draft& draft;
  gateway::ProviderOptions* provider = nullptr;
  RouteDraft* route = nullptr;
  ModelDraft* model = nullptr;
  gateway::ClientKey* key = nullptr;
  std::string name = {};  // of a freely named last segment (a header)
};

template <typename T>
using Ref = T& (*)(Scope&);

// A field whose text has a meaning of its own. parse() fails with what the value must be.
struct Custom {
  std::expected<void, std::string> (*parse)(Scope&, std::string_view text);
  std::string (*print)(Scope&);
  std::string_view form;  // for the documentation: "`route` or `observe`"
};

using Field =
    std::variant<Ref<std::string>, Ref<bool>, Ref<int>, Ref<int64_t>, Ref<uint16_t>, Ref<uint64_t>,
                 Ref<double>, Ref<std::optional<double>>, Ref<std::optional<int64_t>>,
                 Ref<std::optional<bool>>, Ref<std::vector<std::string>>, Custom>;

struct Range {
  double least = 0;
  double most = std::numeric_limits<double>::infinity();
};

enum class Secrecy { kOpen, kSecret };

struct Setting {
  std::string_view key;  // "routes.<name>.weak"; <...> stands for a name of the user's
  Field field;
  Range range = {};
  std::string_view unit = "";
  std::string_view text;  // full sentences
  Secrecy secrecy = Secrecy::kOpen;
};

std::span<const Setting> settings();

// "a.<name>.b" -> {"a", "<name>", "b"}.
std::vector<std::string_view> split_key(std::string_view key);
inline bool is_placeholder(std::string_view segment) {
  return segment.starts_with('<');
}

// Sets the field from its text. Fails with a sentence such as "must be a whole number from 1 to
// 65535"; the sentence never repeats the text.
[[nodiscard]] std::expected<void, std::string> assign(const Setting& setting, Scope& scope,
                                                      std::string_view text);
// Sets a list; every other field refuses it.
[[nodiscard]] std::expected<void, std::string> assign_list(const Setting& setting, Scope& scope,
                                                           std::vector<std::string> items);
// The field's text as assign() reads it; "" when unset.
std::string print(const Setting& setting, Scope& scope);
// "whole number", "text", "list of text" ...
std::string_view type_name(const Setting& setting);

// Dollars per million tokens, exactly: "0.80" -> 800'000 pico-dollars per token. nullopt when it is
// no decimal number, negative, finer than a pico-dollar or above $1,000,000.
std::optional<int64_t> parse_picousd_per_token(std::string_view usd_per_million);
std::string print_usd_per_million(int64_t picousd_per_token);

}  // namespace weir::config
