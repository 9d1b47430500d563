// Runs transformer encoders beside the event loops: a vector takes milliseconds of CPU, during
// which a worker's other requests would wait. A few threads named "encoder", each with its own
// working memory, take jobs in order from one bounded queue. Thread-safe. The threads begin with
// the first job and end with the pool; jobs whose coroutine has gone are dropped.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "http/task.h"
#include "model/encoder.h"

namespace weir::gateway {

class EncodePool {
 public:
  // Waiting jobs beyond `queue_limit` are refused.
  explicit EncodePool(size_t threads, size_t queue_limit = 256);
  ~EncodePool();

  // The words' vector; empty when they cannot be judged. Resumes on the event loop that awaits.
  // Fails: kTimeout when too many jobs wait already.
  http::Task<std::expected<std::vector<float>, Error>> encode(
      std::shared_ptr<const model::Encoder> encoder, std::string words);

 private:
  struct Job;
  struct State;
  std::unique_ptr<State> state_;
};

// For as many threads as leave a core to the event loops.
std::shared_ptr<EncodePool> make_encode_pool();

}  // namespace weir::gateway
