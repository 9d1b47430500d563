// The studies behind `weir bench NAME`: one file each, listed in bench.cc. A study is a command
// like any other: it parses its arguments as "weir bench NAME" and returns the exit status.
#pragma once

#include "apps/commands.h"

namespace weir::apps {

int bench_routellm(Arguments arguments);
int bench_cascade(Arguments arguments);
int bench_robustness(Arguments arguments);
int bench_statistics(Arguments arguments);

}  // namespace weir::apps
