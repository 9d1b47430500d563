#include "gateway/sessions.h"

#include <algorithm>

namespace weir::gateway {

Sessions::Sessions(size_t limit, int64_t idle_us)
    : shard_limit_(std::max<size_t>(1, (limit + 15) / 16)), idle_us_(idle_us) {}

void Sessions::Shard::drop_last() {
  by_key.erase(entries.back().key);
  entries.pop_back();
}

std::optional<Memory> Sessions::find(uint64_t key, int64_t now_us) {
  Shard& own = shard(key);
  const std::scoped_lock lock(own.mutex);
  while (!own.entries.empty() && own.entries.back().used_us + idle_us_ <= now_us)
    own.drop_last();
  const auto found = own.by_key.find(key);
  if (found == own.by_key.end()) return std::nullopt;
  found->second->used_us = now_us;
  own.entries.splice(own.entries.begin(), own.entries, found->second);
  return found->second->memory;
}

void Sessions::put(uint64_t key, Memory memory, int64_t now_us) {
  Shard& own = shard(key);
  const std::scoped_lock lock(own.mutex);
  if (const auto found = own.by_key.find(key); found != own.by_key.end()) {
    own.entries.erase(found->second);
    own.by_key.erase(found);
  }
  own.entries.push_front({key, now_us, std::move(memory)});
  own.by_key.emplace(key, own.entries.begin());
  if (own.entries.size() > shard_limit_) own.drop_last();
}

size_t Sessions::size() const {
  size_t sum = 0;
  for (const Shard& one : shards_) {
    const std::scoped_lock lock(one.mutex);
    sum += one.entries.size();
  }
  return sum;
}

}  // namespace weir::gateway
