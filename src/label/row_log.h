// The output of a job: JSON lines, one a finished query, each written by one write(2), so that a
// kill at any time loses at most the line being written. Opening reads what earlier runs left and
// cuts off a torn last line. One process at a time holds the file.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace weir::label {

class RowLog {
 public:
  // Creates the file when missing. Fails: kConflict when another process writes it; kCorrupt
  // naming the line that is no JSON object; kIo.
  [[nodiscard]] static std::expected<RowLog, Error> open(const std::filesystem::path& path);
  RowLog(RowLog&& other) noexcept;
  RowLog& operator=(RowLog&&) = delete;
  ~RowLog();

  // The lines of earlier runs. Valid until the RowLog ends.
  const std::vector<std::string>& earlier() const { return earlier_; }
  bool cut_torn_line() const { return cut_torn_line_; }

  // `row`: a JSON object on one line. Fails: kIo (a full disk); the line is then not there.
  [[nodiscard]] std::expected<void, Error> append(std::string_view row);

 private:
  RowLog() = default;
  std::filesystem::path path_;
  FileLock lock_;
  int fd_ = -1;
  std::vector<std::string> earlier_;
  bool cut_torn_line_ = false;
};

}  // namespace weir::label
