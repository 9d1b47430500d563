// Counts the allocations of the test program, for tests that a warm path makes none. The operators
// are replaced in allocation_count_test.cc.
#pragma once

#include <cstddef>

namespace weir::model {

// By operator new on the calling thread, since the thread began.
size_t allocation_count();

}  // namespace weir::model
