// Counts rows into a Report: the one definition of every number in `weir report` and /metrics. The
// ledger thread adds rows as it imports them, ReadLedger adds the rows of a period.
// Bounded memory: latencies go into histograms (0.4 % wide), models into at most kMostModels rows.
// A Tally belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "store/report.h"

namespace weir::store {

// The part of a request's row that is counted. Views live as long as the row.
struct RequestRow {
  std::string_view route, mode, reason, outcome, served_tier, assigned;
  bool control = false, fallback = false;
  std::optional<int64_t> cost_nanousd, modelled_strong_nanousd, modelled_weak_nanousd;
  int64_t input_tokens = 0;
  std::optional<int64_t> latency_us, overhead_us, first_token_us;
  std::string_view cascade = {};  // EndRecord::cascade
};

// The part of a call's row that is counted, and what it takes from its request.
struct CallRow {
  std::string_view route;
  bool fallback = false;
  std::string_view role, model, tier, outcome, usage_source;
  int64_t input_tokens = 0, cache_read_tokens = 0, cache_write_tokens = 0;
  int64_t cache_write_1h_tokens = 0, output_tokens = 0;
  std::optional<int64_t> cost_nanousd;
  bool simulated = false;
};

// weir chose the model, and not the client by a name or a header.
bool is_routed(std::string_view mode, std::string_view reason);

// The call cost something that nobody knows. A refusal without usage (a status of 400 and above, no
// connection) is taken to cost nothing.
bool is_unpriced(std::string_view outcome, std::string_view usage_source,
                 std::optional<int64_t> cost_nanousd);

// Log-linear: exact below 256 us, then 256 steps an octave.
class LatencyHistogram {
 public:
  void add(int64_t us);
  int64_t quantile(double q) const;  // the bucket's middle; 0 when empty
  int64_t count() const { return count_; }
  int64_t sum_us() const { return sum_us_; }

 private:
  std::vector<int64_t> buckets_;
  int64_t count_ = 0, sum_us_ = 0;
};

class Tally {
 public:
  static constexpr size_t kMostModels = 256;
  using IsLabel = std::function<bool(std::string_view)>;

  // Routes and models that are no label are counted as "other"; nothing given: each is a label
  // until there are kMostModels rows.
  explicit Tally(int64_t since_us, IsLabel is_label = {});

  // Requests that have ended, well or not; one that is still open is not counted.
  void add(const RequestRow& row);
  void add(const CallRow& row);
  Report report(int64_t until_us) const;

 private:
  void add_modelled(const RequestRow& row);
  void add_cascaded(const RequestRow& row);
  ModelCount& model_count(const CallRow& row);

  IsLabel is_label_;
  Report counts_;
  int64_t answered_ = 0, strong_routed_ = 0, strong_control_ = 0, strong_fallback_ = 0;
  int64_t weak_requests_ = 0, strong_tokens_ = 0, weak_tokens_ = 0;
  LatencyHistogram latency_, overhead_, first_token_;
  std::map<std::tuple<std::string, std::string, std::string>, ModelCount> models_;
};

}  // namespace weir::store
