// Clients' requests on their way: waiting for a leader, passed on to it, being evaluated, in flight as part of a value,
// waiting for a read index, or reading. Each is answered exactly once, before its deadline, by the truth: done,
// certainly not done, or unknown. Pure; used by one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "mon/core/consensus/paxos.h"
#include "mon/core/options.h"
#include "mon/core/output.h"

namespace synod {

// Who is to be answered: an own client's connection, or another member that passed the request on.
struct ClientOrigin {
  uint64_t token = 0;
};
struct ForwardOrigin {
  MemberId member;
  uint64_t id = 0;
};
using Origin = std::variant<ClientOrigin, ForwardOrigin>;

class Requests {
 public:
  // Starts a task and returns its number.
  using RunTask = std::function<uint64_t(Task)>;
  // What the requests need to know of the member at this moment.
  struct View {
    TimePoint now;
    Paxos* paxos = nullptr;  // null: this member takes no part now
    Version visible;         // applied, and readable in the store
    bool has_data = false;   // serializable reads can be served
    bool is_leader_connected = false;
    LogChange change;                        // of the log, with the next value
    Duration admission_delay{};              // of a leader: so long after one value the next one is computed
    std::function<std::string()> waits_for;  // one sentence, for the answer to whoever waited in vain
    std::function<Result<ScrubReply>(const ScrubRequest&)> scrub;  // at the leader
  };

  // No leadership of this process life has a pn up to `promised`. What this life asks of other members it numbers above
  // what all lives before it did: an answer to one of those may still come.
  explicit Requests(const CoreOptions& options, ProposalNumber promised = {}, uint64_t start_count = 0)
      : options_(options),
        promised_at_start_(promised),
        last_index_(start_count << 32),
        last_forward_(start_count << 32) {}

  void on_request(TimePoint now, const Origin& origin, ClientRequest request, Output& out);
  // How far a linearizable read has to see: asked of the leader, and its answer.
  void on_read_index(MemberId from, uint64_t id) { index_asks_[from] = std::max(index_asks_[from], id); }
  void on_read_index_reply(MemberId from, const ReadIndexReply& reply);
  // What another member passes on. A copy that comes again, as may happen when a network repeats itself or a connection
  // was lost, is dropped: the first one is answered.
  void on_forward(TimePoint now, const Source& source, Forward forward, Output& out);
  void on_forward_reply(TimePoint now, MemberId from, ForwardReply reply, Output& out);
  // True if the task was one of these.
  bool on_task_done(uint64_t task, TaskResult& result, const View& view, Output& out);
  void on_chosen(TimePoint now, const std::vector<LogEntry>& chosen, Output& out);
  // The mean time from proposing a value to its being chosen, of those that were since the last call; zero: none was.
  Duration take_commit_time();
  void on_peer_lost(MemberId member, Output& out);
  // Something waits here that pump() may be able to move on.
  bool is_waiting() const {
    return !writes_.empty() || !reads_.empty() || !index_asks_.empty() || !transfers_.empty() || !scrubs_.empty() ||
           handing_over_;
  }
  // Moves on whatever can move. Called after every step at which something waits, or the trim floor may move.
  void pump(TimePoint now, const View& view, Output& out, const RunTask& run);
  // Answers those whose time is up.
  void expire(TimePoint now, const View& view, Output& out);

  size_t count() const { return count_; }
  void check_invariants() const;

 private:
  struct Pending {
    Origin origin;
    ClientRequest request;
    TimePoint deadline;
    TimePoint not_before;  // of the next attempt to pass it on
    size_t bytes = 0;
    // Of a linearizable read: what must be visible first, or zero while it is not known; and the read index that was
    // asked for after the read had arrived, or zero.
    Version required = {};
    uint64_t index = 0;
    // Decided by the log.
    bool is_write() const {
      return std::holds_alternative<WriteRequest>(request.body) ||
             std::holds_alternative<OpenSessionRequest>(request.body);
    }
    bool is_read() const { return std::holds_alternative<RangeRequest>(request.body); }
    bool is_scrub() const { return std::holds_alternative<ScrubRequest>(request.body); }
    bool is_serializable() const {
      return is_read() && std::get<RangeRequest>(request.body).consistency == Consistency::serializable;
    }
  };
  // The one read index that is asked for now.
  struct IndexAsked {
    uint64_t id;
    MemberId leader;
    TimePoint again_at;
  };
  struct HandingOver {
    Pending pending;
    ProposalNumber pn;  // given up
  };
  struct Evaluating {
    uint64_t task;
    std::vector<Pending> requests;
  };
  struct InFlight {
    Position position;
    TimePoint proposed;
    std::vector<Pending> requests;
    std::vector<ClientReply> replies;
  };
  struct Forwarded {
    MemberId leader;
    Pending pending;
  };

  Status check(const ClientRequest& request) const;
  Status check_write(const WriteRequest& write) const;
  void answer(const Pending& pending, ClientReply reply, Output& out);
  void fail(const Pending& pending, Code code, const std::string& why, Output& out);
  std::deque<Pending>& queue_of(const Pending& pending);

  // requests_reads.cc
  void pump_reads(TimePoint now, const View& view, Output& out, const RunTask& run);
  void ask_read_index(TimePoint now, MemberId leader, Output& out);
  void answer_read_indexes(TimePoint now, const Paxos& paxos, Output& out);

  // requests_transfer.cc
  void pump_transfers(TimePoint now, const View& view, Output& out);
  void follow_hand_over(const Paxos& paxos, Output& out);
  void answer_scrubs(const View& view, Output& out);

  void start_evaluation(const View& view, const RunTask& run);
  void pass_on(TimePoint now, std::deque<Pending>& queue, const ProposalNumber& leader, Output& out);
  void refuse_passed_on(std::deque<Pending>& queue, Output& out);
  void on_evaluated(Evaluated& evaluated, const View& view, Output& out);
  void give_up(std::deque<Pending>& queue, TimePoint now, const std::string& why, Output& out);

  // The latest that a process life of a member has passed on.
  struct LastForward {
    uint64_t start_count = 0;
    uint64_t id = 0;
  };

  CoreOptions options_;
  ProposalNumber promised_at_start_;
  std::map<MemberId, LastForward> forwards_seen_;
  std::deque<Pending> writes_;  // waiting
  std::deque<Pending> reads_;   // waiting
  std::optional<IndexAsked> asked_;
  uint64_t last_index_;
  std::map<MemberId, uint64_t> index_asks_;  // as leader: the latest of each member
  std::deque<Pending> transfers_;            // waiting
  std::deque<Pending> scrubs_;               // waiting
  std::optional<HandingOver> handing_over_;
  std::optional<Evaluating> evaluating_;
  TimePoint evaluated_;     // when the last evaluation began
  Duration commit_time_{};  // of all values that were chosen since it was taken, together
  int64_t commits_ = 0;
  std::deque<InFlight> in_flight_;
  std::map<uint64_t, Pending> running_reads_;  // by task
  std::map<uint64_t, Forwarded> forwarded_;    // by the number that this member gave
  uint64_t last_forward_;
  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace synod
