// The key-value service: what clients' requests mean, with etcd's revision semantics (its API documentation, "Data
// model rules"). The store's revision is 1 at first; each request that changes something adds one, whatever the number
// of its operations; an erase that finds no key changes nothing.
//
// Keys in the replicated space: "kv/k/" + the user's key, and "kv/revision".
// Functions on the store's reader; never on the event loop.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/status.h"
#include "mon/service/draft.h"
#include "msg/messages.h"
#include "store/monitor_store.h"

namespace synod {

inline constexpr ByteView kv_key_prefix = "kv/k/";
inline constexpr ByteView kv_revision_key = "kv/revision";  // put_fixed64

// What is stored under a user's key: the three numbers, 8 bytes each, then the value.
struct KvRecord {
  uint64_t create_revision = 0;
  uint64_t mod_revision = 0;
  uint64_t version = 0;
  ByteView value;

  Bytes encode() const;
  static Result<KvRecord> decode(ByteView bytes);  // the value refers into `bytes`
};

// What the request does, added to the value; errors are the disk's.
Result<WriteReply> write_keys(Draft& draft, const WriteRequest& request);

// The keys of the range, up to its limit, and up to `max_bytes` of keys and values but at least one.
Result<RangeReply> read_range(const ReplicatedReader& reader, const RangeRequest& request, size_t max_bytes);

}  // namespace synod
