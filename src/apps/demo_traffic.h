// Sends the questions of the demo over real connections and reads the answers as a client would,
// whole and streamed, in both dialects. Blocks the calling thread until all are answered.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "http/client.h"

namespace weir::apps {

struct Asked {
  int status = 0;      // 0: no answer, see error
  std::string model;   // that served
  std::string reason;  // x-weir-reason
  std::string text;
  int64_t input_tokens = 0, output_tokens = 0;  // as reported; 0 in OpenAI streams without usage
  std::string error;
};

struct Traffic {
  uint16_t port = 0;
  std::string model = "auto";
  int connections = 4;
  bool mixed = true;  // half streamed, half in each dialect; else whole answers in OpenAI's
  std::string session_prefix = "demo";
  std::function<void(size_t done)> progress = {};  // from any connection's thread
};

// One Asked a query, in their order.
std::vector<Asked> ask_all(const Traffic& traffic, const std::vector<std::string>& queries);

}  // namespace weir::apps
