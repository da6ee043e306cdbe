#include "mon/service/monmap_service.h"

namespace synod {

ReplicatedTransaction monmap_genesis(const Monmap& monmap) {
  ReplicatedTransaction state;
  state.put(Bytes(monmap_key), SharedBytes(monmap.encode()));
  return state;
}

}  // namespace synod
