#include "base/log_entry.h"

#include <utility>

namespace synod {

ChainHash genesis_hash(const Fsid& fsid) {
  return Digester()
      .add("synod genesis")
      .add(ByteView(reinterpret_cast<const char*>(fsid.bytes.data()), fsid.bytes.size()))
      .finish();
}

ChainHash chain_hash(const ChainHash& predecessor, Version version, ByteView value) {
  return Digester().add(predecessor.view()).add(version.value()).add(value).finish();
}

LogEntry make_log_entry(const Position& predecessor, const ProposalNumber& pn, SharedBytes value) {
  LogEntry entry;
  entry.version = predecessor.version.next();
  entry.pn = pn;
  entry.predecessor = predecessor.hash;
  entry.hash = chain_hash(predecessor.hash, entry.version, value.view());
  entry.value = std::move(value);
  return entry;
}

}  // namespace synod
