// CHECK(condition, ...) ends the process when a bug breaks an invariant; never used on outside
// data. DCHECK is the same in debug builds only, for checks that cost too much on the request path.
#pragma once

namespace weir {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace weir

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::weir::check_failed(#condition, __FILE__, __LINE__); \
  } while (0)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
