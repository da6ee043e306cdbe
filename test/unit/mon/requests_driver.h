// Requests of one member on a real Paxos, driven by hand.
#pragma once

#include <gtest/gtest.h>

#include "mon/core/requests.h"
#include "test/unit/mon/paxos_driver.h"

namespace synod::test {

struct RequestsGiven {
  CoreOptions options = {};
  MemberId self = a;
  uint64_t start_count = 0;
};

// Requests of one member on a real Paxos; tasks wait until the test answers them.
struct RequestsDriver {
  explicit RequestsDriver(RequestsGiven given = {})
      : options(given.options),
        paxos({.options = given.options, .self = given.self}),
        requests(given.options, {}, given.start_count) {}

  void become_leader() {
    paxos.become_leader();
    sync();
  }
  void follow_b() {
    paxos.receive(b, Lease{pn(1, b), 1, genesis(), Version(1), {a, b}});
    paxos.forget_sent();
    is_leader_connected = true;
  }

  // ---- steps
  void request(uint64_t token, ClientRequest what) {
    step([&](Output& out) { requests.on_request(paxos.now(), ClientOrigin{token}, std::move(what), out); });
  }
  void forwarded(MemberId from, uint64_t id, ClientRequest what, uint64_t start_count = 1) {
    forwarded_under(paxos.paxos().leader_pn(), from, id, std::move(what), start_count);
  }
  void forwarded_under(ProposalNumber leader, MemberId from, uint64_t id, ClientRequest what, uint64_t start_count) {
    step([&](Output& out) {
      requests.on_forward(paxos.now(), {fsid, from, start_count}, {id, leader, std::move(what)}, out);
    });
  }
  void index_from(MemberId from, uint64_t id, const Position& committed) {
    step([&](Output&) { requests.on_read_index_reply(from, {id, committed}); });
  }
  void index_asked_by(MemberId from, uint64_t id) {
    step([&](Output&) { requests.on_read_index(from, id); });
  }
  void reply_from(MemberId from, uint64_t id, Status status) {
    step([&](Output& out) {
      requests.on_forward_reply(paxos.now(), from, {id, {0, std::move(status), WriteReply{}}}, out);
    });
  }
  void lose(MemberId peer) {
    is_leader_connected = false;
    step([&](Output& out) { requests.on_peer_lost(peer, out); });
  }
  void pass(Duration duration) {
    paxos.pass(duration);
    step([&](Output& out) { requests.expire(paxos.now(), view(), out); });
  }
  void tick() {
    step([](Output&) {});
  }
  // What became visible: everything that is committed.
  void make_visible() {
    visible = paxos.paxos().log().committed().version;
    tick();
  }
  // Completes the oldest task.
  void complete() {
    ASSERT_FALSE(tasks.empty());
    const auto [id, task] = tasks.front();
    tasks.erase(tasks.begin());
    TaskResult result = RangeDone{};
    if (const auto* evaluate = std::get_if<EvaluateTask>(&task)) {
      Evaluated done{evaluate->term, evaluate->version, value("v" + std::to_string(id)), {}};
      for (size_t i = 0; i < evaluate->requests.size(); ++i) {
        done.replies.push_back({0, std::exchange(refuse_next, Status::ok()), WriteReply{100 * id + i, {}}});
      }
      result = done;
    }
    step([&, number = id](Output& out) { EXPECT_TRUE(requests.on_task_done(number, result, view(), out)); });
  }
  // b accepts what it was sent.
  void commit() {
    paxos.accept_all(b);
    sync();
  }

  // ---- what came of it
  std::vector<Answer> answers_to(uint64_t token) const {
    std::vector<Answer> found;
    for (const Answer& answer : answers) {
      if (answer.token == token) found.push_back(answer);
    }
    return found;
  }
  // The code of the one answer; fails if there is none, or a second.
  Code code_of(uint64_t token) const {
    const std::vector<Answer> found = answers_to(token);
    EXPECT_EQ(found.size(), 1U) << "token " << token;
    return found.empty() ? Code::in_use : found.front().reply.status.code();
  }
  template <class T>
  size_t count() const {
    size_t found = 0;
    for (const auto& [id, task] : tasks) found += std::holds_alternative<T>(task);
    return found;
  }

  // Passes what Paxos has chosen on, and lets everything move.
  void sync() {
    step([&](Output& out) {
      const std::vector<LogEntry>& all = paxos.chosen();
      requests.on_chosen(paxos.now(), {all.begin() + static_cast<std::ptrdiff_t>(told), all.end()}, out);
      told = all.size();
    });
  }
  template <class Step>
  void step(const Step& what) {
    Output out;
    what(out);
    requests.pump(paxos.now(), view(), out, [&](Task task) {
      tasks.emplace_back(++last_task, std::move(task));
      return last_task;
    });
    for (Answer& answer : out.answers) answers.push_back(std::move(answer));
    requests.check_invariants();
    paxos.perform([&](Effects& effects) { effects = out; });
  }
  Requests::View view() {
    Requests::View view;
    view.now = paxos.now();
    view.paxos = takes_part ? &paxos.paxos() : nullptr;
    view.visible = visible;
    view.has_data = takes_part;
    view.is_leader_connected = is_leader_connected;
    view.waits_for = [] { return std::string("nobody leads"); };
    view.scrub = [this](const ScrubRequest& request) {
      scrubs.push_back(request.number);
      return scrub_reply;
    };
    return view;
  }

  CoreOptions options;
  PaxosDriver paxos;
  Requests requests;
  Version visible;
  bool takes_part = true;
  Status refuse_next;  // what the next evaluated request is answered
  bool is_leader_connected = false;
  std::vector<uint64_t> scrubs;  // that were asked for
  Result<ScrubReply> scrub_reply = ScrubReply();
  std::vector<std::pair<uint64_t, Task>> tasks;
  uint64_t last_task = 0;
  std::vector<Answer> answers;
  size_t told = 0;
};

inline ClientRequest put(const std::string& key = "k", const std::string& text = "v", uint32_t timeout_ms = 1000) {
  ClientRequest request;
  request.id = 11;
  request.timeout_ms = timeout_ms;
  request.body = WriteRequest{{{WriteOp::Type::put, key, SharedBytes(text)}}};
  return request;
}
inline ClientRequest read(Consistency consistency = Consistency::linearizable) {
  ClientRequest request;
  request.id = 12;
  request.timeout_ms = 1000;
  request.body = RangeRequest{"", "", 0, consistency};
  return request;
}

inline ClientRequest transfer(const std::string& name) {
  ClientRequest request;
  request.id = 13;
  request.timeout_ms = 5000;
  request.body = TransferRequest{name};
  return request;
}

// A leader whose first value is visible: it serves.
struct ServingDriver : RequestsDriver {
  explicit ServingDriver(CoreOptions given = {}) : RequestsDriver({given, a}) {
    become_leader();
    make_visible();
  }
};

}  // namespace synod::test
