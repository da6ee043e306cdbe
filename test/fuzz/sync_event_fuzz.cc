// A line of a sync's trace, as its checker reads it from the log of a member.
#include "base/assert.h"
#include "mon/core/sync/sync_event.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<SyncEvent> event = parse_sync_event(input);
  if (!event) {
    SYNOD_ASSERT(event.error().code() == Code::invalid_argument, "a line that is no event is called so");
    return;
  }
  SYNOD_ASSERT(is_sync_event(input), "what is an event looks like one");
  SYNOD_ASSERT(to_string(*event) == input, "there is one way to write an event");
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> lines;
  for (size_t i = 0; i < sync_event_kinds; ++i) {
    SyncEvent event;
    event.kind = static_cast<SyncEventKind>(i);
    event.cookie = uint64_t{0x2a} << i;
    event.peer = "b";
    event.leader = "a name\n";
    event.version = Version(17);
    event.sequence = 18446744073709551615U;
    event.digest.bytes[3] = 0xab;
    event.reason = "it is over: \t\x01 caf\xc3\xa9 ";
    lines.push_back(to_string(event));
  }
  return lines;
}

}  // namespace synod::fuzz
