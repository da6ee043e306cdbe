// Turns a batch of requests into the next value and their answers, at the leader: requests that belong to a session go
// through its record, and what is to be done goes to the key-value service.
//
// Used by one thread, the store's reader.
#pragma once

#include "mon/core/tasks.h"
#include "mon/service/draft.h"
#include "mon/service/session_service.h"

namespace synod {

class Evaluator {
 public:
  explicit Evaluator(SessionLimits limits = {}) : limits_(limits) {}

  // Errors are the disk's; a request that is refused has a reply that says so.
  Result<Evaluated> evaluate(const ReplicatedReader& reader, const EvaluateTask& task);

 private:
  Result<ClientReply> evaluate_request(Draft& draft, const OpenSessionRequest& request) const;
  Result<ClientReply> evaluate_request(Draft& draft, const WriteRequest& request) const;

  SessionLimits limits_;
  InFlight in_flight_;
};

// An answer as a session keeps it.
Bytes encode_answer(const WriteReply& reply);
Result<WriteReply> decode_answer(ByteView bytes);

}  // namespace synod
