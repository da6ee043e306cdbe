// What the clients of a run did and saw: the input of the checkers in this folder.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "msg/messages.h"

namespace synod::sim {

// One operation on one key. Several operations of one atomic write, or of one read of a range, share `request`, the
// interval and the revision.
struct Operation {
  enum class Kind : uint8_t { put, erase, get };
  // done: answered. failed: certainly without effect. maybe: takes effect at any time after `invoked`, or never.
  enum class Outcome : uint8_t { done, failed, maybe };
  static constexpr uint64_t never = std::numeric_limits<uint64_t>::max();

  uint64_t request = 0;
  uint64_t client = 0;
  Kind kind = Kind::get;
  Bytes key;
  Bytes value;  // put: what it writes, unique among all puts of a history; get: what it returned, if `found`
  // Places in the order of all events of the run: one operation precedes another if it was answered before the other
  // was invoked. `responded` is `never` for a maybe.
  uint64_t invoked = 0;
  uint64_t responded = never;
  TimePoint invoked_at;  // for people
  TimePoint responded_at;
  Outcome outcome = Outcome::maybe;
  Consistency consistency = Consistency::linearizable;  // get
  // What the answer told; of an operation that is not done, nothing.
  bool found = false;         // get, erase: the key existed
  uint64_t version = 0;       // put, get: of the key, after the operation; 0: not told
  uint64_t mod_revision = 0;  // get: of the key; 0: not told
  uint64_t revision = 0;      // the store's, after the request; 0: not told

  bool is_done() const { return outcome == Outcome::done; }
  bool is_put() const { return kind == Kind::put; }
  bool is_get() const { return kind == Kind::get; }
};

// One line: who, what, when and with which answer.
std::string describe(const Operation& operation);

// The answer of a checker. Only `good` is a pass: a history that could not be decided within the bounds proves nothing.
struct Verdict {
  enum class Kind : uint8_t { good, violation, undecided };
  Kind kind = Kind::good;
  std::string explanation;  // several lines; empty if good

  bool is_good() const { return kind == Kind::good; }
  static Verdict violation(std::string explanation) { return {Kind::violation, std::move(explanation)}; }
};

// Records a run in the order of its events. Not thread safe.
class History {
 public:
  // A client begins a request, whatever the number of its retries will be; the result names it. REQUIRES: the values
  // of all puts of a history are different.
  uint64_t invoke(TimePoint now, uint64_t client, const ClientRequest& request);
  // The client got the final answer. To be left out when the client gives up. A read of a range tells of each key in
  // it that some write of this history has named before, present or absent.
  // REQUIRES: `request` was invoked and not yet answered; an ok reply has the body that belongs to it.
  void respond(TimePoint now, uint64_t request, const ClientReply& reply);

  // Writes from their invocation on, reads once they are answered.
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  struct Open {
    Operation common;
    std::vector<size_t> writes;  // indexes of operations_
    RangeRequest range;
  };
  void add_reads(const Open& open, const RangeReply& reply);

  std::vector<Operation> operations_;
  std::map<uint64_t, Open> open_;
  std::set<Bytes> written_keys_;
  uint64_t last_event_ = 0;
  uint64_t last_request_ = 0;
};

}  // namespace synod::sim
