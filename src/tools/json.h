// The JSON form of results. Keys and values are strings where they are UTF-8, and {"escaped": TEXT} with the text form
// of base/escape.h where they are not. Functions return one line without a newline.
#pragma once

#include <cstdint>
#include <string>

#include "client/client.h"
#include "msg/messages.h"

namespace synod {

// {"revision"}
std::string json_of_put(const WriteReply& reply);
// {"revision", "deleted"}: deleted is 0 or 1
std::string json_of_del(const WriteReply& reply);
// {"leader"}: the name of the one that leads now
std::string json_of_transfer(const TransferReply& reply);
// {"key", "value", "create_revision", "mod_revision", "version", "revision"}: revision is the store's
std::string json_of_get(const KeyValue& item, uint64_t revision);
// {"key", "value", "create_revision", "mod_revision", "version"}
std::string json_of_item(const KeyValue& item);
// {"items": [item...], "more", "revision"}: what stands before the items, which are parted by commas, and behind them
std::string json_before_items();
std::string json_after_items(const Client::Scanned& scanned);

struct ImportSummary {
  uint64_t keys = 0;
  uint64_t bytes = 0;     // of keys and values
  uint64_t lines = 0;     // all lines up to this one are committed
  uint64_t revision = 0;  // of the last batch
};
// {"keys", "bytes", "revision"}
std::string json_of_import(const ImportSummary& summary);

// {"version", "outcome", "members": [{"name", "outcome", "keys", "bytes", "digest", "differing_keys",
// "differing_count", "is_count_exact", "reason", "action"}...]}: outcome is as in scrub_outcome(), of all and of each;
// digest is null unless it is known; differing_keys are the first of those that differ, reason says why there is no
// digest, and action what the member has found and does about it.
std::string json_of_scrub(const ScrubReply& reply);

// {"fsid", "leader", "epoch", "quorum": [name...], "members": [{"name", "id", "address", "state", "first_committed",
// "last_committed", "sync", "alarm"}...], "holds": [{"owner", "version", "bytes", "age_ms", "ended",
// "blocks_trimming"}...], "answered_by", "state", "detail"}
//
// fsid is null until the cluster is formed, leader while none is known. A member's state is "unreachable" when it was
// not heard of lately; its versions are then the last known ones. sync is null, or {"provider", "chunks", "keys",
// "bytes", "version", "cookie", "percent", "bytes_per_second", "remaining_ms"}; percent and remaining_ms are null while
// they are not known. alarm is null, or what a scrub has found: of this member, or as leader of all. The last three are
// of the monitor that answered, and what it waits for. holds are those on trimming, for members that sync.
std::string json_of_status(const StatusReply& status);

}  // namespace synod
