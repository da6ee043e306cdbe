#include "test/sim/run/trace.h"

#include <fmt/format.h>

#include "base/log.h"

namespace synod::sim {
namespace {

TraceWriter* current = nullptr;

std::string text(const ProposalNumber& pn) { return fmt::format("{}.{}", pn.round, to_string(pn.member).substr(0, 4)); }
std::string text(const Position& position) {
  return fmt::format("{}:{}", position.version.value(), to_string(position.hash).substr(0, 4));
}

struct Describe {
  std::string operator()(const Probe& m) const {
    return fmt::format("{} {}..{}", to_string(m.state), m.first.value(), text(m.committed));
  }
  std::string operator()(const Propose& m) const { return fmt::format("pn {} c {}", text(m.pn), m.committed.value()); }
  std::string operator()(const ProposeReply& m) const {
    return fmt::format("pn {} {}, promised {}", text(m.pn), m.granted ? "yes" : "no", text(m.promised));
  }
  std::string operator()(const Collect& m) const { return fmt::format("pn {} c {}", text(m.pn), text(m.committed)); }
  std::string operator()(const Last& m) const {
    std::string accepted;
    for (const LogEntry& entry : m.accepted) accepted += fmt::format(" {}@{}", text(entry.position()), text(entry.pn));
    return fmt::format("pn {} {}..{} accepted{}", text(m.pn), m.first.value(), text(m.committed), accepted);
  }
  std::string operator()(const Refuse& m) const {
    return fmt::format("pn {}, promised {}", text(m.pn), text(m.promised));
  }
  std::string operator()(const Begin& m) const {
    return fmt::format("{} pn {} c {}", text(m.entry.position()), text(m.entry.pn), m.committed.version.value());
  }
  std::string operator()(const Accept& m) const { return fmt::format("{} pn {}", text(m.position), text(m.pn)); }
  std::string operator()(const Gap& m) const { return fmt::format("after {} pn {}", text(m.position), text(m.pn)); }
  std::string operator()(const Commit& m) const { return fmt::format("{} pn {}", text(m.committed), text(m.pn)); }
  std::string operator()(const Lease& m) const {
    return fmt::format("#{} pn {} c {}, {} in quorum", m.sequence, text(m.pn), text(m.committed), m.quorum.size());
  }
  std::string operator()(const LeaseAck& m) const {
    return fmt::format("#{} pn {} at {} c {}", m.sequence, text(m.pn), text(m.position), text(m.committed));
  }
  std::string operator()(const Fetch& m) const { return fmt::format("{}..{}", m.from.value(), m.to.value()); }
  std::string operator()(const Entries& m) const {
    return fmt::format("{} from {}", m.entries.size(), m.wanted.value());
  }
  std::string operator()(const SyncChunk& m) const {
    return fmt::format("#{}{}", m.sequence, m.is_last ? " last" : "");
  }
  std::string operator()(const SyncAck& m) const { return fmt::format("#{}", m.sequence); }
  std::string operator()(const SyncAbort& m) const { return m.reason.message(); }
  std::string operator()(const ClientRequest& m) const { return fmt::format("#{}", m.id); }
  std::string operator()(const ClientReply& m) const { return fmt::format("#{} {}", m.id, m.status.to_string()); }
  template <class Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

void log_to_trace(LogLevel, std::string_view text) {
  if (current != nullptr) current->line(text);
}

}  // namespace

std::string describe(const Message& message) {
  return fmt::format("{} {}", message_name(message), std::visit(Describe{}, message));
}

TraceWriter::TraceWriter(Cluster& cluster) : cluster_(cluster), begun_(cluster.scheduler().now()) {
  current = this;
  set_log_level(LogLevel::debug);
  set_log_sink(log_to_trace);
}

TraceWriter::~TraceWriter() {
  set_log_sink(nullptr);
  set_log_level(LogLevel::off);
  current = nullptr;
}

void TraceWriter::line(std::string_view text) const {
  const std::chrono::duration<double> at = cluster_.scheduler().now() - begun_;
  fmt::print("{:11.6f} {}\n", at.count(), text);
}

std::string TraceWriter::name_of(const std::string& host) const {
  const std::string name = cluster_.name_at(host);
  return name.empty() ? host : name;
}

void TraceWriter::on_start(const std::string& member, const MonitorStart& start) {
  const Position applied = start.log ? start.log->applied : Position{};
  line(fmt::format("{} starts: id {} start {} promised {} applied {} accepted {}{}", member,
                   to_string(start.identity.id).substr(0, 4), start.identity.start_count, text(start.identity.promised),
                   text(applied), start.log ? start.log->accepted.size() : 0, start.is_marked ? ", syncing" : ""));
}

void TraceWriter::on_end(const std::string& member, EndOfLife how) {
  const char* text = how == EndOfLife::killed ? "is killed" : how == EndOfLife::power_cut ? "loses power" : "exits";
  line(fmt::format("{} {}", member, text));
}

void TraceWriter::on_written(const std::string& member, const WriteJob& job, const Status& status) {
  std::string what;
  if (job.identity) what += " identity";
  for (const synod::StoreWrite& write : job.writes) {
    if (const auto* put = std::get_if<PutEntry>(&write)) {
      what += fmt::format(" put {}@{}", text(put->entry.position()), text(put->entry.pn));
    } else if (const auto* erase = std::get_if<EraseEntries>(&write)) {
      what += fmt::format(" erase {}..{}", erase->from.value(), erase->to.value());
    } else if (const auto* apply = std::get_if<ApplyEntry>(&write)) {
      what += fmt::format(" apply {}", apply->position.version.value());
    } else {
      what += " local";
    }
  }
  const char* how = job.durability == Durability::durable ? "durably" : "visibly";
  line(fmt::format("{} wrote {}{}{}", member, how, what, status.is_ok() ? "" : ", FAILED: " + status.message()));
}

void TraceWriter::on_sync_event(const std::string& member, const SyncEvent& event) {
  line(fmt::format("{} {}", cluster_.monitor(member).trace_prefix(), to_string(event)));
}

void TraceWriter::on_sent(const std::string& from_host, const std::string& to_host, const Received& frame) {
  line(fmt::format("{} -> {} {}", name_of(from_host), name_of(to_host), describe(frame.message)));
}

}  // namespace synod::sim
