// Station 6 for a decided request: the models of the decision as upstream targets, and the call.
#pragma once

#include <cstddef>

#include "gateway/gateway.h"
#include "gateway/records.h"
#include "http/server.h"
#include "upstream/call.h"

namespace weir::gateway {

// Which of the decision's models are to be asked.
struct CallWish {
  size_t first = 0;     // those before it have been asked already
  bool sample = false;  // only the first one, again, as another sample of its answer
};

http::Task<upstream::Outcome> call_models(Gateway& gateway, http::Exchange& exchange,
                                          const Decided& decided, CallWish wish = {});

}  // namespace weir::gateway
