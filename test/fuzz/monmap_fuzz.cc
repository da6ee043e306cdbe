// The member list, from the store, from the identity, and from other monitors.
#include "base/assert.h"
#include "mon/core/monmap.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<Monmap> monmap = Monmap::decode(input);
  if (!monmap) return;
  SYNOD_ASSERT(monmap->encode() == input, "a monmap has one encoded form");
  std::set<MemberId> everybody;
  for (const Member& member : monmap->members) {
    everybody.insert(member.id);
    SYNOD_ASSERT(monmap->find(member.id) != nullptr, "a member is found by its id");
    SYNOD_ASSERT(monmap->find_name(member.name) != nullptr, "a member is found by its name");
  }
  SYNOD_ASSERT(!monmap->is_majority({}), "nobody is no majority");
  // Only of a list in which no id stands twice.
  if (everybody.size() == monmap->members.size() && monmap->voter_count() > 0) {
    SYNOD_ASSERT(monmap->is_majority(everybody), "all voters are a majority");
  }
}

std::vector<Bytes> seeds() {
  Monmap three;
  three.fsid.bytes.fill(7);
  three.epoch = 1;
  three.members = {{"a", MemberId(1), "10.0.0.1:7000", MemberRole::voter},
                   {"b", MemberId(2), "[::1]:7000", MemberRole::voter},
                   {"c", MemberId(3), "c.example:7000", MemberRole::learner}};
  return {Monmap{}.encode(), three.encode()};
}

}  // namespace synod::fuzz
