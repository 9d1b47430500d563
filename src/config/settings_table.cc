#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/load.h"
#include "config/settings.h"

namespace weir::config {
namespace {

// Gives the accessor of a field as the type that the variant wants.
#define FIELD(type, expression)                             \
  Field {                                                   \
    Ref<type>([](Scope& s) -> type& { return expression; }) \
  }

template <typename Enum>
struct Choice {
  std::string_view word;
  Enum value;
};

template <typename Enum, size_t kCount>
std::expected<Enum, std::string> pick(const std::array<Choice<Enum>, kCount>& choices,
                                      std::string_view text) {
  std::string words;
  for (const auto& choice : choices) {
    if (choice.word == text) return choice.value;
    words += fmt::format("{}`{}`", words.empty() ? "" : " or ", choice.word);
  }
  return std::unexpected("must be " + words);
}

template <typename Enum, size_t kCount>
std::string word_of(const std::array<Choice<Enum>, kCount>& choices, Enum value) {
  return std::string(std::ranges::find(choices, value, &Choice<Enum>::value)->word);
}

constexpr std::array kModes{Choice<gateway::RouteMode>{"route", gateway::RouteMode::kRoute},
                            Choice<gateway::RouteMode>{"observe", gateway::RouteMode::kObserve}};
constexpr std::array kFailures{
    Choice<gateway::OnLedgerFailure>{"serve", gateway::OnLedgerFailure::kServe},
    Choice<gateway::OnLedgerFailure>{"refuse", gateway::OnLedgerFailure::kRefuse}};

constexpr Custom kDialect{
    [](Scope& s, std::string_view text) -> std::expected<void, std::string> {
      if (text != "openai" && text != "anthropic" && text != "both")
        return std::unexpected(std::string("must be `openai` or `anthropic` or `both`"));
      s.provider->speaks_both = text == "both";
      s.provider->dialect =
          text == "anthropic" ? wire::Dialect::kAnthropic : wire::Dialect::kOpenAi;
      return {};
    },
    [](Scope& s) {
      return std::string(s.provider->speaks_both ? "both" : wire::to_string(s.provider->dialect));
    },
    "`openai`, `anthropic` or `both`"};

constexpr Custom kHeader{
    [](Scope& s, std::string_view text) -> std::expected<void, std::string> {
      const bool printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 127; });
      if (!printable) return std::unexpected(std::string("must be printable ASCII"));
      s.provider->headers[s.name] = text;
      return {};
    },
    [](Scope& s) {
      const auto found = s.provider->headers.find(s.name);
      return found == s.provider->headers.end() ? std::string() : found->second;
    },
    "text"};

constexpr Custom kMode{[](Scope& s, std::string_view text) -> std::expected<void, std::string> {
                         const auto mode = pick(kModes, text);
                         if (!mode) return std::unexpected(mode.error());
                         s.route->options.mode = *mode;
                         return {};
                       },
                       [](Scope& s) { return word_of(kModes, s.route->options.mode); },
                       "`route` or `observe`"};

using QueryKind = text::QueryFrom::Kind;

constexpr Custom kQueryFrom{
    [](Scope& s, std::string_view text) -> std::expected<void, std::string> {
      const size_t space = std::min(text.find(' '), text.size());
      const std::string_view word = text.substr(0, space);
      const std::string argument(text.substr(std::min(space + 1, text.size())));
      text::QueryFrom& from = s.route->options.query_from;
      if (word == "last_user" && argument.empty()) {
        from = {QueryKind::kLastUser, ""};
      } else if (word == "header" && (argument.empty() || argument == "x-weir-query")) {
        from = {QueryKind::kHeader, ""};
      } else if (word == "regex" && !argument.empty()) {
        from = {QueryKind::kRegex, argument};
      } else if (word == "after" && !argument.empty()) {
        from = {QueryKind::kAfterMarker, argument};
      } else {
        return std::unexpected(
            std::string("must be `last_user`, `header`, `regex PATTERN` or `after MARKER`"));
      }
      return {};
    },
    [](Scope& s) {
      const text::QueryFrom& from = s.route->options.query_from;
      switch (from.kind) {
        case QueryKind::kLastUser:
          return std::string("last_user");
        case QueryKind::kHeader:
          return std::string("header");
        case QueryKind::kRegex:
          return "regex " + from.argument;
        case QueryKind::kAfterMarker:
          return "after " + from.argument;
      }
      return std::string();
    },
    "`last_user`, `header`, `regex PATTERN` or `after MARKER`"};

constexpr Custom kOnFailure{
    [](Scope& s, std::string_view text) -> std::expected<void, std::string> {
      const auto choice = pick(kFailures, text);
      if (!choice) return std::unexpected(choice.error());
      s.draft.options.on_ledger_failure = *choice;
      return {};
    },
    [](Scope& s) { return word_of(kFailures, s.draft.options.on_ledger_failure); },
    "`serve` or `refuse`"};

constexpr Custom kKeyHash{
    [](Scope& s, std::string_view text) -> std::expected<void, std::string> {
      constexpr std::string_view prefix = "sha256:";
      const std::string_view hex = text.substr(std::min(prefix.size(), text.size()));
      const bool valid = text.starts_with(prefix) && hex.size() == 64 &&
                         hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
      if (!valid)
        return std::unexpected(std::string(
            "must be sha256: and 64 hexadecimal digits; `weir keys new` prints such a line"));
      s.key->sha256_hex = hex;
      return {};
    },
    [](Scope& s) { return "sha256:" + s.key->sha256_hex; }, "`sha256:` and 64 hexadecimal digits"};

using PriceMember = std::optional<int64_t> ModelDraft::*;

template <PriceMember kMember>
constexpr Custom price_field() {
  return {[](Scope& s, std::string_view text) -> std::expected<void, std::string> {
            const auto price = parse_picousd_per_token(text);
            if (!price)
              return std::unexpected(std::string(
                  "must be dollars per million tokens from 0 to 1000000 with at most 6 decimals"));
            s.model->*kMember = *price;
            return {};
          },
          [](Scope& s) {
            const auto& price = s.model->*kMember;
            return price ? print_usd_per_million(*price) : std::string();
          },
          "decimal number"};
}

constexpr Range kPort{0, 65535};
constexpr Range kShare{0, 1};
constexpr Range kMilliseconds{1, 86'400'000};
constexpr Range kBytes{1024, 1 << 30};
constexpr Range kTokens{1, 100'000'000};

constexpr auto kSettings = std::to_array<Setting>({
    // The front door.
    {"server.address",
     FIELD(std::string, s.draft.options.server.address),
     {},
     "",
     "Address to listen on. Any address but a loopback one needs `keys` or `--insecure`."},
    {"server.port", FIELD(uint16_t, s.draft.options.server.port), kPort, "",
     "Port to listen on; 0 lets the system choose (see `--ready-file`)."},
    {"server.workers",
     FIELD(int, s.draft.options.server.workers),
     {0, 256},
     "threads",
     "Event loops, each with its own connections; 0 means one for each core."},
    {"server.connections_limit",
     FIELD(uint64_t, s.draft.options.server.connections_limit),
     {1, 1'000'000},
     "connections",
     "Open client connections of one worker; more wait until one closes."},
    {"server.head_limit_bytes", FIELD(uint64_t, s.draft.options.server.head_limit_bytes), kBytes,
     "bytes", "Largest request line and headers taken."},
    {"server.body_limit_bytes", FIELD(uint64_t, s.draft.options.server.body_limit_bytes), kBytes,
     "bytes", "Largest request body taken, after decompression."},
    {"server.head_timeout_ms", FIELD(int64_t, s.draft.options.server.head_timeout_ms),
     kMilliseconds, "ms", "From the first byte of a request to the end of its headers."},
    {"server.body_timeout_ms", FIELD(int64_t, s.draft.options.server.body_timeout_ms),
     kMilliseconds, "ms", "From the end of the headers to the end of the body."},
    {"server.idle_timeout_ms", FIELD(int64_t, s.draft.options.server.idle_timeout_ms),
     kMilliseconds, "ms", "How long a connection without a request stays open."},
    {"server.write_timeout_ms", FIELD(int64_t, s.draft.options.server.write_timeout_ms),
     kMilliseconds, "ms", "How long a client may take nothing of what is written to it."},
    {"server.total_timeout_ms", FIELD(int64_t, s.draft.options.server.total_timeout_ms),
     kMilliseconds, "ms", "Time for one request, fallback included."},
    {"server.shutdown_grace_ms",
     FIELD(int64_t, s.draft.options.shutdown_grace_ms),
     {0, 86'400'000},
     "ms",
     "How long running answers may go on after SIGTERM or SIGINT."},
    {"server.insecure",
     FIELD(bool, s.draft.options.insecure),
     {},
     "",
     "Serve on a non-loopback address without keys. The same as `--insecure`."},
    {"server.cors_origins",
     FIELD(std::vector<std::string>, s.draft.options.allowed_origins),
     {},
     "",
     "Origins such as `https://app.example.com` whose pages may call; by default none."},
    {"server.tls.certificate_file",
     FIELD(std::string, s.draft.tls.certificate_file),
     {},
     "",
     "PEM file with the certificate chain: serve HTTPS."},
    {"server.tls.key_file",
     FIELD(std::string, s.draft.tls.key_file),
     {},
     "",
     "PEM file with the private key of the certificate."},

    // Who may call.
    {"keys.<id>",
     kKeyHash,
     {},
     "",
     "A client key by its hash; the id stands in reports. `weir keys new --id ID` makes one.",
     // A key pasted here by mistake must not appear in an error.
     Secrecy::kSecret},

    // Where answers come from.
    {"providers.<name>.dialect",
     kDialect,
     {},
     "",
     "The API that it speaks. `both`: OpenAI chat completions and Anthropic Messages at one "
     "address. By default what the name says: `anthropic`, else OpenAI's."},
    {"providers.<name>.base_url",
     FIELD(std::string, s.provider->base_url),
     {},
     "",
     "Address of the API. By default the official one for the names `openai` and `anthropic`."},
    {"providers.<name>.api_key",
     FIELD(std::string, s.provider->api_key),
     {},
     "",
     "Credential sent to it. Write `${VARIABLE}` rather than the key itself.",
     Secrecy::kSecret},
    {"providers.<name>.ca_file",
     FIELD(std::string, s.provider->ca_file),
     {},
     "",
     "PEM bundle to verify this provider with, in place of the system's."},
    {"providers.<name>.stream_usage",
     FIELD(bool, s.provider->stream_usage),
     {},
     "",
     "It understands `stream_options.include_usage`. Where it is off, streams are estimated."},
    {"providers.<name>.max_retries",
     FIELD(int, s.provider->max_retries),
     {0, 10},
     "",
     "Further attempts at this provider after a failure that may pass."},
    {"providers.<name>.headers.<header>",
     kHeader,
     {},
     "",
     "A header added to every request to it.",
     Secrecy::kSecret},

    // Which model serves.
    {"routes.<name>.weak",
     FIELD(std::string, s.route->weak),
     {},
     "",
     "The cheap model: `model`, or `provider/model` where several providers are configured."},
    {"routes.<name>.strong",
     FIELD(std::string, s.route->strong),
     {},
     "",
     "The costly model, which also serves whatever the weak one fails at."},
    {"routes.<name>.models",
     FIELD(std::vector<std::string>, s.route->models),
     {},
     "",
     "In place of `weak` and `strong`: any number of models from 2 to 64, written as those, the "
     "weakest and cheapest first. The last one is the strong model of the experiment and of "
     "fallbacks."},
    {"routes.<name>.mode",
     kMode,
     {},
     "",
     "What happens to the names claimed by `match`: `observe` serves what was asked for and logs "
     "what "
     "would have happened, `route` decides. The route's own name always routes."},
    {"routes.<name>.match",
     FIELD(std::vector<std::string>, s.route->options.match),
     {},
     "",
     "Real model names that this route takes over, so that clients stay as they are."},
    {"routes.<name>.router",
     FIELD(std::string, s.route->router),
     {},
     "",
     "File made by `weir train`, relative to this file; `default` is the one that ships, `none` "
     "sends everything to the strong model. Or a kind that needs no training: `random`, `length`, "
     "`cascade`, and with `router_model` `causal` and `llm`."},
    {"routes.<name>.router_model",
     FIELD(std::string, s.route->router_model),
     {},
     "",
     "The language model that a router of kind `causal` or `llm` asks, written as `weak`."},
    {"routes.<name>.router_timeout_ms", FIELD(int64_t, s.route->options.router_timeout_ms),
     kMilliseconds, "ms", "How long that model may take; then the query goes to strong."},
    {"routes.<name>.cascade.signals",
     FIELD(std::vector<std::string>, s.route->options.cascade.signals),
     {},
     "",
     "What a cascade reads off the weak model's answer: `stated`, `logprob_mean`, `logprob_min`, "
     "`margin`, `consistency` (each gives a confidence; the least one counts), `refusal`, `empty`, "
     "`format`, `uncertainty`, `checker` (each escalates). By default what the router file says, "
     "else stated, refusal, empty and uncertainty."},
    {"routes.<name>.cascade.escalate_below",
     FIELD(std::optional<double>, s.route->options.cascade.escalate_below), kShare, "",
     "Below this confidence (calibrated, where the router file holds a map) the strong model is "
     "asked. By default what the router file says, else 0.7."},
    {"routes.<name>.cascade.give_up_below",
     FIELD(std::optional<double>, s.route->options.cascade.give_up_below), kShare, "",
     "Below this confidence the weak answer is kept: no model is expected to know. By default what "
     "the router file says, else 0."},
    {"routes.<name>.cascade.samples",
     FIELD(int, s.route->options.cascade.samples),
     {2, 20},
     "answers",
     "Of the signal `consistency`: answers of the weak model in all, asked for one by one until "
     "the rest cannot change the verdict."},
    {"routes.<name>.cascade.checker",
     FIELD(std::string, s.route->options.cascade.checker),
     {},
     "",
     "Of the signal `checker`: `regex PATTERN`, `json`, `json_schema FILE`, `command ARGV`, `http "
     "URL`."},
    {"routes.<name>.cascade.answer_ms", FIELD(int64_t, s.route->options.cascade.answer_ms),
     kMilliseconds, "ms",
     "How long the weak model's whole answer may take before strong is asked."},
    {"routes.<name>.cascade.uncertainty.<language>",
     FIELD(std::vector<std::string>, s.route->options.cascade.uncertainty[s.name]),
     {},
     "",
     "Phrases of uncertainty in a language; `en` stands in place of the eight that ship."},
    {"routes.<name>.threshold", FIELD(std::optional<double>, s.route->options.threshold), kShare,
     "",
     "Strong at this score and above. By default what the router file says. Over more than two "
     "models: the last at this score and above, else the first."},
    {"routes.<name>.value_usd",
     FIELD(std::optional<double>, s.route->options.value_usd),
     {0, 1'000'000},
     "$",
     "In place of a threshold: what one unit of quality (a right answer in place of a wrong one) "
     "is worth. The model with the largest value x quality - cost serves; cost is the price of the "
     "request's input and of the output expected."},
    {"routes.<name>.quality_floor", FIELD(std::optional<double>, s.route->options.quality_floor),
     kShare, "",
     "In place of a threshold: the cheapest model whose expected quality is at least this serves, "
     "else the best. Needs a router that estimates every model."},
    {"routes.<name>.weak_share_limit",
     FIELD(std::optional<double>, s.route->options.weak_share_limit), kShare, "",
     "At most this share of the latest 255 scored turns goes to weak; the threshold in force is "
     "lowered as needed. By default 0.5 with the shipped router and its own threshold, else none."},
    {"routes.<name>.control_share", FIELD(double, s.route->options.control_share), kShare, "",
     "Share of conversations sent to strong whatever their score, to measure against."},
    {"routes.<name>.query_from",
     kQueryFrom,
     {},
     "",
     "Where the question stands: in the last user turn, in the header x-weir-query, in the first "
     "group of a pattern, or after a marker."},
    {"routes.<name>.weak_first_event_ms", FIELD(int64_t, s.route->options.weak_first_event_ms),
     kMilliseconds, "ms", "How long the weak model may take to begin before strong is asked."},

    // Who judges answers, for `weir label compare` and `weir evaluate`.
    {"judge.model",
     FIELD(std::string, s.draft.judge.model),
     {},
     "",
     "The judge, as `provider/model`: best of another family than the models it judges. By default "
     "the strong model of the first route."},
    {"judge.max_tokens",
     FIELD(int64_t, s.draft.judge.max_tokens),
     {5, 100'000},
     "tokens",
     "Output limit of a verdict; raise it for judges that think first. YES/NO verdicts take 5."},
    {"judge.rubric_file",
     FIELD(std::string, s.draft.judge.rubric_file),
     {},
     "",
     "A text that replaces the rubric that the judge is told to apply."},

    // What models cost and can do: overrides of the built-in table.
    {"models.<name>.input_usd_per_million",
     price_field<&ModelDraft::input_picousd>(),
     {},
     "$ per million tokens",
     "Price of input. With `output_usd_per_million` it replaces the table's "
     "prices for this model."},
    {"models.<name>.output_usd_per_million",
     price_field<&ModelDraft::output_picousd>(),
     {},
     "$ per million tokens",
     "Price of output."},
    {"models.<name>.cache_read_usd_per_million",
     price_field<&ModelDraft::cache_read_picousd>(),
     {},
     "$ per million tokens",
     "Price of input served from the provider's cache."},
    {"models.<name>.cache_write_usd_per_million",
     price_field<&ModelDraft::cache_write_picousd>(),
     {},
     "$ per million tokens",
     "Price of input written to the cache for 5 minutes."},
    {"models.<name>.cache_write_1h_usd_per_million",
     price_field<&ModelDraft::cache_write_1h_picousd>(),
     {},
     "$ per million tokens",
     "Price of input written to the cache for an hour."},
    {"models.<name>.context_tokens", FIELD(std::optional<int64_t>, s.model->context_tokens),
     kTokens, "tokens", "Context window; requests that are larger do not go to this model."},
    {"models.<name>.max_output_tokens", FIELD(std::optional<int64_t>, s.model->max_output_tokens),
     kTokens, "tokens", "Longest answer."},
    {"models.<name>.tools",
     FIELD(std::optional<bool>, s.model->tools),
     {},
     "",
     "It can call tools."},
    {"models.<name>.images",
     FIELD(std::optional<bool>, s.model->images),
     {},
     "",
     "It can read images."},
    {"models.<name>.json_schema",
     FIELD(std::optional<bool>, s.model->json_schema),
     {},
     "",
     "It can keep to a JSON schema."},
    {"models.<name>.thinking",
     FIELD(std::optional<bool>, s.model->thinking),
     {},
     "",
     "It can be told to think."},
    {"strict_models",
     FIELD(bool, s.draft.options.strict_models),
     {},
     "",
     "Refuse model names that are neither configured nor in the table, instead of passing them "
     "on."},

    // The way to providers.
    {"client.connect_timeout_ms", FIELD(int64_t, s.draft.options.client.connect_timeout_ms),
     kMilliseconds, "ms", "To resolve, connect and shake hands."},
    {"client.stream_idle_ms", FIELD(int64_t, s.draft.options.stream_idle_ms), kMilliseconds, "ms",
     "How long a provider may send nothing in the middle of an answer."},
    {"client.retry_after_limit_ms",
     FIELD(int64_t, s.draft.options.retry_after_limit_ms),
     {0, 600'000},
     "ms",
     "A longer Retry-After is not waited for: the next model is asked."},
    {"client.idle_connections_limit",
     FIELD(uint64_t, s.draft.options.client.idle_connections_limit),
     {0, 100'000},
     "connections",
     "Kept open to one provider by one worker."},
    {"client.idle_timeout_ms", FIELD(int64_t, s.draft.options.client.idle_timeout_ms),
     kMilliseconds, "ms", "After which a kept connection is closed."},
    {"client.head_limit_bytes", FIELD(uint64_t, s.draft.options.client.head_limit_bytes), kBytes,
     "bytes", "Largest status line and headers taken from a provider."},
    {"client.dns_cache_ms",
     FIELD(int64_t, s.draft.options.client.dns_cache_ms),
     {0, 86'400'000},
     "ms",
     "How long a resolved name is kept."},
    {"client.https_proxy",
     FIELD(std::string, s.draft.options.client.https_proxy),
     {},
     "",
     "Proxy for https providers, `http://host:port`. By default the variable HTTPS_PROXY.",
     Secrecy::kSecret},
    {"client.http_proxy",
     FIELD(std::string, s.draft.options.client.http_proxy),
     {},
     "",
     "Proxy for http providers. By default the variable http_proxy.",
     Secrecy::kSecret},
    {"client.no_proxy",
     FIELD(std::string, s.draft.options.client.no_proxy),
     {},
     "",
     "Hosts reached without a proxy: suffixes with commas between, `*` for all. By default the "
     "variable NO_PROXY."},

    // Conversations.
    {"session.idle_s",
     FIELD(int64_t, s.draft.options.session_idle_s),
     {1, 31'536'000},
     "s",
     "After so long without a request a conversation is decided anew."},
    {"session.limit",
     FIELD(uint64_t, s.draft.options.session_limit),
     {1, 100'000'000},
     "conversations",
     "Kept in memory; the oldest go first."},

    // What is written down.
    {"state_folder",
     FIELD(std::string, s.draft.options.state_folder),
     {},
     "",
     "Where ledger, journal and salt live. By default $XDG_STATE_HOME/weir or "
     "~/.local/state/weir."},
    {"ledger.on_failure",
     kOnFailure,
     {},
     "",
     "When the journal cannot be written: `serve` goes on, counted and with readiness red; "
     "`refuse` answers 503."},
    {"ledger.retention_days",
     FIELD(int, s.draft.options.retention_days),
     {1, 36'500},
     "days",
     "Older rows are deleted."},
    {"journal.sync_ms",
     FIELD(int64_t, s.draft.options.journal_sync_ms),
     {1, 1'000},
     "ms",
     "How much a loss of power may cost."},
    {"log.texts",
     FIELD(bool, s.draft.options.log_texts),
     {},
     "",
     "Write prompts and answers to the log. They are nowhere else."},
    {"seed",
     FIELD(uint64_t, s.draft.options.seed),
     {},
     "",
     "Makes ids and draws repeatable, for tests; 0 takes it from the system."},
});

#undef FIELD

}  // namespace

Draft::Draft() {
  options.server.port = kDefaultPort;
  options.server.workers = 0;
}

std::span<const Setting> settings() {
  return kSettings;
}

}  // namespace weir::config
