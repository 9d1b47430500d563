#include "http/response_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/compress.h"
#include "http/dial.h"

namespace weir::http {
namespace {
constexpr int kInterimHeadsLimit = 32;
}

ResponseReader::ResponseReader(std::shared_ptr<Channel> channel, const Endpoint& endpoint,
                               CallLimits limits, Cancellation& cancellation, Sweep& sweep)
    : channel_(std::move(channel)),
      endpoint_(endpoint),
      limits_(limits),
      sweep_(sweep),
      guard_(cancellation.on_cancel(
          [channel = channel_.get()] { channel->interrupt(IoStatus::kCancelled); })) {}

ResponseReader::~ResponseReader() {
  if (channel_) channel_->close();
}

std::unexpected<Error> ResponseReader::corrupt(std::string_view what) const {
  return fail(ErrorCode::kCorrupt,
              fmt::format("{} does not answer in proper HTTP: {}", endpoint_.authority(), what));
}

void ResponseReader::when_over(GiveBack give_back) {
  give_back_ = std::move(give_back);
  if (body_over() && !inflater_) finish();
}

// True when the final head has been taken.
std::expected<bool, Error> ResponseReader::take_head(std::string_view method,
                                                     size_t head_limit_bytes) {
  for (;;) {
    const std::string_view bytes = channel_->buffered();
    if (!bytes.empty()) nothing_came_ = false;
    const auto head_bytes = scanner_.scan(bytes.substr(0, head_limit_bytes));
    if (!head_bytes) return corrupt(head_bytes.error().message);
    if (*head_bytes == 0) {
      if (bytes.size() >= head_limit_bytes) return corrupt("the head is too large");
      return false;
    }
    head_ = ResponseHead{};
    const auto framing = parse_response_head(bytes.substr(0, *head_bytes), method, head_);
    if (!framing) return corrupt(framing.error().message);
    channel_->consume(*head_bytes);
    scanner_.reset();
    if (head_.status >= 200) {
      framing_ = *framing;
      return true;
    }
    if (head_.status == 101) return corrupt("a protocol switch that nobody asked for");
    if (++interim_heads_ > kInterimHeadsLimit) return corrupt("too many interim answers");
  }
}

std::expected<void, Error> ResponseReader::prepare_decoding() {
  length_left_bytes_ = framing_.length_bytes;
  const auto coding = parse_content_coding(head_.headers.get("content-encoding"));
  if (framing_.body == BodyKind::kNone || coding == ContentCoding::kIdentity) return {};
  if (!coding) return corrupt("a Content-Encoding that was not asked for");
  inflater_ = make_inflater(*coding);
  head_.headers.remove("content-encoding");
  head_.headers.remove("content-length");
  return {};
}

Task<std::expected<void, Error>> ResponseReader::read_head(std::string_view method,
                                                           size_t head_limit_bytes) {
  for (;;) {
    const auto taken = take_head(method, head_limit_bytes);
    if (!taken) co_return std::unexpected(taken.error());
    if (*taken) co_return prepare_decoding();
    const IoStatus status = co_await channel_->fill(limits_.deadline.at_us);
    // Bytes may have come together with the end.
    if (status != IoStatus::kOk && (status == IoStatus::kTimeout || channel_->buffered().empty()))
      co_return std::unexpected(io_error(status, endpoint_, channel_.get()));
    if (status != IoStatus::kOk) {
      const auto last = take_head(method, head_limit_bytes);
      if (!last) co_return std::unexpected(last.error());
      if (*last) co_return prepare_decoding();
      co_return std::unexpected(io_error(status, endpoint_, channel_.get()));
    }
  }
}

bool ResponseReader::body_over() const {
  switch (framing_.body) {
    case BodyKind::kNone:
      return true;
    case BodyKind::kLength:
      return length_left_bytes_ == 0;
    case BodyKind::kChunked:
      return chunks_.done();
    case BodyKind::kUntilClose:
      return ended_;
  }
  return true;
}

// Gives the connection back, if it is worth keeping: anything behind the body makes it suspect.
void ResponseReader::finish() {
  if (!channel_) return;
  channel_->consume(std::exchange(held_bytes_, 0));
  guard_ = {};
  if (framing_.keep_alive && channel_->buffered().empty() && channel_->status() == IoStatus::kOk &&
      give_back_)
    give_back_(std::move(channel_));
  else
    channel_->close();
  channel_.reset();
}

// What the buffer holds of the body; empty when more must come or it is over.
std::expected<std::string_view, Error> ResponseReader::take_encoded() {
  channel_->consume(std::exchange(held_bytes_, 0));
  if (broken_chunks_) return corrupt("broken chunked coding");
  while (!channel_->buffered().empty() && !body_over()) {
    const std::string_view bytes = channel_->buffered();
    if (framing_.body != BodyKind::kChunked) {
      held_bytes_ = bytes.size();
      if (framing_.body == BodyKind::kLength) {
        held_bytes_ = std::min(held_bytes_, length_left_bytes_);
        length_left_bytes_ -= held_bytes_;
      }
      return bytes.substr(0, held_bytes_);
    }
    return take_chunks(bytes);
  }
  return std::string_view{};
}

// The data of all chunks in `bytes` as one piece, so that what came together goes on together.
std::expected<std::string_view, Error> ResponseReader::take_chunks(std::string_view bytes) {
  std::string_view first;
  joined_.clear();
  size_t taken = 0;
  while (taken < bytes.size() && !chunks_.done()) {
    const ChunkedDecoder::Step step = chunks_.next(bytes.substr(taken));
    if (step.bad) {
      broken_chunks_ = true;
      // What came before the fault is still given out.
      if (first.empty()) return corrupt("broken chunked coding");
      break;
    }
    taken += step.consumed;
    if (step.data.empty()) continue;
    if (first.empty()) {
      first = step.data;
    } else {
      if (joined_.empty()) joined_ = first;
      joined_ += step.data;
    }
  }
  if (first.empty())
    channel_->consume(taken);
  else
    held_bytes_ = taken;
  return joined_.empty() ? first : std::string_view(joined_);
}

Task<std::expected<std::string_view, Error>> ResponseReader::read_encoded() {
  for (;;) {
    const auto piece = take_encoded();
    if (!piece || !piece->empty() || body_over()) co_return piece;
    const int64_t idle_us = sweep_.now_us() + limits_.idle_timeout_ms * 1000;
    const IoStatus status = co_await channel_->fill(std::min(idle_us, limits_.deadline.at_us));
    if (status == IoStatus::kOk || !channel_->buffered().empty()) continue;
    if (status == IoStatus::kEnd && framing_.body == BodyKind::kUntilClose) {
      ended_ = true;
      co_return std::string_view{};
    }
    if (status == IoStatus::kEnd)
      co_return fail(ErrorCode::kConnection,
                     endpoint_.authority() + " closed the connection before the answer was whole");
    co_return std::unexpected(io_error(status, endpoint_, channel_.get()));
  }
}

Task<std::expected<std::string_view, Error>> ResponseReader::read_some() {
  if (!channel_) co_return std::string_view{};
  for (;;) {
    if (inflater_) {
      const auto decoded = inflater_->pull();
      if (!decoded || !decoded->empty()) co_return decoded;
    }
    const auto piece = co_await read_encoded();
    if (!piece) co_return piece;
    if (!piece->empty() && !inflater_) co_return piece;
    if (!piece->empty()) {
      inflater_->push(*piece);
      continue;
    }
    if (inflater_ && !inflater_->complete())
      co_return fail(ErrorCode::kCorrupt,
                     "the compressed answer of " + endpoint_.authority() + " ends too early");
    finish();
    co_return std::string_view{};
  }
}

Task<std::expected<std::string, Error>> ResponseReader::read_all(size_t limit_bytes) {
  std::string all;
  for (;;) {
    const auto piece = co_await read_some();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return all;
    if (all.size() + piece->size() > limit_bytes)
      co_return fail(ErrorCode::kTooLarge, fmt::format("the answer of {} is larger than {} bytes",
                                                       endpoint_.authority(), limit_bytes));
    if (all.empty() && framing_.body == BodyKind::kLength && !inflater_)
      all.reserve(std::min(limit_bytes, piece->size() + length_left_bytes_));
    all.append(*piece);
  }
}

}  // namespace weir::http
