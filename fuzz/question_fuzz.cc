// Text from any client in search of a question: never a crash or an endless program, what is found
// lies inside the text, is found again alone with the same answer, and no wrong answer is right.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "simulate/fault.h"
#include "simulate/question.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16 << 10) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)weir::simulate::find_fault(text, "weak");
  const auto solved = weir::simulate::solve(text);
  if (!solved) return 0;
  CHECK(solved->difficulty >= 1 && solved->difficulty <= weir::simulate::kMostDifficult);
  CHECK(text.substr(solved->position, solved->text.size()) == solved->text);
  for (const auto& other : solved->others)
    CHECK(other != solved->answer);
  const auto again = weir::simulate::solve(solved->text);
  CHECK(again.has_value() && again->answer == solved->answer);
  return 0;
}
