#include "wire/failure.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace weir::wire {
namespace {

using enum FailureClass;

struct Rule {
  std::string_view word;
  FailureClass failure_class;
};

// Error types and codes of OpenAI, Anthropic, Azure OpenAI and compatible servers, lower case. A
// word that is also used for other causes (invalid_request_error, server_error) stands in no row.
constexpr Rule kWords[] = {
    {"insufficient_quota", kQuota},
    {"billing_error", kQuota},
    {"billing_hard_limit_reached", kQuota},
    {"billing_not_active", kQuota},
    {"insufficient_balance", kQuota},
    {"insufficient_credits", kQuota},
    {"quota_exceeded", kQuota},
    {"contract_spend_limit_reached", kQuota},
    {"enforced_spend_limit_reached", kQuota},
    {"linked_organization_spend_limit_reached", kQuota},
    {"linked_organization_billing_unavailable", kQuota},
    {"invalid_api_key", kCredential},
    {"authentication_error", kCredential},
    {"authenticationerror", kCredential},
    {"invalid_authentication", kCredential},
    {"permission_error", kCredential},
    {"permission_denied", kCredential},
    {"permissiondenied", kCredential},
    {"unauthorized", kCredential},
    {"unauthenticated", kCredential},
    {"account_deactivated", kCredential},
    {"organization_on_hold", kCredential},
    {"mismatched_organization", kCredential},
    {"mismatched_project", kCredential},
    {"unsupported_country_region_territory", kCredential},
    {"model_not_found", kModelGone},
    {"model_not_available", kModelGone},
    {"model_decommissioned", kModelGone},
    {"deploymentnotfound", kModelGone},
    {"invalid_model", kModelGone},
    {"overloaded_error", kOverloaded},
    {"overloaded", kOverloaded},
    {"engine_overloaded", kOverloaded},
    {"server_overloaded", kOverloaded},
    {"service_unavailable", kOverloaded},
    {"serviceunavailable", kOverloaded},
    {"unavailable", kOverloaded},
    {"slow_down", kOverloaded},
    {"rate_limit_error", kRateLimited},
    {"rate_limit_exceeded", kRateLimited},
    {"too_many_requests", kRateLimited},
    {"toomanyrequests", kRateLimited},
    {"resource_exhausted", kRateLimited},
    {"timeout_error", kTimeout},
    {"timeout", kTimeout},
    {"deadline_exceeded", kTimeout},
    {"context_length_exceeded", kCaller},
    {"request_too_large", kCaller},
    {"content_filter", kCaller},
    {"content_policy_violation", kCaller},
};

// Phrases, lower case, where the words of a provider do not tell: Anthropic answers 400
// invalid_request_error for an empty balance, Google's compatible endpoint 400 for a bad key.
constexpr Rule kPhrases[] = {
    {"credit balance is too low", kQuota},
    {"exceeded your current quota", kQuota},
    {"insufficient balance", kQuota},
    {"api usage limits", kQuota},
    {"incorrect api key", kCredential},
    {"api key not valid", kCredential},
    {"invalid api key", kCredential},
    {"invalid x-api-key", kCredential},
    {"invalid bearer token", kCredential},
    {"this organization has been disabled", kCredential},
    // A single request above the whole limit: waiting does not help.
    {"request too large for", kCaller},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
  });
  return out;
}

std::optional<FailureClass> find_word(std::string_view word) {
  for (const Rule& rule : kWords)
    if (rule.word == word) return rule.failure_class;
  return std::nullopt;
}

std::optional<FailureClass> find_phrase(std::string_view message) {
  for (const Rule& rule : kPhrases)
    if (message.find(rule.word) != std::string_view::npos) return rule.failure_class;
  return std::nullopt;
}

FailureClass by_status(int status, std::string_view message, bool has_error_body) {
  switch (status) {
    case 401:
    case 403:
      return kCredential;
    case 402:
      return kQuota;
    case 404:
      // Without an error body the address is wrong, which is not the caller's doing.
      if (!has_error_body) return kBroken;
      return message.find("model") != std::string_view::npos ||
                     message.find("deployment") != std::string_view::npos
                 ? kModelGone
                 : kCaller;
    case 408:
    case 504:
    case 522:
    case 524:
      return kTimeout;
    case 429:
      return kRateLimited;
    case 503:
    case 529:
      return kOverloaded;
    default:
      return status >= 400 && status < 500 ? kCaller : kBroken;
  }
}

// What an error body says, whatever its shape.
struct Said {
  std::string code, type, message;
  bool has_error_body = false;
};

Said read_error(json::Value root) {
  if (root.is_array()) root = root.at(0);  // Google's compatible endpoint wraps it
  json::Value error = root["error"];
  if (!error.is_object() && !error.is_string()) error = root;
  Said said;
  said.has_error_body = root.is_object();
  if (error.is_string()) {
    said.message = error.string_or("");
    return said;
  }
  said.code = error["code"].string_or("");
  // Azure puts the status into the code.
  if (std::ranges::all_of(said.code, [](unsigned char c) { return std::isdigit(c) != 0; }))
    said.code.clear();
  said.type = error["type"].string_or(error["status"].string_or(""));
  said.message = error["message"].string_or("");
  if (said.message.empty())
    for (const char* name : {"detail", "details", "title"}) {
      const json::Value other = error[name];
      if (said.message.empty() && (other.is_string() || other.is_array() || other.is_object()))
        said.message = other.is_string() ? other.string_or("") : std::string(other.raw());
    }
  return said;
}

Failure classify(int status, const Said& said) {
  Failure failure;
  failure.status = status;
  failure.type = safe_message(said.code.empty() ? said.type : said.code, 100);
  failure.message = safe_message(said.message);
  const std::string message = lower(said.message), code = lower(said.code), type = lower(said.type);
  if (const auto by_code = find_word(code))
    failure.failure_class = *by_code;
  else if (const auto by_phrase = find_phrase(message))
    failure.failure_class = *by_phrase;
  else if (const auto by_type = find_word(type))
    failure.failure_class = *by_type;
  else if (type == "invalid_request_error" && (status < 400 || status >= 500))
    failure.failure_class = kCaller;
  else
    failure.failure_class = by_status(status, message, said.has_error_body);
  // OpenAI's code for one request above the limit of tokens a minute is the one for waiting.
  if (failure.failure_class == kRateLimited && message.find("request too large for") == 0)
    failure.failure_class = kCaller;
  return failure;
}

std::string html_title(std::string_view body) {
  const std::string small = lower(body.substr(0, 4096));
  const size_t begin = small.find("<title>");
  const size_t end = small.find("</title>", begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return "an HTML page";
  return "an HTML page: " + std::string(body.substr(begin + 7, end - begin - 7));
}

bool is_token_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '*' ||
         c == '.';
}

// Key shapes of the providers; a long mixed word is taken for a key as well.
bool looks_secret(std::string_view before, std::string_view word) {
  for (const std::string_view prefix : {"sk-", "pk-", "rk-", "gsk_", "xai-", "aiza", "hf_"})
    if (word.size() >= prefix.size() + 4 && lower(word.substr(0, prefix.size())) == prefix)
      return true;
  const std::string context =
      lower(before.substr(before.size() - std::min<size_t>(before.size(), 16)));
  for (const std::string_view lead : {"bearer ", "key provided: ", "api-key: ", "api key: "})
    if (context.ends_with(lead)) return true;
  const auto any = [&](auto test) {
    return std::ranges::any_of(word, [&](unsigned char c) { return test(c) != 0; });
  };
  return word.size() >= 40 && any([](int c) { return std::isdigit(c); }) &&
         any([](int c) { return std::isalpha(c); });
}

}  // namespace

std::string safe_message(std::string_view text, size_t limit) {
  std::string out;
  for (size_t i = 0; i < text.size() && out.size() < limit;) {
    if (!is_token_character(text[i])) {
      append_utf8(decode_utf8(text, i), out);
      continue;
    }
    size_t end = i;
    while (end < text.size() && is_token_character(text[end]))
      ++end;
    const std::string_view word = text.substr(i, end - i);
    out += looks_secret(text.substr(0, i), word) ? "[redacted]" : word;
    i = end;
  }
  if (out.size() > limit) {
    size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0u) == 0x80)
      --end;
    out.resize(end);
  }
  return out;
}

std::string_view to_string(FailureClass c) {
  switch (c) {
    case kCaller:
      return "caller";
    case kCredential:
      return "credential";
    case kQuota:
      return "quota";
    case kModelGone:
      return "model_gone";
    case kRateLimited:
      return "rate_limited";
    case kOverloaded:
      return "overloaded";
    case kTimeout:
      return "timeout";
    case kBroken:
      return "broken";
  }
  return "broken";
}

bool Failure::worth_retrying() const {
  if (failure_class == kBroken) return status < 400 || status >= 500 || status == 409;
  return failure_class == kRateLimited || failure_class == kOverloaded || failure_class == kTimeout;
}

bool is_error_body(json::Value root) {
  if (root.is_array()) root = root.at(0);
  if (!root.is_object()) return false;
  const json::Value error = root["error"];
  if (error.is_object() || (error.is_string() && !root["choices"].exists())) return true;
  return root["object"].string_or("") == "error" || root["type"].string_or("") == "error";
}

Failure classify_error_value(int status, json::Value root) {
  return classify(status, read_error(root));
}

Failure classify_failure(Dialect, int status, std::string_view body) {
  const size_t start = body.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && (body[start] == '{' || body[start] == '[')) {
    const auto document =
        json::Document::parse(std::string(body), {.max_depth = 64, .max_values = 100'000});
    if (document) return classify_error_value(status, document->root());
  }
  Said said;
  if (start == std::string_view::npos)
    said.message = "the provider sent no body";
  else if (body[start] == '<')
    said.message = "the provider sent " + html_title(body.substr(start));
  else
    said.message = body.substr(start, 500);
  return classify(status, said);
}

}  // namespace weir::wire
