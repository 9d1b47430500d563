// The one place where Boost.Asio's own code is compiled (BOOST_ASIO_SEPARATE_COMPILATION).
// clang-format off
#include "http/task.h"  // first, see there
// clang-format on

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
