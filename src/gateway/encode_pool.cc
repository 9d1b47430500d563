#include "gateway/encode_pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::gateway {

namespace asio = boost::asio;

namespace {
constexpr std::chrono::seconds kLongest{5};  // of a job's wait and work
}

// Shared by the coroutine that waits and the thread that works.
struct EncodePool::Job {
  std::shared_ptr<const model::Encoder> encoder;
  std::string words;
  std::vector<float> vector;
  asio::any_io_executor executor;       // of the coroutine's event loop
  asio::steady_timer* timer = nullptr;  // the coroutine's; touched on its event loop only
  bool done = false;                    // likewise
  std::mutex mutex;  // guards `gone`, and the event loop against going while in use
  bool gone = false;

  // On a thread of the pool.
  void finish(const std::shared_ptr<Job>& self) {
    const std::lock_guard lock(mutex);
    if (gone) return;
    asio::post(executor, [self] {
      self->done = true;
      if (!self->gone) self->timer->cancel();
    });
  }
};

struct EncodePool::State {
  size_t threads_wanted;
  size_t queue_limit;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Job>> jobs;
  bool ended = false;
  std::vector<std::thread> threads;

  void work() {
    ::pthread_setname_np(::pthread_self(), "encoder");
    std::map<uint64_t, model::EncoderScratch> scratches;  // by encoder
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return ended || !jobs.empty(); });
      if (ended) return;
      const std::shared_ptr<Job> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      std::vector<float> vector(job->encoder->dimension());
      if (job->encoder->embed(job->words, vector, scratches[job->encoder->hash()]))
        job->vector = std::move(vector);
      job->finish(job);
      lock.lock();
    }
  }
};

EncodePool::EncodePool(size_t threads, size_t queue_limit) : state_(std::make_unique<State>()) {
  state_->threads_wanted = std::max<size_t>(threads, 1);
  state_->queue_limit = queue_limit;
}

EncodePool::~EncodePool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ended = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads)
    thread.join();
}

http::Task<std::expected<std::vector<float>, Error>> EncodePool::encode(
    std::shared_ptr<const model::Encoder> encoder, std::string words) {
  const auto job = std::make_shared<Job>();
  job->executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(job->executor, kLongest);
  job->timer = &timer;
  job->encoder = std::move(encoder);
  job->words = std::move(words);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->jobs.size() >= state_->queue_limit)
      co_return fail(ErrorCode::kTimeout,
                     fmt::format("{} queries wait for the encoder already", state_->jobs.size()));
    while (state_->threads.size() < state_->threads_wanted)
      state_->threads.emplace_back([state = state_.get()] { state->work(); });
    state_->jobs.push_back(job);
  }
  state_->changed.notify_one();
  // The event loop destroys the frame of a coroutine that still waits when it ends.
  struct Leave {
    Job& job;
    ~Leave() {
      const std::lock_guard lock(job.mutex);
      job.gone = true;
    }
  };
  const Leave leave{*job};
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  if (!job->done) co_return fail(ErrorCode::kTimeout, "the encoder took too long");
  co_return std::move(job->vector);
}

std::shared_ptr<EncodePool> make_encode_pool() {
  constexpr size_t kMostThreads = 4;
  const size_t cores = std::max(2U, std::thread::hardware_concurrency());
  return std::make_shared<EncodePool>(std::min(kMostThreads, cores - 1));
}

}  // namespace weir::gateway
