// Requests that the leader alone answers and that are not logged: to hand leadership over, and what came of it; and to
// scrub.
#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "mon/core/requests.h"

namespace synod {

void Requests::pump_transfers(TimePoint now, const View& view, Output& out) {
  if (handing_over_) follow_hand_over(*view.paxos, out);
  if (!view.paxos->is_leader()) return;
  while (!transfers_.empty() && !handing_over_) {
    Pending& pending = transfers_.front();
    const Status begun = view.paxos->hand_over_to(now, std::get<TransferRequest>(pending.request.body).name, out);
    if (begun.code() == Code::exhausted) return;  // when the one that is under way has ended
    if (begun.is_ok()) {
      handing_over_ = HandingOver{std::move(pending), view.paxos->leader_pn()};
    } else {
      fail(pending, begun.code(), begun.message(), out);
    }
    transfers_.pop_front();
  }
}

void Requests::answer_scrubs(const View& view, Output& out) {
  for (const Pending& pending : std::exchange(scrubs_, {})) {
    Result<ScrubReply> reply = view.scrub(std::get<ScrubRequest>(pending.request.body));
    answer(pending, reply ? ClientReply{0, Status::ok(), *std::move(reply)} : ClientReply{0, reply.error(), {}}, out);
  }
}

void Requests::follow_hand_over(const Paxos& paxos, Output& out) {
  const Pending& pending = handing_over_->pending;
  const std::string& name = std::get<TransferRequest>(pending.request.body).name;
  const ProposalNumber leads = paxos.leader_pn();
  SYNOD_ASSERT(!leads || leads >= handing_over_->pn,
               "I-3: no leader is followed under a pn below one that was promised");
  if (!leads || (leads == handing_over_->pn && paxos.is_handing_over())) return;
  const Member* target = paxos.monmap().find_name(name);
  const Member* leader = paxos.monmap().find(leads.member);
  SYNOD_ASSERT(target != nullptr && leader != nullptr, "I-1: leadership goes from one listed member to another");
  if (leads == handing_over_->pn) {
    fail(pending, Code::refused, fmt::format("{} did not become level in time; {} leads on", name, leader->name), out);
  } else if (target != leader) {
    fail(pending, Code::refused, fmt::format("{} was elected instead of {}", leader->name, name), out);
  } else {
    answer(pending, ClientReply{0, Status::ok(), TransferReply{name}}, out);
  }
  handing_over_.reset();
}

}  // namespace synod
