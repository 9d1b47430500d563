#include "config/finish.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "base/digest.h"
#include "gateway/ready_router.h"
#include "http/client.h"
#include "policy/choose.h"
#include "text/own_words.h"

namespace weir::config {
namespace {

// A provider that weir knows by name, and a pair of its models that is sensible to begin with.
struct KnownProvider {
  std::string_view name, key_variable, base_url, weak, strong;
  wire::Dialect dialect;
};
constexpr std::array kKnown{
    KnownProvider{"anthropic", "ANTHROPIC_API_KEY", "https://api.anthropic.com", "claude-haiku-5-5",
                  "claude-opus-5-5", wire::Dialect::kAnthropic},
    KnownProvider{"openai", "OPENAI_API_KEY", "https://api.openai.com/v1", "gpt-6-luna",
                  "gpt-6.1-sol", wire::Dialect::kOpenAi}};

const KnownProvider* find_known(std::string_view name) {
  const auto found = std::ranges::find(kKnown, name, &KnownProvider::name);
  return found == kKnown.end() ? nullptr : &*found;
}

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address == "[::1]" ||
         address.starts_with("127.");
}

class Finisher {
 public:
  Finisher(ReadResult& read, std::string_view name, const std::filesystem::path& folder,
           const LoadInputs& inputs)
      : read_(read), draft_(read.draft), name_(name), folder_(folder), inputs_(inputs) {}

  Loaded run() {
    apply_overrides();
    apply_environment();
    finish_providers();
    finish_models();
    finish_routes();
    finish_server();
    finish_keys();
    if (!draft_.judge.rubric_file.empty())
      draft_.judge.rubric_file = existing_file("judge.rubric_file", draft_.judge.rubric_file);
    Loaded loaded;
    loaded.use_simulator = use_simulator_;
    loaded.notes = std::move(notes_);
    loaded.judge = draft_.judge;
    loaded.effective = print_effective(draft_);
    gateway::Options& options = draft_.options;
    options.config_hash = to_hex(sha256(loaded.effective)).substr(0, 16);
    options.providers = draft_.providers;
    options.keys = draft_.keys;
    for (const RouteDraft& route : draft_.routes)
      options.routes.push_back(route.options);
    if (options.server.workers == 0)
      options.server.workers = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    loaded.options = std::move(options);
    return loaded;
  }

 private:
  // `key` need not stand in the file: then its nearest section that does gives the line.
  void report(std::string_view key, std::string_view problem) {
    std::string_view known = key;
    auto line = read_.lines.find(known);
    while (line == read_.lines.end() && known.find('.') != std::string_view::npos) {
      known = known.substr(0, known.rfind('.'));
      line = read_.lines.find(known);
    }
    const std::string where =
        line == read_.lines.end() ? std::string(name_) : fmt::format("{}:{}", name_, line->second);
    read_.problems.push_back(fmt::format("{}: {}: {}", where, key, problem));
  }

  std::string variable(std::string_view name) const {
    return inputs_.environment(name).value_or("");
  }
  bool in_file(std::string_view key) const { return read_.lines.contains(key); }

  void apply_overrides() {
    const Overrides& given = inputs_.overrides;
    gateway::Options& options = draft_.options;
    if (given.address) options.server.address = *given.address;
    if (given.port) options.server.port = *given.port;
    if (given.state_folder) options.state_folder = *given.state_folder;
    if (given.seed) options.seed = *given.seed;
    if (given.ready_file) options.ready_file = *given.ready_file;
    if (given.insecure) options.insecure = true;
  }

  void apply_environment() {
    http::ClientOptions& client = draft_.options.client;
    const auto fall_back = [&](std::string& value, std::string_view key, std::string_view upper,
                               std::string_view lower) {
      if (in_file(key)) return;
      value = variable(lower);
      if (value.empty() && !upper.empty()) value = variable(upper);
    };
    fall_back(client.https_proxy, "client.https_proxy", "HTTPS_PROXY", "https_proxy");
    // Only in lower case: a CGI request header could set HTTP_PROXY (httpoxy).
    fall_back(client.http_proxy, "client.http_proxy", "", "http_proxy");
    fall_back(client.no_proxy, "client.no_proxy", "NO_PROXY", "no_proxy");
    if (draft_.options.state_folder.empty()) choose_state_folder();
    if (draft_.providers.empty()) providers_from_environment();
    if (draft_.providers.empty()) use_simulator();
    if (draft_.routes.empty()) default_routes();
  }

  void choose_state_folder() {
    const std::string state = variable("XDG_STATE_HOME"), home = variable("HOME");
    if (!state.empty()) {
      draft_.options.state_folder = state + "/weir";
    } else if (!home.empty()) {
      draft_.options.state_folder = home + "/.local/state/weir";
    } else {
      report("state_folder", "neither XDG_STATE_HOME nor HOME is set; name a folder");
    }
  }

  void providers_from_environment() {
    for (const KnownProvider& known : kKnown) {
      const std::string key = variable(known.key_variable);
      const std::string base_url = known.name == "openai" ? variable("OPENAI_BASE_URL") : "";
      if (key.empty() && base_url.empty()) continue;
      gateway::ProviderOptions& provider = draft_.providers.emplace_back();
      provider.name = known.name;
      provider.dialect = known.dialect;
      provider.base_url = base_url;
      provider.api_key = key;
      notes_.push_back(fmt::format("provider {}: from {}", known.name,
                                   key.empty() ? "OPENAI_BASE_URL" : known.key_variable));
    }
  }

  void use_simulator() {
    use_simulator_ = true;
    gateway::ProviderOptions& provider = draft_.providers.emplace_back();
    provider.name = kSimulatorProvider;
    provider.speaks_both = true;
    provider.simulated = true;
    notes_.push_back(
        "no provider is configured, so the built-in simulator answers: set OPENAI_API_KEY or "
        "ANTHROPIC_API_KEY, or name providers in a settings file such as examples/weir.yaml");
  }

  // The first pair is `auto`; where both official providers are there, the other has a name too.
  void default_routes() {
    for (const auto& provider : draft_.providers) {
      const KnownProvider* known = find_known(provider.name);
      if (known == nullptr && !use_simulator_) continue;
      RouteDraft route;
      if (!draft_.routes.empty()) route.options.name = "auto-" + provider.name;
      route.weak = fmt::format("{}/{}", provider.name, known ? known->weak : kSimulatorWeak);
      route.strong = fmt::format("{}/{}", provider.name, known ? known->strong : kSimulatorStrong);
      if (known != nullptr && !provider.base_url.empty() && provider.base_url != known->base_url)
        notes_.push_back(fmt::format(
            "{} may not know these models: name its own under routes.{}.weak and .strong",
            provider.name, route.options.name));
      draft_.routes.push_back(std::move(route));
    }
    if (draft_.routes.empty())
      notes_.push_back("no routes: only requests that name a model are served");
  }

  void finish_providers() {
    for (auto& provider : draft_.providers) {
      const std::string key = "providers." + provider.name;
      if (provider.simulated) continue;
      const KnownProvider* known = find_known(provider.name);
      if (provider.base_url.empty() && known != nullptr) provider.base_url = known->base_url;
      if (provider.base_url.empty()) {
        report(key + ".base_url", "is missing: write the address of the API");
        continue;
      }
      if (!provider.ca_file.empty())
        provider.ca_file = existing_file(key + ".ca_file", provider.ca_file);
      const auto endpoint = http::Endpoint::parse(provider.base_url);
      if (!endpoint) {
        report(key + ".base_url", endpoint.error().message);
        continue;
      }
      const auto& server = draft_.options.server;
      const bool same_host = is_loopback(endpoint->host) || endpoint->host == server.address;
      if (server.port != 0 && endpoint->port == server.port && same_host)
        report(key + ".base_url", "is weir's own address: requests would go in a circle");
      if (!endpoint->tls && !provider.api_key.empty() && !is_loopback(endpoint->host))
        notes_.push_back(fmt::format("{}.base_url: the key goes out unencrypted over http", key));
    }
  }

  std::string existing_file(std::string_view key, std::string_view file) {
    const std::filesystem::path path = folder_ / file;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
      report(key, fmt::format("no such file: {}", path.string()));
    return path.string();
  }

  void finish_models() {
    for (const ModelDraft& draft : draft_.models) {
      catalog::Model model = draft_.options.catalog.get_or_unknown(draft.name);
      if (draft.context_tokens) model.context_tokens = *draft.context_tokens;
      if (draft.max_output_tokens) model.max_output_tokens = *draft.max_output_tokens;
      set_capabilities(draft, model);
      set_price(draft, model);
      draft_.options.catalog.put(std::move(model));
    }
  }

  static void set_capabilities(const ModelDraft& draft, catalog::Model& model) {
    using catalog::Capability;
    const std::pair<Capability, std::optional<bool>> given[] = {
        {Capability::kTools, draft.tools},
        {Capability::kImages, draft.images},
        {Capability::kJsonSchema, draft.json_schema},
        {Capability::kThinking, draft.thinking}};
    for (const auto& [capability, can] : given) {
      if (!can) continue;
      // Of a model that weir does not know, what is not denied stays allowed.
      if (!model.facts_known) model.capabilities = ~0u;
      model.facts_known = true;
      const uint32_t bit = 1u << static_cast<int>(capability);
      model.capabilities = *can ? model.capabilities | bit : model.capabilities & ~bit;
    }
  }

  void set_price(const ModelDraft& draft, catalog::Model& model) {
    const std::string key = "models." + draft.name;
    const bool any = draft.input_picousd || draft.output_picousd || draft.cache_read_picousd ||
                     draft.cache_write_picousd || draft.cache_write_1h_picousd;
    if (!any) return;
    if (!draft.input_picousd || !draft.output_picousd) {
      report(key + (draft.input_picousd ? ".output_usd_per_million" : ".input_usd_per_million"),
             "is missing: a price of your own needs both input and output");
      return;
    }
    catalog::PriceTier tier;
    tier.input_picousd = *draft.input_picousd;
    tier.output_picousd = *draft.output_picousd;
    tier.cache_read_picousd = draft.cache_read_picousd;
    tier.cache_write_picousd = draft.cache_write_picousd;
    tier.cache_write_1h_picousd = draft.cache_write_1h_picousd;
    model.price = {{tier}, "config"};
  }

  void finish_routes() {
    std::map<std::string, std::string, std::less<>> claimed;
    for (RouteDraft& route : draft_.routes) {
      const std::string key = "routes." + route.options.name;
      if (route.options.name.starts_with("router-"))
        report(key, "names that begin with 'router-' mean a router and a threshold; take another");
      finish_models_of(key, route);
      for (const std::string& model : route.options.match) {
        const auto [other, fresh] = claimed.emplace(model, route.options.name);
        if (!fresh)
          report(key + ".match",
                 fmt::format("'{}' is claimed by routes.{} already", model, other->second));
      }
      choose_router(key, route);
      if (!route.router_model.empty())
        route.options.router_model = resolve(key + ".router_model", route.router_model);
      const auto extractor = text::QueryExtractor::make(route.options.query_from);
      if (!extractor) report(key + ".query_from", extractor.error().message);
    }
    for (const RouteDraft& route : draft_.routes)
      if (route.options.mode == gateway::RouteMode::kObserve) note_unserved_claims(route.options);
  }

  // An observed route serves a claimed name as it is asked for, so some provider must take it.
  void note_unserved_claims(const gateway::RouteOptions& route) {
    for (const std::string& model : route.match)
      if (!is_served_as_asked(model))
        notes_.push_back(fmt::format(
            "routes.{}.match: requests for '{}' will get 404 while the route observes, because it "
            "is no model of a route and {} providers are configured: claim it as PROVIDER/{}, or "
            "set routes.{}.mode: route",
            route.name, model, draft_.providers.size(), model, route.name));
  }

  bool is_served_as_asked(std::string_view model) const {
    for (const auto& provider : draft_.providers)
      if (model.starts_with(provider.name + "/")) return true;
    for (const RouteDraft& route : draft_.routes)
      if (std::ranges::find(route.options.models, model, &gateway::Target::model) !=
          route.options.models.end())
        return true;
    if (draft_.options.strict_models && draft_.options.catalog.find(model) == nullptr) return false;
    // Any other name goes to the only provider of the client's dialect.
    for (const auto dialect : {wire::Dialect::kOpenAi, wire::Dialect::kAnthropic})
      if (std::ranges::count_if(draft_.providers, [&](const auto& provider) {
            return provider.speaks_both || provider.dialect == dialect;
          }) == 1)
        return true;
    return false;
  }

  // `models`, or the two that stand in its place.
  void finish_models_of(const std::string& key, RouteDraft& route) {
    std::vector<gateway::Target>& models = route.options.models;
    if (route.models.empty()) {
      models.push_back(resolve(key + ".weak", route.weak));
      models.push_back(resolve(key + ".strong", route.strong));
      if (!route.weak.empty() && same(models[0], models[1]))
        report(key + ".strong", "is the same model as weak");
      return;
    }
    const std::string list = key + ".models";
    if (!route.weak.empty() || !route.strong.empty())
      report(list, "stands in place of weak and strong: name the models once");
    if (route.models.size() < 2 || route.models.size() > policy::kMostCandidates)
      report(list, fmt::format("must name 2 to {} models, weakest first", policy::kMostCandidates));
    for (std::string& text : route.models)
      models.push_back(resolve(list, text));
    for (size_t i = 0; i < models.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (!models[i].model.empty() && same(models[i], models[j]))
          report(list, fmt::format("names '{}' twice", route.models[i]));
  }

  static bool same(const gateway::Target& left, const gateway::Target& right) {
    return left.provider == right.provider && left.model == right.model;
  }

  void choose_router(const std::string& key, RouteDraft& route) {
    if (route.options.value_usd && route.options.quality_floor)
      report(key + ".quality_floor", "has no effect beside value_usd; keep one of the two");
    if (route.router == "none") {
      route.options.router_none = true;
    } else if (gateway::is_ready_kind(route.router)) {
      route.options.router_kind = route.router;
    } else if (route.router != "default") {
      route.options.router_file = existing_file(key + ".router", route.router);
    }
  }

  gateway::Target resolve(const std::string& key, std::string& text) {
    if (text.empty()) {
      report(key, "is missing: write `model` or `provider/model`");
      return {};
    }
    const size_t slash = text.find('/');
    const std::string_view prefix = std::string_view(text).substr(0, slash);
    const auto named = std::ranges::find(draft_.providers, prefix, &gateway::ProviderOptions::name);
    gateway::Target target;
    if (slash != std::string::npos && named != draft_.providers.end()) {
      target = {named->name, text.substr(slash + 1)};
    } else if (draft_.providers.size() == 1) {
      target = {draft_.providers[0].name, text};
      text = fmt::format("{}/{}", target.provider, text);
    } else {
      report(key, ambiguous(prefix, slash != std::string::npos, text));
      return {};
    }
    if (target.model.empty()) report(key, "has no model after the provider");
    const catalog::Model* model = draft_.options.catalog.find(target.model);
    const bool simulated = target.provider == kSimulatorProvider;
    if (!simulated && !target.model.empty() && (model == nullptr || !model->price.known()))
      notes_.push_back(fmt::format(
          "{}: no price is known for '{}', so its cost is unknown: set models.{}.input_usd_per_"
          "million and output_usd_per_million",
          key, target.model, target.model));
    return target;
  }

  std::string ambiguous(std::string_view prefix, bool has_slash, const std::string& text) const {
    std::vector<std::string> names;
    for (const auto& provider : draft_.providers)
      names.push_back(provider.name);
    if (has_slash) {
      const auto near = catalog::nearest_names(prefix, names, 1);
      if (!near.empty())
        return fmt::format("no provider '{}' is configured; did you mean '{}'?", prefix, near[0]);
    }
    return fmt::format("say which provider serves it: provider/{} with one of {}", text,
                       fmt::join(names, ", "));
  }

  void finish_server() {
    gateway::Options& options = draft_.options;
    if (!is_loopback(options.server.address) && draft_.keys.empty() && !options.insecure)
      report("server.address",
             fmt::format("{} can be reached from other machines, so clients need keys: run `weir "
                         "keys new`, or say --insecure",
                         options.server.address));
    if (options.server.address.empty()) report("server.address", "is empty");
    http::ServerTls& tls = draft_.tls;
    if (tls.certificate_file.empty() != tls.key_file.empty()) {
      report(tls.key_file.empty() ? "server.tls.key_file" : "server.tls.certificate_file",
             "is missing: HTTPS needs both certificate_file and key_file");
    } else if (!tls.key_file.empty()) {
      tls.certificate_file = existing_file("server.tls.certificate_file", tls.certificate_file);
      tls.key_file = existing_file("server.tls.key_file", tls.key_file);
      options.server.tls = tls;
    }
    for (const std::string& origin : options.allowed_origins) {
      const size_t scheme = origin.find("://");
      const bool fits = scheme != std::string::npos && scheme > 0 && origin.size() > scheme + 3 &&
                        origin.find('/', scheme + 3) == std::string::npos;
      if (!fits)
        report("server.cors_origins",
               "an origin is written scheme://host or scheme://host:port, without a path");
    }
  }

  void finish_keys() {
    for (size_t i = 0; i < draft_.keys.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (draft_.keys[i].sha256_hex == draft_.keys[j].sha256_hex)
          report("keys." + draft_.keys[i].id,
                 fmt::format("is the same key as '{}'", draft_.keys[j].id));
  }

  ReadResult& read_;
  Draft& draft_;
  std::string_view name_;
  const std::filesystem::path& folder_;
  const LoadInputs& inputs_;
  std::vector<std::string> notes_;
  bool use_simulator_ = false;
};

}  // namespace

Loaded finish(ReadResult& read, std::string_view name, const std::filesystem::path& folder,
              const LoadInputs& inputs) {
  return Finisher(read, name, folder, inputs).run();
}

}  // namespace weir::config
