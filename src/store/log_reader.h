// Reads the log of a store and verifies it. One iterator gives one consistent view.
#pragma once

#include <vector>

#include "store/monitor_store.h"

namespace synod {

// The value of a key; nothing if there is none. Moves the iterator.
Result<std::optional<Bytes>> find(DbIterator& iterator, KeySpace space, ByteView key);

// `not_found` if the store has none: it was never initialized, or is half filled.
Result<Position> read_applied(DbIterator& iterator);

// The number of the latest batch; zero if no batch was numbered.
Result<uint64_t> read_sequence(DbIterator& iterator);

// MonitorStore::load_log, on a view of the whole database.
Result<LogState> read_log_state(DbIterator& iterator);

// MonitorStore::read_entries. The entries follow each other without a gap and chain, or it fails with `corruption`.
Result<std::vector<LogEntry>> read_log(DbIterator& iterator, Version from, Version to, size_t max_bytes);

}  // namespace synod
