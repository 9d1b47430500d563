// weir data: what is in files of labelled queries.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/commands.h"
#include "apps/data_battles.h"
#include "apps/output.h"
#include "base/json.h"
#include "train/data_check.h"

namespace weir::apps {
namespace {

constexpr size_t kShownModels = 12;
constexpr size_t kShownLanguages = 6;
constexpr size_t kQuoted = 90;
constexpr int kOverlapping = 3;  // exit status: files share queries

double share(int64_t count, int64_t of) {
  return of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 0;
}

std::string describe_labels(const train::FileCheck& file) {
  std::string text;
  const int64_t labelled = file.label_0 + file.label_1;
  if (labelled > 0)
    text += fmt::format("  labels         {} strong needed ({:.1f} %), {} weak suffices\n",
                        file.label_1, 100 * share(file.label_1, labelled), file.label_0);
  if (file.label_null > 0)
    text += fmt::format("  no verdict     {} rows with label null, which training leaves out\n",
                        file.label_null);
  if (file.battles > 0) text += fmt::format("  battles        {}\n", file.battles);
  size_t shown = 0;
  for (const auto& [model, scores] : file.scores) {
    if (++shown > kShownModels) {
      text += fmt::format("  ...            {} more models\n", file.scores.size() - kShownModels);
      break;
    }
    text += fmt::format("  score {:.4f}   {} rows, {}\n",
                        scores.sum / static_cast<double>(scores.rows), scores.rows, model);
  }
  if (labelled + file.battles == 0 && file.scores.empty())
    text += "  labels         none: see weir label\n";
  return text;
}

std::string describe(const train::FileCheck& file) {
  std::string text = fmt::format("{}: {} rows\n", file.file, file.rows);
  if (file.without_query > 0) text += fmt::format("  no query       {} rows\n", file.without_query);
  text += describe_labels(file);
  if (file.contaminated + file.in_bench > 0)
    text += fmt::format("  marked         {} contaminated, {} in bench\n", file.contaminated,
                        file.in_bench);
  text += fmt::format("  repeated       {} ({} with another label), {} near-duplicates\n",
                      file.repeated, file.contradictory, file.near);
  std::vector<std::pair<std::string, int64_t>> languages(file.languages.begin(),
                                                         file.languages.end());
  std::ranges::sort(languages, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (languages.size() > kShownLanguages) languages.resize(kShownLanguages);
  text += "  languages     ";
  for (const auto& [name, count] : languages)
    text += fmt::format(" {} {:.1f} %", name, 100 * share(count, file.rows));
  text += fmt::format("\n  characters     {} to {}, median {}, 90 % up to {}\n", file.lengths.least,
                      file.lengths.most, file.lengths.median, file.lengths.p90);
  return text;
}

std::string to_text(const train::DataCheck& check) {
  std::string text;
  for (const auto& file : check.files)
    text += describe(file);
  for (const auto& overlap : check.overlaps)
    text += fmt::format(
        "{} and {} share {} queries, and {} more are nearly the same; for instance\n  {}\n",
        overlap.first, overlap.second, overlap.equal, overlap.near,
        json::quoted(overlap.example.substr(0, kQuoted)));
  if (!check.overlaps.empty())
    text += "a figure measured on rows that were trained on says nothing: leave them out\n";
  else if (check.files.size() > 1)
    text += "no query stands in two of the files\n";
  return text;
}

void write(const train::FileCheck& file, json::Writer& out) {
  out.begin_object().member("file", file.file).member("rows", file.rows);
  out.member("without_query", file.without_query).member("label_1", file.label_1);
  out.member("label_0", file.label_0).member("label_null", file.label_null);
  out.member("battles", file.battles).member("contaminated", file.contaminated);
  out.member("in_bench", file.in_bench).member("repeated", file.repeated);
  out.member("contradictory", file.contradictory).member("near_duplicates", file.near);
  out.key("scores").begin_object();
  for (const auto& [model, scores] : file.scores) {
    out.key(model).begin_object().member("rows", scores.rows);
    out.member("mean", scores.sum / static_cast<double>(scores.rows)).end_object();
  }
  out.end_object().key("languages").begin_object();
  for (const auto& [name, count] : file.languages)
    out.member(name, count);
  out.end_object().key("characters").begin_object();
  out.member("least", file.lengths.least).member("median", file.lengths.median);
  out.member("p90", file.lengths.p90).member("most", file.lengths.most).end_object().end_object();
}

std::string to_json(const train::DataCheck& check) {
  json::Writer out;
  out.begin_object().key("files").begin_array();
  for (const auto& file : check.files)
    write(file, out);
  out.end_array().key("overlaps").begin_array();
  for (const auto& overlap : check.overlaps) {
    out.begin_object().member("first", overlap.first).member("second", overlap.second);
    out.member("equal", overlap.equal).member("near", overlap.near);
    out.member("example", overlap.example).end_object();
  }
  return out.end_array().end_object().take() + "\n";
}

int run_data_check(Arguments arguments) {
  std::vector<std::filesystem::path> files;
  bool json = false;
  CLI::App app("Says what is in files of queries, and what two of them share: docs/labels.md",
               "weir data check");
  app.add_option("files", files, "JSONL or JSONL.gz files")->required();
  app.add_flag("--json", json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const auto check = train::check_data(files);
  if (!check) return report_failure(check.error());
  const int status = exit_status(write_output(json ? to_json(*check) : to_text(*check)));
  return status == 0 && !check->overlaps.empty() ? kOverlapping : status;
}

}  // namespace

int run_data(Arguments arguments) {
  constexpr std::string_view kUsage =
      "usage: weir data check FILE... | weir data battles --data FILE...\n"
      "  battles  battles between models, from `scores` of the same query\n"
      "  check    counts, labels, repeated rows, languages; queries that two files share\n";
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (name == "check") return run_data_check(arguments.subspan(1));
  if (name == "battles") return run_data_battles(arguments.subspan(1));
  const bool help = name == "--help" || name == "-h";
  fmt::print(help ? stdout : stderr, "{}", kUsage);
  return help ? 0 : 2;
}

}  // namespace weir::apps
