// The compact form of each message in a transcript.
#include <fmt/format.h>

#include "base/escape.h"
#include "test/script/names.h"

namespace synod::script {
namespace {

// Members number what they ask from the number of their start on, in its upper half.
uint64_t in_its_life(uint64_t id) { return id & 0xffffffff; }

class Describer {
 public:
  explicit Describer(Names& names) : names_(names) {}

  std::string operator()(const Propose& m) { return fmt::format("{} committed {}", pn(m.pn), m.committed.value()); }
  std::string operator()(const ProposeReply& m) {
    return fmt::format("{} {}, promised {}", pn(m.pn), m.granted ? "yes" : "no", pn(m.promised));
  }
  std::string operator()(const Collect& m) { return fmt::format("{} committed {}", pn(m.pn), at(m.committed)); }
  std::string operator()(const Last& m) {
    return fmt::format("{} log from {} committed {} accepted{}", pn(m.pn), m.first.value(), at(m.committed),
                       entries(m.accepted));
  }
  std::string operator()(const Refuse& m) { return fmt::format("{} promised {}", pn(m.pn), pn(m.promised)); }
  std::string operator()(const Begin& m) { return fmt::format("{} committed {}", names_.of(m.entry), at(m.committed)); }
  std::string operator()(const Accept& m) { return fmt::format("{} {}", pn(m.pn), at(m.position)); }
  std::string operator()(const Gap& m) { return fmt::format("{} go on after {}", pn(m.pn), at(m.position)); }
  std::string operator()(const Commit& m) { return fmt::format("{} {}", pn(m.pn), at(m.committed)); }
  std::string operator()(const Lease& m) {
    return fmt::format("{} number {} committed {} log from {} quorum {}", pn(m.pn), m.sequence, at(m.committed),
                       m.first.value(), names_.of(m.quorum));
  }
  std::string operator()(const LeaseAck& m) {
    return fmt::format("{} number {} at {} committed {}", pn(m.pn), m.sequence, at(m.position), at(m.committed));
  }
  std::string operator()(const Fetch& m) { return fmt::format("{}..{}", m.from.value(), m.to.value()); }
  std::string operator()(const Entries& m) {
    return fmt::format("log from {}, wanted {}:{}", m.first.value(), m.wanted.value(), entries(m.entries));
  }
  std::string operator()(const SyncStart& m) {
    std::string text =
        fmt::format("{} committed {}{}", names_.of(m.cookie), m.committed.value(), m.is_delta ? ", for a delta" : "");
    if (m.resume) {
      text += fmt::format(", goes on with a copy of {}..{}, {}", at(m.resume->base), at(m.resume->highest),
                          m.resume->has_all_keys ? "all keys, log to " + at(m.resume->replayed) : "some keys");
    }
    return text;
  }
  std::string operator()(const HoldTrim& m) {
    return fmt::format("{} for {} from {}", names_.of(m.cookie), names_.of(m.requester), m.version.value());
  }
  std::string operator()(const SyncRanges& m) {
    std::string text = fmt::format("{} number {}, up to", names_.of(m.cookie), m.sequence);
    for (const SyncRange& range : m.ranges) text += range.last_key.empty() ? " the end" : " " + escape(range.last_key);
    return text;
  }
  std::string operator()(const SyncDiffering& m) {
    std::string text = fmt::format("{} number {},", names_.of(m.cookie), m.sequence);
    for (const DifferingRange& range : m.ranges) {
      text += fmt::format(" range {} of {} keys,", range.index, range.fingerprints.size() / sizeof(uint64_t));
    }
    return m.ranges.empty() ? text + " nothing" : text.substr(0, text.size() - 1);
  }
  std::string operator()(const SyncChunk& m) {
    std::string text = fmt::format("{} number {}{}, {} keys of version {}", names_.of(m.cookie), m.sequence,
                                   m.is_last ? " (last)" : "", m.keys, at(m.cursor.highest));
    if (m.ranges != 0) text += fmt::format(", for ranges {}, {} erased or put again", m.ranges, m.erased.size());
    return text;
  }
  std::string operator()(const SyncAck& m) { return fmt::format("{} number {}", names_.of(m.cookie), m.sequence); }
  std::string operator()(const SyncAbort& m) {
    return fmt::format("{}: {}", names_.of(m.cookie), names_.in(m.reason.message()));
  }
  std::string operator()(const Forward& m) { return fmt::format("{}: {}", in_its_life(m.id), describe(m.request)); }
  std::string operator()(const ForwardReply& m) {
    return fmt::format("{}: {}", in_its_life(m.id), names_.in(describe(m.reply)));
  }
  // What scripts do not look into.
  template <class Other>
  std::string operator()(const Other&) {
    return "";
  }

 private:
  std::string pn(const ProposalNumber& number) { return names_.of(number); }
  std::string at(const Position& position) { return names_.of(position); }
  std::string entries(const std::vector<LogEntry>& all) {
    std::string text;
    for (const LogEntry& entry : all) text += " " + names_.of(entry);
    return text.empty() ? " nothing" : text;
  }

  Names& names_;
};

}  // namespace

std::string describe(const Message& message, Names& names) {
  const std::string details = std::visit(Describer(names), message);
  return message_name(message) + (details.empty() ? "" : " " + details);
}

}  // namespace synod::script
