// The monmap: the versioned member list, and the majorities that it defines. Plain data.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"

namespace synod {

enum class MemberRole : uint8_t { voter = 1, learner = 2 };

struct Member {
  std::string name;
  MemberId id;
  std::string address;  // HOST:PORT
  MemberRole role = MemberRole::voter;

  friend bool operator==(const Member&, const Member&) = default;
};

struct Monmap {
  Fsid fsid;
  uint64_t epoch = 0;           // 1 at formation, plus one with each change
  std::vector<Member> members;  // in the order of their ranks

  const Member* find(MemberId id) const;
  const Member* find_name(const std::string& name) const;
  bool is_voter(MemberId id) const;
  size_t voter_count() const;
  size_t majority() const { return voter_count() / 2 + 1; }
  // True if those of `ids` that are voters make a majority.
  bool is_majority(const std::set<MemberId>& ids) const;

  // The same bytes on every member, since they are part of the replicated state.
  Bytes encode() const;
  static Result<Monmap> decode(ByteView bytes);

  friend bool operator==(const Monmap&, const Monmap&) = default;
};

// The list on the command line: where to look for members, and whom to form a cluster with.
struct InitialMember {
  std::string name;
  std::string address;

  friend bool operator==(const InitialMember&, const InitialMember&) = default;
};

// NAME=HOST:PORT,... Fails with one sentence on an empty or repeated name, a repeated address, or a malformed part.
Result<std::vector<InitialMember>> parse_initial_members(const std::string& text);
// Two lists have the same digest if they are equal, order included.
uint64_t digest_of(const std::vector<InitialMember>& members);

}  // namespace synod
