// With what synod-mon ends. The number is all that a supervisor sees: 4 means that a disk has to be looked at, 3 and 5
// that starting again on this directory will not help.
#pragma once

namespace synod {

inline constexpr int exit_stopped = 0;
inline constexpr int exit_usage = 2;
inline constexpr int exit_directory_refused = 3;
inline constexpr int exit_disk_failure = 4;
inline constexpr int exit_superseded = 5;

}  // namespace synod
