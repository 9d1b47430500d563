// What weir adds to a request for its own sake, to judge the answer by: token probabilities, a line
// of confidence, a sampling temperature. What the answer then holds more than the client asked for
// is taken out again by RelayOptions (answer.h). Pure.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/error.h"
#include "wire/dialect.h"

namespace weir::wire {

struct Additions {
  bool logprobs = false;            // OpenAI: of each token, with the two most likely ones
  std::string last_user_text = {};  // behind the text of the last user turn
  std::optional<double> temperature = {};

  bool any() const { return logprobs || !last_user_text.empty() || temperature; }
};

struct Added {
  std::string body;
  bool logprobs = false;  // they were added: false where the client asked for them itself
};

// `body`: a request in the provider's dialect, as encode_chat() gives it; bytes outside the edited
// values stay as they are. Fails: kUnsupported when there is no user turn to add a text to.
[[nodiscard]] std::expected<Added, Error> add_to_request(Dialect provider, std::string body,
                                                         const Additions& additions);

}  // namespace weir::wire
