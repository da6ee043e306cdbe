#include "mon/daemon/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace synod {
namespace {

// LevelDB maps its tables and keeps no descriptor of them; what it and we keep are logs, manifests, locks, the two
// files of the bound, a table or two that is being written, for two stores during a sync. Generously, with links and
// the loop.
constexpr size_t own_files = 100;

}  // namespace

MessengerLimits within_open_files(MessengerLimits limits) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log(LogLevel::warning, "cannot read the limit of open files: {}", std::strerror(errno));
    return limits;
  }
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const size_t reserved = own_files + limits.max_greeting + limits.max_monitors;
  const size_t left = limit.rlim_cur > reserved ? limit.rlim_cur - reserved : 1;
  if (left < limits.max_clients) {
    log(LogLevel::warning, "at most {} clients are served, not {}: this process may open {} files (ulimit -n)", left,
        limits.max_clients, limit.rlim_cur);
    limits.max_clients = left;
  }
  return limits;
}

}  // namespace synod
