// Reads one response off a channel: the head, then the body with chunking and content coding taken
// off. Single-threaded: belongs to one worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "http/channel.h"
#include "http/client.h"
#include "http/inflate.h"
#include "http/parser.h"

namespace weir::http {

class ResponseReader final : public ClientResponse {
 public:
  // Called with the channel when the body has been read to its end and the peer keeps it open.
  using GiveBack = std::function<void(std::shared_ptr<Channel>)>;

  // `endpoint` lives as long as the client, which outlives its answers.
  ResponseReader(std::shared_ptr<Channel> channel, const Endpoint& endpoint, CallLimits limits,
                 Cancellation& cancellation, Sweep& sweep);
  ~ResponseReader() override;

  // kOk, or why there is no head. kOk with error() set: what came is not HTTP.
  Task<std::expected<void, Error>> read_head(std::string_view method, size_t head_limit_bytes);
  // True when not one byte of an answer has come: a request on a reused connection that was closed
  // by the peer meanwhile.
  bool nothing_came() const { return nothing_came_; }
  void when_over(GiveBack give_back);

  int status() const override { return head_.status; }
  const Headers& headers() const override { return head_.headers; }
  Headers take_headers() override { return std::exchange(head_.headers, {}); }
  Task<std::expected<std::string_view, Error>> read_some() override;
  Task<std::expected<std::string, Error>> read_all(size_t limit_bytes) override;
  void set_deadline(Deadline deadline) override { limits_.deadline = deadline; }

 private:
  std::expected<bool, Error> take_head(std::string_view method, size_t head_limit_bytes);
  std::expected<void, Error> prepare_decoding();
  // The next piece as it stands on the wire, without chunking.
  Task<std::expected<std::string_view, Error>> read_encoded();
  std::expected<std::string_view, Error> take_encoded();
  std::expected<std::string_view, Error> take_chunks(std::string_view bytes);
  bool body_over() const;
  void finish();
  std::unexpected<Error> corrupt(std::string_view what) const;

  std::shared_ptr<Channel> channel_;
  const Endpoint& endpoint_;
  CallLimits limits_;
  Sweep& sweep_;
  Cancellation::Guard guard_;
  GiveBack give_back_;
  ResponseHead head_;
  Framing framing_;
  HeadScanner scanner_;
  ChunkedDecoder chunks_;
  std::unique_ptr<Inflater> inflater_;
  size_t length_left_bytes_ = 0;
  size_t held_bytes_ = 0;  // of the channel's buffer, given out as a view
  std::string joined_;     // the data of several chunks, given out as a view
  int interim_heads_ = 0;
  bool nothing_came_ = true;
  bool broken_chunks_ = false;
  bool ended_ = false;  // close-delimited body has ended
};

}  // namespace weir::http
