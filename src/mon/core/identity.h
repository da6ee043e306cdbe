// What a member must never forget, and what says who it is. Kept outside of the store, twice (store/data_dir.h);
// doc/protocol.md, invariant I-4.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "msg/messages.h"

namespace synod {

struct Identity {
  MemberId id;
  std::string name;
  uint64_t start_count = 0;  // how often this directory was started
  FormationState formation = FormationState::fresh;
  Bytes monmap;             // encoded; the one it was prepared or formed with. Empty while fresh
  ProposalNumber promised;  // the highest promise; an acceptance promises too, so the log may know a higher one

  // Changes only together with the format number in it.
  Bytes encode() const;
  static Result<Identity> decode(ByteView bytes);

  friend bool operator==(const Identity&, const Identity&) = default;
};

}  // namespace synod
