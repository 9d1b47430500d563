#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "model/allocation_count_for_test.h"

namespace {

thread_local size_t count = 0;

}  // namespace

void* operator new(size_t size) {
  ++count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace weir::model {

size_t allocation_count() {
  return count;
}

namespace {

TEST(AllocationCount, SeesEveryNew) {
  const size_t before = allocation_count();
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_EQ(allocation_count() - before, 2U);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace weir::model
