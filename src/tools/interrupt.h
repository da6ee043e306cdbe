// Control-C: the first one asks the command to end in good order, the second ends the process.
#pragma once

#include "base/time.h"

namespace synod {

// For the whole process. A blocking read then fails with EINTR rather than being restarted.
void catch_interrupt();
bool is_interrupted();
// True when this was found interrupted for at least as long; counted from the first call that found it so.
bool is_interrupted_for(Duration grace);

}  // namespace synod
