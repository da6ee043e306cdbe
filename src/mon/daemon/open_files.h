// The limit of open files of this process.
#pragma once

#include "msg/messenger.h"

namespace synod {

// Raises it as far as it may be raised, and gives back `limits` with as few clients as it takes to leave the store and
// the other monitors what they need: a store that cannot open a file is a store that has failed. Says so in the log
// when it had to cut anything.
MessengerLimits within_open_files(MessengerLimits limits);

}  // namespace synod
