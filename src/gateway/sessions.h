// What weir remembers of conversations, so that each keeps its model: bounded, shared by all
// workers, forgotten after idling. In memory only: the control group survives a restart (it is a
// hash), the tier of a running conversation is then decided anew.
// Thread-safe: sixteen shards, each under its own mutex, held for a look-up only.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "policy/choose.h"

namespace weir::gateway {

struct Memory {
  policy::Tier by_score = policy::Tier::kStrong;  // of the experiment's arithmetic
  policy::Tier served = policy::Tier::kStrong;    // strong also after a fallback
  std::optional<double> score;
  std::optional<double> prob_strong;  // of a router that explores: the largest so far
  uint64_t turn = 0;                  // the user turn last decided on
  int turn_count = 0;                 // user turns up to it
  std::string decision_id;            // the request that decided

  bool operator==(const Memory&) const = default;
};

class Sessions {
 public:
  // Holds at most `limit` conversations (the longest unused goes first) for `idle_us` after use.
  Sessions(size_t limit, int64_t idle_us);

  // Counts as use.
  std::optional<Memory> find(uint64_t key, int64_t now_us);
  void put(uint64_t key, Memory memory, int64_t now_us);
  size_t size() const;

 private:
  struct Entry {
    uint64_t key;
    int64_t used_us;
    Memory memory;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Entry> entries;  // latest use first
    std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key;
    void drop_last();
  };
  Shard& shard(uint64_t key) { return shards_[key % shards_.size()]; }

  size_t shard_limit_;
  int64_t idle_us_;
  std::array<Shard, 16> shards_;
};

}  // namespace weir::gateway
