// The study of RouteLLM's benchmarks for people, for programs and as pictures.
// Pure functions, thread-safe.
#pragma once

#include <span>
#include <string>

#include "eval/bench_routellm.h"

namespace weir::eval {

// Tables in Markdown, a section a table; readable as they are on a terminal.
std::string bench_markdown(std::span<const BenchTable> tables, const BenchOptions& options);

// One object {seed, repeats, costs, tables: [...]}. Figures that are not defined are null.
std::string bench_json(std::span<const BenchTable> tables, const BenchOptions& options);

// Quality against strong share for one table: baselines and kinds.
Chart bench_curves(const BenchTable& table);

// APGR against the number of labels, with intervals: those of `tables` that divide by rows, which
// must be of one benchmark.
Chart bench_learning(std::span<const BenchTable> tables);

}  // namespace weir::eval
