// Work cut into a fixed number of tasks, done by as many threads as there are cores. What a task
// computes does not depend on the number of threads, so results are the same on every machine.
#pragma once

#include <cstddef>
#include <functional>

namespace weir::train {

// Calls task(0) .. task(count - 1), several at a time, and returns when all are done. A task must
// not throw.
void parallel_for(size_t count, const std::function<void(size_t)>& task);

}  // namespace weir::train
