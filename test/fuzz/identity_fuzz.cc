// The record of identity and promise, as it stands in the twin file.
#include "base/assert.h"
#include "mon/core/identity.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<Identity> identity = Identity::decode(input);
  if (identity) SYNOD_ASSERT(identity->encode() == input, "an identity has one stored form");
}

std::vector<Bytes> seeds() {
  Identity fresh;
  fresh.id = MemberId(0x0123456789abcdef);
  fresh.name = "a";
  Identity formed = fresh;
  formed.start_count = 12;
  formed.formation = FormationState::formed;
  formed.monmap = Bytes("an encoded monmap\0", 18);
  formed.promised = {9, MemberId(3)};
  return {fresh.encode(), formed.encode()};
}

}  // namespace synod::fuzz
