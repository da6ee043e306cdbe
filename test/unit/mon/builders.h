// Short ways to write what the tests of the core write often: members, proposal numbers, values, histories.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "mon/core/monmap.h"
#include "mon/core/options.h"
#include "store/monitor_store.h"

namespace synod::test {

inline constexpr MemberId a{1};
inline constexpr MemberId b{2};
inline constexpr MemberId c{3};
inline constexpr MemberId d{4};
inline constexpr MemberId e{5};
inline constexpr MemberId stranger{99};

inline const Fsid fsid{{1, 2, 3}};

inline ProposalNumber pn(uint64_t round, MemberId member) { return {round, member}; }
inline Position genesis() { return {Version(0), genesis_hash(fsid)}; }

// The first `size` of a, b, c, d, e as voters.
inline Monmap monmap_of(size_t size) {
  Monmap monmap{fsid, 1, {}};
  for (size_t i = 0; i < size; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    monmap.members.push_back({name, MemberId(i + 1), fmt::format("host-{}:{}", name, 1000 + i), MemberRole::voter});
  }
  return monmap;
}

// An encoded transaction that puts `text` under one key.
inline SharedBytes value(const std::string& text) {
  ReplicatedTransaction transaction;
  transaction.put("key", SharedBytes(text));
  return SharedBytes(transaction.encode());
}
inline LogEntry entry_on(const Position& below, const ProposalNumber& number, const std::string& text) {
  return make_log_entry(below, number, value(text));
}
inline LogEntry under(LogEntry entry, const ProposalNumber& number) {
  entry.pn = number;
  return entry;
}

// The same values, one on the other, as versions 1..count.
inline std::vector<LogEntry> history(uint64_t count, const ProposalNumber& number, const std::string& prefix = "v") {
  std::vector<LogEntry> entries;
  Position top = genesis();
  for (uint64_t version = 1; version <= count; ++version) {
    entries.push_back(entry_on(top, number, prefix + std::to_string(version)));
    top = entries.back().position();
  }
  return entries;
}

// A log that a few dozen values leave behind, and syncs in pieces of this size.
inline CoreOptions soon_trimmed(uint64_t chunk_bytes) {
  CoreOptions options;
  options.log_retain_versions = 10;
  options.log_trim_min = 5;
  options.sync_chunk_bytes = chunk_bytes;
  return options;
}

// A log that holds nothing yet.
inline LogState empty_log() { return {genesis(), Version(1), Version(), {}, {}}; }
// A log that has committed the first `committed` entries and accepted the others.
inline LogState log_with(const std::vector<LogEntry>& entries, size_t committed, Version first = Version(1)) {
  LogState state = empty_log();
  state.first = first;
  if (committed > 0) state.applied = entries[committed - 1].position();
  state.accepted.assign(entries.begin() + static_cast<std::ptrdiff_t>(committed), entries.end());
  return state;
}

// "put 2 under 3.b", "erase 2..4", "apply 1", one for each write; erase without its end.
inline std::vector<std::string> describe(const StoreWrites& writes) {
  std::vector<std::string> lines;
  for (const StoreWrite& write : writes) {
    if (const auto* put = std::get_if<PutEntry>(&write)) {
      lines.push_back(fmt::format("put {} under {}.{}", put->entry.version.value(), put->entry.pn.round,
                                  static_cast<char>('a' + put->entry.pn.member.value() - 1)));
    } else if (const auto* erase = std::get_if<EraseEntries>(&write)) {
      lines.push_back(fmt::format("erase {}..{}", erase->from.value(), erase->to.value()));
    } else if (const auto* apply = std::get_if<ApplyEntry>(&write)) {
      lines.push_back(fmt::format("apply {}", apply->position.version.value()));
    } else if (const auto* local = std::get_if<PutLocal>(&write)) {
      lines.push_back("put local " + local->key);
    } else if (const auto* open = std::get_if<OpenScrub>(&write)) {
      lines.push_back(fmt::format("open scrub {}", open->point.version.value()));
    } else {
      lines.push_back("erase local " + std::get<EraseLocal>(write).key);
    }
  }
  return lines;
}

}  // namespace synod::test
