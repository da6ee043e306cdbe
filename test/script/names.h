// What transcripts call things: members by name, proposal numbers "3.a", positions by version and value "2:x=1", other
// hexadecimal numbers (cookies, digests) "#1", "#2" in the order in which they appear. No hash is ever printed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/log_entry.h"
#include "msg/messages.h"

namespace synod::script {

class Names {
 public:
  void add(MemberId id, const std::string& name) { members_[id] = name; }

  std::string of(MemberId id) const;
  std::string of(const ProposalNumber& pn) const;  // "3.a", or "0"
  std::string of(const Position& position);        // "2:x=1"; "0" is the genesis; an unknown value is "?"
  std::string of(const LogEntry& entry);           // "2:x=1@3.a"
  std::string of(uint64_t cookie);                 // "#1"
  std::string of(const std::vector<MemberId>& members) const;
  // Replaces the hexadecimal numbers in a line of the trace.
  std::string in(const std::string& text);

 private:
  void learn(const LogEntry& entry);

  std::map<MemberId, std::string> members_;
  std::map<ChainHash, std::string> values_;
  std::set<std::string> taken_;  // labels: two histories that end alike differ by a mark
  std::map<std::string, std::string> numbers_;
  size_t last_number_ = 0;
};

// "x=1,-y", "empty", "trim to 5": what an encoded transaction does to the clients' keys, and to the trim floor.
std::string describe_value(const SharedBytes& value);
// "put x=1", "get x", "get x serializable".
std::string describe(const ClientRequest& request);
// "ok revision 2", "ok x=1", "unknown outcome: ...".
std::string describe(const ClientReply& reply);
// "begin 3.a 2:x=1 committed 1".
std::string describe(const Message& message, Names& names);

}  // namespace synod::script
