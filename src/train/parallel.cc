#include "train/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace weir::train {

void parallel_for(size_t count, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++)
      task(i);
  };
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::jthread> others;
  for (size_t i = 1; i < std::min(cores, count); ++i)
    others.emplace_back(work);
  work();
}

}  // namespace weir::train
