#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/digest.h"
#include "base/files.h"
#include "config/client_keys.h"
#include "config/load.h"
#include "config/reader.h"
#include "config/settings.h"
#include "config/yaml.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Environment environment_of(std::map<std::string, std::string, std::less<>> variables) {
  variables.emplace("HOME", "/users/ann");
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::expected<Loaded, Error> load_yaml(std::string_view text,
                                       std::map<std::string, std::string, std::less<>> env = {},
                                       Overrides overrides = {}) {
  return load_text(text, "weir.yaml", {std::nullopt, environment_of(std::move(env)), overrides});
}

std::string error_of(std::string_view text,
                     std::map<std::string, std::string, std::less<>> env = {}) {
  const auto loaded = load_yaml(text, std::move(env));
  return loaded ? "" : loaded.error().message;
}

constexpr std::string_view kPair = R"(
providers:
  openai: {api_key: sk-1}
  local: {base_url: "http://127.0.0.1:8000/v1", dialect: openai}
routes:
  auto: {weak: local/small, strong: openai/gpt-6.1-sol}
)";

TEST(Load, EmptyFileMeansSimulatorAndDefaults) {
  const auto loaded = load_yaml("");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->use_simulator);
  ASSERT_EQ(loaded->options.providers.size(), 1u);
  EXPECT_TRUE(loaded->options.providers[0].simulated);
  EXPECT_TRUE(loaded->options.providers[0].speaks_both);
  ASSERT_EQ(loaded->options.routes.size(), 1u);
  EXPECT_EQ(loaded->options.routes[0].name, "auto");
  EXPECT_EQ(loaded->options.routes[0].models[0].model, "sim-weak");
  EXPECT_EQ(loaded->options.routes[0].models[1].provider, "simulator");
  EXPECT_EQ(loaded->options.server.port, kDefaultPort);
  EXPECT_GE(loaded->options.server.workers, 1);
  EXPECT_EQ(loaded->options.state_folder, "/users/ann/.local/state/weir");
}

TEST(Load, KeysInTheEnvironmentMakeProvidersWithKnownPairs) {
  const auto loaded = load({std::nullopt,
                            environment_of({{"OPENAI_API_KEY", "sk-o"},
                                            {"ANTHROPIC_API_KEY", "sk-a"},
                                            {"XDG_STATE_HOME", "/state"},
                                            {"HTTPS_PROXY", "http://proxy:3128"}}),
                            {}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->use_simulator);
  ASSERT_EQ(loaded->options.providers.size(), 2u);
  EXPECT_EQ(loaded->options.providers[0].name, "anthropic");
  EXPECT_EQ(loaded->options.providers[0].dialect, wire::Dialect::kAnthropic);
  EXPECT_EQ(loaded->options.providers[0].api_key, "sk-a");
  EXPECT_EQ(loaded->options.providers[1].base_url, "https://api.openai.com/v1");
  ASSERT_EQ(loaded->options.routes.size(), 2u);
  EXPECT_EQ(loaded->options.routes[0].name, "auto");
  EXPECT_EQ(loaded->options.routes[1].name, "auto-openai");
  for (const auto& route : loaded->options.routes)
    for (const auto& [provider, model] : route.models) {
      const auto* known = loaded->options.catalog.find(model);
      ASSERT_NE(known, nullptr) << model;
      EXPECT_TRUE(known->price.known()) << model;
    }
  EXPECT_EQ(loaded->options.state_folder, "/state/weir");
  EXPECT_EQ(loaded->options.client.https_proxy, "http://proxy:3128");
}

TEST(Load, BaseUrlAloneIsAProviderAndWarnsThatItsModelsMayDiffer) {
  const auto loaded =
      load({std::nullopt, environment_of({{"OPENAI_BASE_URL", "http://localhost:8000/v1"}}), {}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->options.providers.size(), 1u);
  EXPECT_EQ(loaded->options.providers[0].base_url, "http://localhost:8000/v1");
  EXPECT_THAT(loaded->notes, ::testing::Contains(HasSubstr("may not know these models")));
}

TEST(Load, CommandLineWinsOverTheFile) {
  Overrides overrides;
  overrides.port = 0;
  overrides.seed = 7;
  const auto loaded = load_yaml("server: {port: 8080}\nseed: 5\n", {}, overrides);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->options.server.port, 0);
  EXPECT_EQ(loaded->options.seed, 7u);
}

TEST(Load, EverySettingOfTheExampleKindLandsInItsField) {
  const auto loaded = load_yaml(R"yaml(
server:
  address: 0.0.0.0
  port: 8080
  workers: 3
  cors_origins: ["https://app.example.com"]
keys:
  team: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
providers:
  openai:
    api_key: ${KEY}
    stream_usage: off
    headers: {x-team: "${TEAM:-none}"}
  claude:
    dialect: anthropic
    base_url: https://api.anthropic.com
    api_key: os.environ/CLAUDE_KEY
routes:
  auto:
    weak: openai/gpt-6-luna
    strong: claude/claude-opus-5-5
    match: [claude-opus-5-5]
    router: none
    threshold: 0.25
    control_share: 0.1
    query_from: "regex Question: (.*)"
models:
  gpt-6-luna: {input_usd_per_million: 0.80, output_usd_per_million: 4, tools: false}
session: {idle_s: 60}
ledger: {on_failure: refuse, retention_days: 7}
strict_models: true
)yaml",
                                {{"KEY", "sk-secret"}, {"CLAUDE_KEY", "sk-claude"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const gateway::Options& options = loaded->options;
  EXPECT_EQ(options.server.address, "0.0.0.0");
  EXPECT_EQ(options.server.workers, 3);
  EXPECT_THAT(options.allowed_origins, ElementsAre("https://app.example.com"));
  ASSERT_EQ(options.keys.size(), 1u);
  EXPECT_EQ(options.keys[0].id, "team");
  EXPECT_EQ(options.providers[0].api_key, "sk-secret");
  EXPECT_EQ(options.providers[0].headers.at("x-team"), "none");
  EXPECT_FALSE(options.providers[0].stream_usage);
  EXPECT_EQ(options.providers[1].api_key, "sk-claude");
  EXPECT_EQ(options.providers[1].dialect, wire::Dialect::kAnthropic);
  const gateway::RouteOptions& route = options.routes.at(0);
  EXPECT_EQ(route.models[0].provider, "openai");
  EXPECT_EQ(route.models[1].model, "claude-opus-5-5");
  EXPECT_EQ(route.mode, gateway::RouteMode::kObserve) << "a claimed name starts by observing";
  EXPECT_TRUE(route.router_none);
  EXPECT_EQ(route.threshold, 0.25);
  EXPECT_EQ(route.control_share, 0.1);
  EXPECT_EQ(route.query_from.kind, text::QueryFrom::Kind::kRegex);
  EXPECT_EQ(route.query_from.argument, "Question: (.*)");
  const auto* model = options.catalog.find("gpt-6-luna");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->price.tiers[0].input_picousd, 800'000);
  EXPECT_FALSE(model->has(catalog::Capability::kTools));
  EXPECT_TRUE(model->has(catalog::Capability::kImages)) << "what is not overridden stays";
  EXPECT_EQ(options.session_idle_s, 60);
  EXPECT_EQ(options.on_ledger_failure, gateway::OnLedgerFailure::kRefuse);
  EXPECT_TRUE(options.strict_models);
}

TEST(Load, HashDependsOnSettingsButNotOnSecrets) {
  const std::string text = "providers: {openai: {api_key: \"${K}\"}}\n";
  const auto one = load_yaml(text, {{"K", "sk-one"}});
  const auto two = load_yaml(text, {{"K", "sk-two"}});
  const auto other = load_yaml(text + "session: {idle_s: 5}\n", {{"K", "sk-one"}});
  ASSERT_TRUE(one && two && other);
  EXPECT_EQ(one->options.config_hash, two->options.config_hash);
  EXPECT_NE(one->options.config_hash, other->options.config_hash);
  EXPECT_THAT(one->effective, Not(HasSubstr("sk-one")));
  EXPECT_THAT(one->effective, HasSubstr("providers.openai.api_key = (set)"));
}

struct ErrorCase {
  std::string_view name;
  std::string_view text;
  std::string_view message;  // the first line
};

class LoadErrors : public ::testing::TestWithParam<ErrorCase> {};

TEST_P(LoadErrors, NameLineKeyAndRemedy) {
  const std::string message =
      error_of(GetParam().text, {{"EMPTY", ""}, {"SECRET", "sk-secret-value"}});
  EXPECT_EQ(message.substr(0, message.find('\n')), GetParam().message);
  EXPECT_THAT(message, Not(HasSubstr("secret-value")));
}

const ErrorCase kErrorCases[] = {
    {"UnknownKeyNearAnother", "server:\n  prot: 80\n",
     "weir.yaml:2: server: unknown key 'prot'; did you mean 'port'?"},
    {"UnknownTopKey", "routse: {}\n", "weir.yaml:1: unknown key 'routse'; did you mean 'routes'?"},
    {"KeyOfAnotherSection", "server:\n  retention_days: 3\n",
     "weir.yaml:2: server: unknown key 'retention_days'; did you mean "
     "'ledger.retention_days'?"},
    {"KeyLikeNothing", "journal: {zzzzzzzzzz: 1}\n",
     "weir.yaml:1: journal: unknown key 'zzzzzzzzzz'; known here: sync_ms"},
    {"NotANumber", "server:\n  port: http\n",
     "weir.yaml:2: server.port: must be a whole number from 0 to 65535, not 'http'"},
    {"OutOfRange", "server: {port: 70000}\n",
     "weir.yaml:1: server.port: must be a whole number from 0 to 65535, not '70000'"},
    {"ShareOutOfRange", "routes: {auto: {control_share: 5}}\n",
     "weir.yaml:1: routes.auto.control_share: must be a number from 0 to 1, not '5'"},
    {"NotANumberAtAll", "routes: {auto: {threshold: .nan}}\n",
     "weir.yaml:1: routes.auto.threshold: must be a number from 0 to 1, not '.nan'"},
    {"NegativeUnsigned", "session: {limit: -1}\n",
     "weir.yaml:1: session.limit: must be a whole number from 1 to 100000000, not '-1'"},
    {"Flag", "strict_models: maybe\n",
     "weir.yaml:1: strict_models: must be true or false, not 'maybe'"},
    {"Choice", "ledger: {on_failure: panic}\n",
     "weir.yaml:1: ledger.on_failure: must be `serve` or `refuse`, not 'panic'"},
    {"Dialect", "providers: {x: {dialect: gemini}}\n",
     "weir.yaml:1: providers.x.dialect: must be `openai` or `anthropic` or `both`, not 'gemini'"},
    {"QueryFrom", "routes: {auto: {query_from: first}}\n",
     "weir.yaml:1: routes.auto.query_from: must be `last_user`, `header`, `regex PATTERN` or "
     "`after MARKER`, not 'first'"},
    {"Price", "models: {m: {input_usd_per_million: cheap}}\n",
     "weir.yaml:1: models.m.input_usd_per_million: must be dollars per million tokens from 0 to "
     "1000000 with at most 6 decimals, not 'cheap'"},
    {"HalfAPrice", "models: {m: {input_usd_per_million: 1}}\n",
     "weir.yaml:1: models.m.output_usd_per_million: is missing: a price of your own needs both "
     "input and output"},
    {"ListForOne", "server: {port: [1, 2]}\n",
     "weir.yaml:1: server.port: must be one whole number, not a list"},
    {"MapForOne", "server: {port: {a: 1}}\n",
     "weir.yaml:1: server.port: must be whole number, not a map"},
    {"OneForMap", "server: 8080\n",
     "weir.yaml:1: server: must be a map with keys such as 'address'"},
    {"ListForNamedMap", "providers: [openai]\n",
     "weir.yaml:1: providers: must be a map, with a <name> of your own for each entry"},
    {"NoValue", "server:\n  port:\n",
     "weir.yaml:2: server.port: has no value; write one or remove the line"},
    {"BadName", "routes: {\"a/b\": {}}\n",
     "weir.yaml:1: routes.a/b: a name has 1 to 200 of the characters A-Z a-z 0-9 . _ -"},
    {"Twice", "server: {}\nsession: {}\nserver: {}\n",
     "weir.yaml:3: the key 'server' stands twice in one place"},
    {"NotYaml", "server: [\n", "weir.yaml:2: not YAML: end of sequence flow not found"},
    {"Scalar", "hello\n", "weir.yaml:1: must be a map of settings such as 'server:' and 'routes:'"},
    {"Alias", "a: &x 1\nb: *x\n",
     "weir.yaml:1: anchors (&name) are not supported: write the value out"},
    {"Tag", "seed: !!int 5\n", "weir.yaml:1: tags (!name) are not supported: leave it out"},
    {"TwoDocuments", "seed: 5\n---\nseed: 6\n",
     "weir.yaml:1: several documents (---) in one file: keep the first one only"},
    {"UnsetVariable", "providers:\n  openai:\n    api_key: ${NO_SUCH}\n",
     "weir.yaml:3: providers.openai.api_key: the environment variable NO_SUCH is not set; set it, "
     "or write ${NO_SUCH:-default}"},
    {"EmptyVariable", "providers: {openai: {api_key: os.environ/EMPTY}}\n",
     "weir.yaml:1: providers.openai.api_key: the environment variable EMPTY is empty; set it, or "
     "write ${EMPTY:-default}"},
    {"OpenVariable", "seed: ${X\n", "weir.yaml:1: seed: ${ without }; $${ stands for a plain ${"},
    {"SecretNotShown", "server: {port: \"${SECRET}\"}\n",
     "weir.yaml:1: server.port: must be a whole number from 0 to 65535"},
    {"KeyHash", "keys: {a: secret-value}\n",
     "weir.yaml:1: keys.a: must be sha256: and 64 hexadecimal digits; `weir keys new` prints such "
     "a line"},
    {"NoBaseUrl", "providers:\n  mine: {api_key: x}\n",
     "weir.yaml:2: providers.mine.base_url: is missing: write the address of the API"},
    {"NoStrong", "providers: {openai: {api_key: x}}\nroutes:\n  auto:\n    weak: gpt-6-luna\n",
     "weir.yaml:3: routes.auto.strong: is missing: write `model` or `provider/model`"},
    {"SamePair", "providers: {openai: {}}\nroutes: {auto: {weak: a, strong: openai/a}}\n",
     "weir.yaml:2: routes.auto.strong: is the same model as weak"},
    {"WhichProvider",
     "providers: {openai: {}, anthropic: {}}\nroutes: {auto: {weak: a, strong: b}}\n",
     "weir.yaml:2: routes.auto.weak: say which provider serves it: provider/a with one of openai, "
     "anthropic"},
    {"MistypedProvider",
     "providers: {openai: {}, anthropic: {}}\nroutes: {auto: {weak: opnai/a, strong: openai/b}}\n",
     "weir.yaml:2: routes.auto.weak: no provider 'opnai' is configured; did you mean 'openai'?"},
    {"ModelsAndPair",
     "providers: {openai: {}}\nroutes: {auto: {weak: a, strong: b, models: [a, b]}}\n",
     "weir.yaml:2: routes.auto.models: stands in place of weak and strong: name the models once"},
    {"OneModel", "providers: {openai: {}}\nroutes: {auto: {models: [a]}}\n",
     "weir.yaml:2: routes.auto.models: must name 2 to 64 models, weakest first"},
    {"ModelTwice", "providers: {openai: {}}\nroutes: {auto: {models: [a, b, openai/a]}}\n",
     "weir.yaml:2: routes.auto.models: names 'openai/a' twice"},
    {"TwoRules",
     "providers: {openai: {}}\nroutes: {auto: {weak: a, strong: b, value_usd: 1, quality_floor: "
     "0.5}}\n",
     "weir.yaml:2: routes.auto.quality_floor: has no effect beside value_usd; keep one of the two"},
    {"RouterFile", "routes:\n  auto: {weak: a, strong: b,\n    router: no.weir}\n",
     "weir.yaml:3: routes.auto.router: no such file: ./no.weir"},
    {"RouterName", "routes: {router-x: {weak: a, strong: b}}\n",
     "weir.yaml:1: routes.router-x: names that begin with 'router-' mean a router and a threshold; "
     "take another"},
    {"ClaimedTwice",
     "routes:\n  a: {weak: a, strong: b, match: [m]}\n  b: {weak: a, strong: b, match: [m]}\n",
     "weir.yaml:3: routes.b.match: 'm' is claimed by routes.a already"},
    {"OpenAddress", "server:\n  address: 0.0.0.0\n",
     "weir.yaml:2: server.address: 0.0.0.0 can be reached from other machines, so clients need "
     "keys: run `weir keys new`, or say --insecure"},
    {"HalfTls", "server: {tls: {key_file: a.pem}}\n",
     "weir.yaml:1: server.tls.certificate_file: is missing: HTTPS needs both certificate_file and "
     "key_file"},
    {"Origin", "server: {cors_origins: [example.com]}\n",
     "weir.yaml:1: server.cors_origins: an origin is written scheme://host or scheme://host:port, "
     "without a path"},
    {"OwnAddress", "providers:\n  me: {base_url: \"http://localhost:9347/v1\"}\n",
     "weir.yaml:2: providers.me.base_url: is weir's own address: requests would go in a circle"},
};

INSTANTIATE_TEST_SUITE_P(Table, LoadErrors, ::testing::ValuesIn(kErrorCases),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Load, ReportsAllProblemsAtOnce) {
  EXPECT_EQ(error_of("server: {port: x}\nseed: y\n"),
            "weir.yaml:1: server.port: must be a whole number from 0 to 65535, not 'x'\n"
            "weir.yaml:2: seed: must be a whole number of at least 0, not 'y'");
}

TEST(Load, SaysWhenAPriceIsUnknown) {
  const auto loaded = load_yaml(kPair);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_THAT(loaded->notes,
              ElementsAre(HasSubstr("routes.auto.weak: no price is known for 'small'")));
}

TEST(Load, ARouteTakesAnyNumberOfModels) {
  const auto loaded = load_yaml(
      "providers: {openai: {}}\n"
      "routes: {auto: {models: [gpt-6-luna, openai/gpt-6.1-sol, x], router: length, value_usd: "
      "2}}\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const gateway::RouteOptions& route = loaded->options.routes[0];
  ASSERT_EQ(route.models.size(), 3u);
  EXPECT_EQ(route.models[0].provider, "openai");
  EXPECT_EQ(route.models[1].model, "gpt-6.1-sol");
  EXPECT_EQ(route.router_kind, "length");
  EXPECT_EQ(route.value_usd, 2.0);
  EXPECT_THAT(loaded->effective, HasSubstr("routes.auto.models = "));
}

TEST(Load, AClaimedNameThatNobodyCanServeIsNoted) {
  const std::string route = "routes: {auto: {weak: a/x, strong: b/y, match: [y, z, a/w]";
  const std::string two =
      "providers:\n  a: {base_url: \"http://h:1/v1\"}\n"
      "  b: {base_url: \"http://h:2/v1\"}\n";
  const auto notes_of = [](const std::string& yaml) {
    std::string found;
    const auto loaded = load_yaml(yaml);
    for (const auto& note : loaded->notes)
      if (note.contains(".match")) found += note + "\n";
    return found;
  };
  EXPECT_EQ(notes_of(two + route + "}}\n"),
            "routes.auto.match: requests for 'z' will get 404 while the route observes, because it "
            "is no model of a route and 2 providers are configured: claim it as PROVIDER/z, or set "
            "routes.auto.mode: route\n");
  EXPECT_EQ(notes_of(two + route + ", mode: route}}\n"), "");
  EXPECT_EQ(notes_of("providers: {a: {base_url: \"http://h:1/v1\"}}\n"
                     "routes: {auto: {weak: x, strong: y, match: [z]}}\n"),
            "");
}

TEST(Load, MissingFileIsNotFound) {
  const auto loaded = load({"/no/such/weir.yaml", environment_of({}), {}});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().message, HasSubstr("/no/such/weir.yaml"));
}

TEST(Settings, EveryKeyStandsOnceAndHasATextAndAPrintableDefault) {
  std::map<std::string_view, int> seen;
  for (const Setting& setting : settings()) {
    EXPECT_EQ(++seen[setting.key], 1) << setting.key;
    EXPECT_TRUE(setting.text.ends_with('.')) << setting.key;
  }
}

TEST(Settings, PrintedDefaultsReadBackEqual) {
  for (const Setting& setting : settings()) {
    if (setting.key.find('<') != std::string_view::npos) continue;
    Draft draft;
    Scope scope{draft};
    const std::string text = print(setting, scope);
    if (text.empty()) continue;
    ASSERT_TRUE(assign(setting, scope, text)) << setting.key;
    EXPECT_EQ(print(setting, scope), text) << setting.key;
  }
}

TEST(Settings, DocumentIsUpToDate) {
  const auto file = read_file("docs/settings.md");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(*file, settings_markdown())
      << "write it anew: weir check --print-settings > docs/settings.md";
}

TEST(Settings, ExampleFileIsValid) {
  const auto loaded = load({"examples/weir.yaml",
                            environment_of({{"OPENAI_API_KEY", "x"}, {"ANTHROPIC_API_KEY", "y"}}),
                            {}});
  EXPECT_TRUE(loaded) << loaded.error().message;
}

TEST(Prices, AreExactPicoDollarsPerToken) {
  EXPECT_EQ(parse_picousd_per_token("15"), 15'000'000);
  EXPECT_EQ(parse_picousd_per_token("0.80"), 800'000);
  EXPECT_EQ(parse_picousd_per_token("0.000001"), 1);
  EXPECT_EQ(parse_picousd_per_token("0.1000000"), 100'000);
  EXPECT_EQ(parse_picousd_per_token("1000000"), 1'000'000'000'000);
  for (const std::string_view bad :
       {"", ".", "1.", ".5", "-1", "1e3", "0.0000001", "1000001", "1,5"})
    EXPECT_EQ(parse_picousd_per_token(bad), std::nullopt) << bad;
  EXPECT_EQ(print_usd_per_million(800'000), "0.8");
  EXPECT_EQ(print_usd_per_million(15'000'000), "15");
}

TEST(Expand, TakesVariablesDefaultsAndEscapes) {
  const Environment env = environment_of({{"A", "1"}, {"B_2", "two"}});
  EXPECT_EQ(expand_variables("x${A}y${B_2}", env)->text, "x1ytwo");
  EXPECT_EQ(expand_variables("os.environ/A", env)->text, "1");
  EXPECT_EQ(expand_variables("${C:-a b}", env)->text, "a b");
  EXPECT_EQ(expand_variables("$${A} costs $5", env)->text, "${A} costs $5");
  EXPECT_FALSE(expand_variables("plain", env)->from_environment);
  EXPECT_FALSE(expand_variables("${1A}", env).has_value());
}

TEST(ClientKeys, AreLongRandomAndStoredHashed) {
  const std::string key = make_client_key();
  EXPECT_EQ(key.size(), 48u);
  EXPECT_NE(key, make_client_key());
  EXPECT_EQ(hash_client_key("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const auto loaded = load_yaml("keys: {a: \"" + hash_client_key(key) + "\"}\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ("sha256:" + loaded->options.keys[0].sha256_hex, hash_client_key(key));
}

TEST(Yaml, RefusesDeepAndLargeInput) {
  EXPECT_EQ(parse_yaml(std::string(40, '[') + std::string(40, ']'), "f").error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(parse_yaml(std::string((1 << 20) + 1, ' '), "f").error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace weir::config
