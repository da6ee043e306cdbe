// The status of a cluster as a table for people.
#pragma once

#include <string>

#include "msg/messages.h"

namespace synod {

// "leader"; "unreachable" if the member was not heard of lately.
std::string state_of(const MemberStatus& member);
// "1.5 MiB"
std::string readable_bytes(uint64_t bytes);
// Several lines, each with its newline.
std::string status_table(const StatusReply& status);

}  // namespace synod
