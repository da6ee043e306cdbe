// What the programs' exit codes mean.
#pragma once

#include "base/status.h"

namespace synod {

enum ExitCode : int {
  exit_ok = 0,
  exit_not_found = 1,    // synod-store: different, or not found
  exit_usage = 2,        // or input that cannot be read; synod-store: any error
  exit_unavailable = 3,  // no quorum or timeout, and certainly not done
  exit_unknown_outcome = 4,
  exit_stopped = 4,  // synod-store: where it was asked to
  exit_refused = 5,
  exit_interrupted = 130,
};

// Of a failed call to the cluster.
inline ExitCode exit_code_of(const Status& failure) {
  switch (failure.code()) {
    case Code::ok: return exit_ok;
    case Code::not_found: return exit_not_found;
    case Code::unavailable:
    case Code::exhausted:
    case Code::corruption:  // an answer that makes no sense is no answer
    case Code::io_error: return exit_unavailable;
    case Code::unknown_outcome: return exit_unknown_outcome;
    case Code::invalid_argument:
    case Code::refused:
    case Code::unknown_session:
    case Code::in_use: return exit_refused;
  }
  return exit_refused;
}

}  // namespace synod
