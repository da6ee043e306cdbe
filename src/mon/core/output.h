// The Monitor's input and output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mon/core/consensus/effects.h"
#include "mon/core/sync/sync_event.h"
#include "mon/core/tasks.h"

namespace synod {

// ---- in

// A message of another member, or of the member to itself.
struct PeerMessage {
  Source source;
  Message message;
};
// A client's request; `token` names the connection and is echoed with the answer.
struct RequestReceived {
  uint64_t token = 0;
  ClientRequest request;
};
// The link to a member came up or went down.
struct PeerConnected {
  MemberId member;
};
struct PeerDisconnected {
  MemberId member;
};
// All writes up to `durable_step` are durable, and those up to `visible_step` can be read.
struct StoreProgress {
  uint64_t visible_step = 0;
  uint64_t durable_step = 0;
};
struct TaskDone {
  uint64_t task = 0;
  TaskResult result;
};
struct Tick {};

using Input =
    std::variant<PeerMessage, RequestReceived, PeerConnected, PeerDisconnected, StoreProgress, TaskDone, Tick>;

// ---- out

struct TaskRequest {
  uint64_t id = 0;
  Task task;
};
struct Answer {
  uint64_t token = 0;
  ClientReply reply;
};
struct ExitRequest {
  int code = 0;  // of exit_codes.h
  std::string reason;
};

// Performed by the executor in this order: persist (identity, then writes), send, run tasks, answer, publish.
struct Output : Effects {
  uint64_t step = 0;              // numbers the outputs
  std::optional<Bytes> identity;  // as Effects::promise, for all of the identity; the Monitor fills it in for both
  std::optional<Probe> probe;     // to every address
  std::vector<TaskRequest> tasks;
  std::vector<Answer> answers;
  std::optional<std::vector<std::string>> addresses;  // to be connected to, from now on
  std::optional<ExitRequest> exit;
  // For the trace, which has them before anything of the above is done: what a peer gets is in it, whenever this ends.
  std::vector<SyncEvent> sync_events;

  void emit(SyncEvent event) { sync_events.push_back(std::move(event)); }
};

}  // namespace synod
