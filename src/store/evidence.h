// The store that a repair has left, kept so that one can see what was wrong with it: DIR/evidence, a LevelDB database
// by itself. There is one at most, the newest.
//
//   DIR/evidence.of   the name of the store that is to be kept, written before it is left
#pragma once

#include <string>

#include "base/status.h"
#include "store/file_system.h"

namespace synod {

// `store` is kept once it is not the current one any more. Durable when it returns.
Status want_evidence(FileSystem& files, const std::string& dir, const std::string& store);
// If a store that is to be kept was left, it is the evidence when this returns, durably, in place of what was there
// before. To be called before anything else removes stores; a crash in it is made up for by the next call.
Status settle_evidence(FileSystem& files, const std::string& dir);

// Whether this is no data directory but a store, as the evidence is.
bool is_bare_store(FileSystem& files, const std::string& dir);

}  // namespace synod
