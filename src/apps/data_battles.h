// weir data battles: from `scores` of several models to battles between two.
#pragma once

#include "apps/commands.h"

namespace weir::apps {

int run_data_battles(Arguments arguments);

}  // namespace weir::apps
