#include "tools/scrub_print.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/escape.h"
#include "tools/status_print.h"

namespace synod {
namespace {

bool has_outcome(const ScrubReply& reply, const std::string& outcome) {
  return std::any_of(reply.members.begin(), reply.members.end(),
                     [&](const ScrubbedMember& member) { return scrub_outcome(reply, member) == outcome; });
}

std::string line_of(const ScrubReply& reply, const ScrubbedMember& member, size_t width) {
  const std::string outcome = scrub_outcome(reply, member);
  std::string text = fmt::format("{:<{}}  version {}", member.name, width, reply.version.value());
  if (member.check.state == ScrubState::done) {
    text += fmt::format("  {} keys  {}  digest {}", member.check.keys, readable_bytes(member.check.bytes),
                        to_string(member.check.digest));
  }
  text += "  " + outcome;
  if (!member.check.reason.empty()) text += ": " + member.check.reason;
  if (!member.text.empty()) text += ": " + member.text;
  return text + "\n";
}

}  // namespace

std::string scrub_outcome(const ScrubReply& reply, const ScrubbedMember& member) {
  if (member.differs) return "different";
  if (member.check.state != ScrubState::done) return "no report";
  return reply.is_agreed ? "same" : "not compared";
}

std::string scrub_outcome(const ScrubReply& reply) {
  for (const char* outcome : {"different", "no report", "not compared"}) {
    if (has_outcome(reply, outcome)) return outcome;
  }
  return reply.members.empty() ? "no report" : "same";
}

ExitCode exit_code_of(const ScrubReply& reply) {
  const std::string outcome = scrub_outcome(reply);
  return outcome == "same" ? exit_ok : outcome == "different" ? exit_not_found : exit_unavailable;
}

std::string scrub_progress(const ScrubReply& reply) {
  if (reply.phase == ScrubReply::Phase::waiting) return "scrub: waits for its turn";
  std::string text = fmt::format("scrub at version {}:", reply.version.value());
  for (const ScrubbedMember& member : reply.members) {
    const bool is_done = member.check.state == ScrubState::done;
    text += fmt::format(" {} {}{}", member.name, readable_bytes(member.check.bytes), is_done ? " (done)" : "");
  }
  return reply.phase == ScrubReply::Phase::naming ? text + "; members differ, and find out where" : text;
}

std::string scrub_text(const ScrubReply& reply) {
  size_t width = 0;
  for (const ScrubbedMember& member : reply.members) width = std::max(width, member.name.size());
  std::string text;
  for (const ScrubbedMember& member : reply.members) text += line_of(reply, member, width);
  for (const ScrubbedMember& member : reply.members) {
    for (const Bytes& key : member.differing.keys) text += fmt::format("differs {} {}\n", member.name, escape(key));
  }
  const std::string outcome = scrub_outcome(reply);
  const std::string of_all = outcome == "same"        ? "all members have the same"
                             : outcome == "different" ? "members differ"
                                                      : "not all members were compared";
  return text + fmt::format("scrub at version {}: {}\n", reply.version.value(), of_all);
}

}  // namespace synod
