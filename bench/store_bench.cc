// The ledger's share of a request: what the worker pays (two appends) and what the ledger thread
// pays (import). The folder is $TMPDIR, so that the file system is the one that is named there.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>

#include "catalog/models.h"
#include "store/ledger.h"
#include "store/record_line.h"
#include "store/sample_records.h"

namespace {

using namespace weir;
using namespace weir::store;

std::filesystem::path fresh_folder() {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("weir-store-bench-{}", ::getpid());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

void encode_start_and_end(benchmark::State& state) {
  const StartRecord start = sample_start(1);
  const EndRecord end = sample_end(1);
  std::string line;
  for (auto _ : state) {
    line.clear();
    append_line(start, line);
    append_line(end, line);
    benchmark::DoNotOptimize(line.data());
  }
  state.counters["bytes"] = static_cast<double>(line.size());
}
BENCHMARK(encode_start_and_end);

// Both records of a request, as a worker writes them.
void append_start_and_end(benchmark::State& state) {
  const auto folder = fresh_folder();
  auto writer = JournalWriter::open(folder, "w0", {.segment_bytes = 64 << 20}).value();
  const StartRecord start = sample_start(1);
  const EndRecord end = sample_end(1);
  for (auto _ : state) {
    if (!writer->append(start) || !writer->append(end)) state.SkipWithError("append failed");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(append_start_and_end);

// Requests a second that the ledger thread takes, commits and syncs included.
void import_requests(benchmark::State& state) {
  constexpr int64_t kRequests = 20'000;
  for (auto _ : state) {
    state.PauseTiming();
    const auto folder = fresh_folder();
    auto ledger = Ledger::open({.state_folder = folder, .journal = {.sync_ms = 60'000}}).value();
    auto writer = ledger->make_writer("w0").value();
    for (int64_t n = 0; n < kRequests; ++n)
      if (!writer->append(sample_start(n)) || !writer->append(sample_end(n)))
        state.SkipWithError("append failed");
    state.ResumeTiming();
    if (!ledger->flush()) state.SkipWithError("import failed");
    state.PauseTiming();
    writer.reset();
    ledger.reset();
    std::filesystem::remove_all(folder);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kRequests);
}
BENCHMARK(import_requests)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);

void price_a_call(benchmark::State& state) {
  const catalog::Model model = catalog::Catalog::built_in().get_or_unknown("claude-opus-4-6");
  const catalog::Usage usage = sample_end(1).calls[0].usage;
  for (auto _ : state)
    benchmark::DoNotOptimize(catalog::cost_nanousd(model.price, usage));
}
BENCHMARK(price_a_call);

}  // namespace
