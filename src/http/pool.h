// The Client over channels: a pool of idle keep-alive connections for each endpoint.
// Single-threaded: belongs to one worker.
#pragma once

#include <memory>

#include "http/client.h"
#include "http/resolver.h"
#include "http/sweep.h"

namespace weir::http {

std::unique_ptr<Client> make_client(const ClientOptions& options, Sweep& sweep,
                                    std::shared_ptr<Resolver> resolver);

}  // namespace weir::http
