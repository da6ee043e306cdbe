// What came of a scrub, for people.
#pragma once

#include <string>

#include "msg/messages.h"
#include "tools/exit_code.h"

namespace synod {

// "same", "different", "no report", or "not compared" while too few have reported.
std::string scrub_outcome(const ScrubReply& reply, const ScrubbedMember& member);
// Of all: "different" if one is, else what else keeps them from being the same.
std::string scrub_outcome(const ScrubReply& reply);
// 0, 1 or 3.
ExitCode exit_code_of(const ScrubReply& reply);

// "a 40 %, b done": while it is on.
std::string scrub_progress(const ScrubReply& reply);
// One line for each member, and a last one for all; each with its newline.
std::string scrub_text(const ScrubReply& reply);

}  // namespace synod
