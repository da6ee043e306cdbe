// What holds between any two steps. Run after each of them in the simulator and in debug builds.
#include "base/assert.h"
#include "mon/core/requests.h"

namespace synod {

void Requests::check_invariants() const {
  size_t count = 0;
  size_t bytes = 0;
  auto add = [&](const Pending& pending) {
    ++count;
    bytes += pending.bytes;
  };
  for (const std::deque<Pending>* queue : {&writes_, &reads_, &transfers_, &scrubs_}) {
    for (const Pending& pending : *queue) add(pending);
  }
  if (evaluating_) {
    for (const Pending& pending : evaluating_->requests) add(pending);
  }
  for (const InFlight& value : in_flight_) {
    for (const Pending& pending : value.requests) add(pending);
    SYNOD_ASSERT(value.requests.size() == value.replies.size(), "I-18: each request in flight has its reply");
    SYNOD_ASSERT(value.position.version > Version(), "the genesis is not proposed");
  }
  for (const auto& [task, pending] : running_reads_) add(pending);
  for (const auto& [id, forwarded] : forwarded_) {
    add(forwarded.pending);
    SYNOD_ASSERT(id <= last_forward_, "what is passed on is numbered upwards");
    SYNOD_ASSERT(std::holds_alternative<ClientOrigin>(forwarded.pending.origin), "nothing is passed on twice");
    SYNOD_ASSERT(!forwarded.pending.is_read(), "a read is answered where it was asked");
  }
  if (handing_over_) add(handing_over_->pending);
  SYNOD_ASSERT(count == count_ && bytes == bytes_, "I-18: no request is lost, and none is counted twice");
  SYNOD_ASSERT(count <= options_.pending_requests_max && bytes <= options_.pending_bytes_max,
               "what waits here is bounded");
  SYNOD_ASSERT(!asked_ || asked_->id == last_index_, "I-16: the latest question is the open one");
  for (const Pending& pending : reads_) {
    SYNOD_ASSERT(pending.is_read() && pending.index <= last_index_, "I-16: no read waits for a question not asked");
  }
  SYNOD_ASSERT(!asked_ || asked_->leader, "I-16: a question goes to a leader");
  for (const Pending& pending : writes_) SYNOD_ASSERT(pending.is_write(), "only what the log decides is proposed");
  for (const Pending& pending : transfers_) {
    SYNOD_ASSERT(!pending.is_read() && !pending.is_write() && !pending.is_scrub(),
                 "a hand-over is neither read nor logged");
  }
  for (const Pending& pending : scrubs_) SYNOD_ASSERT(pending.is_scrub(), "what is asked of the leader is a scrub");
  SYNOD_ASSERT(!evaluating_ || evaluating_->requests.size() <= options_.batch_requests, "a value is bounded");
}

}  // namespace synod
