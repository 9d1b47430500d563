// The coroutine type of everything that waits. A Task runs on the event loop (worker) that awaits
// it and on no other thread.
// g++ 12 destroys a braced temporary with a destructor twice when it stands inside a co_await
// expression: write `Response head; co_await begin_stream(std::move(head))`, not
// `co_await begin_stream({})`. Temporaries that functions return are safe.
#pragma once

// clang-format off
#include <utility>  // before Boost.Asio: its coroutine header needs std::exchange with g++ 12
#include <boost/asio/awaitable.hpp>
// clang-format on

namespace weir::http {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace weir::http
