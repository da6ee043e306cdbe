// How positions and log entries are stored. doc/store.md has the formats byte by byte.
#pragma once

#include "base/log_entry.h"
#include "base/status.h"
#include "store/key_value_db.h"

namespace synod {

// The value of applied_key.
Bytes encode_position(const Position& position);
// Fails with `corruption`.
Result<Position> decode_position(ByteView bytes);

// Keys of the log space: they sort as their versions do.
Bytes log_key(Version version);

// The value under log_key(entry.version).
Bytes encode_entry(const LogEntry& entry);
// Verifies that the hash is the one of predecessor, version and value, and fails with `corruption`, naming the version.
Result<LogEntry> decode_entry(ByteView key, ByteView stored);

// Adds the put that numbers a batch.
void add_sequence(DbBatch& batch, uint64_t sequence);

}  // namespace synod
