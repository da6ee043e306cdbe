// The two ends of a sync, each driven by hand, and a cluster of which one member needs one.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mon/core/sync/provider.h"
#include "mon/core/sync/requester.h"
#include "test/sim/check/sync/sync_order.h"
#include "test/sim/cluster.h"
#include "test/unit/mon/builders.h"

namespace synod::test {

inline constexpr uint64_t cookie = 42;

// What one end sent to one member, oldest first.
template <class T>
std::vector<T> sent_to(MemberId to, const Output& out) {
  std::vector<T> found;
  for (const Envelope& envelope : out.messages) {
    if (envelope.to == to && std::holds_alternative<T>(envelope.message))
      found.push_back(std::get<T>(envelope.message));
  }
  return found;
}

// As they are read from a snapshot at version 12.
inline ChunkRead a_chunk(uint64_t checksum = 1) {
  ChunkRead chunk;
  chunk.keys = 1;
  chunk.transaction = value("x");
  chunk.checksum = checksum;
  chunk.cursor.base.version = chunk.cursor.highest.version = Version(12);
  return chunk;
}
inline ChunkRead last_chunk() {
  ChunkRead chunk = a_chunk(2);
  chunk.is_last = chunk.cursor.has_all_keys = true;
  chunk.cursor.replayed = chunk.cursor.highest;
  chunk.digest = Digest{{9}};
  return chunk;
}

// The events of member a, while nothing is known of what the others do: each must be permitted. What the Monitor tells
// of a sync, the drivers tell.
class OneEnd {
 public:
  void begin(bool is_marked, uint64_t chunks) {
    judge({.kind = SyncEventKind::started, .start = 1, .is_marked = is_marked, .chunks = chunks});
  }
  void judge(SyncEvent event) {
    if (event.peer_id) event.peer = to_string(event.peer_id);
    if (event.leader_id) event.leader = to_string(event.leader_id);
    order_.on_event("a", event);
    EXPECT_EQ(order_.violation(), "");
  }
  void judge(const Output& out) {
    for (const SyncEvent& event : out.sync_events) judge(event);
  }

 private:
  sim::SyncOrder order_;
};

// Member a provides; the requester is b, the leader c unless a test says otherwise.
struct ProviderDriver {
  explicit ProviderDriver(CoreOptions given = {}) : options(given), provider(given) { events.begin(false, 0); }

  Output receive(MemberId from, const Message& message) {
    return step([&](Output& out) { provider.on_message(now, from, message, view, out, run()); });
  }
  // Of a task of the session for which the latest task ran.
  Output result(const TaskResult& what) { return result_for(tasks.empty() ? 0 : tasks.back().first, what); }
  Output result_for(uint64_t session, const TaskResult& what) {
    return step([&](Output& out) { provider.on_result(now, session, what, out, run()); });
  }
  Output tick() {
    return step([&](Output& out) { provider.tick(now, view, out, run()); });
  }
  Output start(MemberId from = b, uint64_t with = cookie) {
    return receive(from, SyncStart{with, Version(3), window, resume, is_delta});
  }
  Output hold_granted(Version first, uint64_t with = cookie, MemberId requester = b) {
    return hold({requester, with, TrimHold::State::held, first, 0, 0});
  }
  Output hold(const TrimHold& hold) {
    return step([&](Output& out) { provider.on_hold(hold, out, run()); });
  }
  // Up to the first chunk read, with the leader's hold.
  void open() {
    start();
    hold_granted(Version(11));
    result(SnapshotOpened{{Version(12), {}}});
  }
  template <class T>
  size_t count() const {
    size_t found = 0;
    for (const auto& [of, task] : tasks) found += std::holds_alternative<T>(task);
    return found;
  }

  template <class Step>
  Output step(const Step& what) {
    Output out;
    what(out);
    events.judge(out);
    return out;
  }
  SyncProvider::RunTask run() {
    return [this](uint64_t of, Task task) { tasks.emplace_back(of, std::move(task)); };
  }

  CoreOptions options;
  uint32_t window = 1;
  std::optional<SyncCursor> resume;
  bool is_delta = false;
  SyncProvider provider;
  OneEnd events;
  TimePoint now{std::chrono::hours(1)};
  SyncProvider::View view{Version(1), Version(10), c};
  std::vector<std::pair<uint64_t, Task>> tasks;
};

// Member a requests of b; it has committed 2 versions and accepted more.
struct RequesterDriver {
  explicit RequesterDriver(std::vector<LogEntry> entries = history(5, pn(1, c)), CoreOptions given = {},
                           std::optional<CopyRecord> copy = {}, bool is_marked = false, bool is_delta = false)
      : options(given), log(log_with(entries, 2)) {
    const Version needed = log.committed().version.next();
    events.begin(is_marked, copy ? copy->chunks : 0);
    events.judge({.kind = SyncEventKind::must_copy, .cookie = cookie, .version = needed});
    events.judge({.kind = SyncEventKind::provider_chosen, .cookie = cookie, .peer_id = b, .version = needed});
    requester.emplace(options, SyncPlan{cookie, b, "b", std::move(copy), is_delta, is_marked}, log, now, begun);
    events.judge(begun);
  }

  Output marker_durable() {
    if (begun.is_durable) events.judge({.kind = SyncEventKind::marked, .cookie = cookie});
    Output out;
    requester->on_marker_durable(now, out, run());
    events.judge(out);
    return out;
  }
  Output receive(const Message& message, MemberId from = b) {
    Output out;
    requester->on_message(now, from, message, out, run());
    events.judge(out);
    return out;
  }
  Output result(const TaskResult& what) {
    Output out;
    outcome = requester->on_result(now, what, out, run());
    events.judge(out);
    return out;
  }
  Output tick() {
    Output out;
    outcome = requester->tick(now, out);
    events.judge(out);
    return out;
  }
  SyncChunk chunk(uint64_t sequence, bool is_last = false) const {
    SyncChunk message;
    message.cookie = cookie;
    message.sequence = sequence;
    message.is_last = is_last;
    message.keys = 1;
    message.bytes = 10;
    message.transaction = value(std::to_string(sequence));
    message.checksum = checksum64(message.transaction.view());
    message.cursor = {snapshot, snapshot, std::to_string(sequence), is_last, snapshot};
    if (is_last) message.digest = digest;
    return message;
  }
  // Up to where the last chunk is on disk and is being verified.
  void copy_all() {
    marker_durable();
    receive(chunk(1, true));
    result(StoreCreated{});
    result(ChunkWritten{});
  }
  template <class T>
  size_t count() const {
    size_t found = 0;
    for (const Task& task : tasks) found += std::holds_alternative<T>(task);
    return found;
  }
  SyncRequester::RunTask run() {
    return [this](Task task) { tasks.push_back(std::move(task)); };
  }

  CoreOptions options;
  TimePoint now{std::chrono::hours(1)};
  AcceptedLog log;
  Output begun;
  std::optional<SyncRequester> requester;
  OneEnd events;
  std::vector<Task> tasks;
  SyncRequester::Outcome outcome = SyncRequester::Outcome::running;
  Position snapshot = history(4, pn(1, c))[3].position();
  Digest digest{{1, 2, 3}};
};

// A cluster of three, one of which was away until its next version was trimmed everywhere.
struct LaggingCluster {
  explicit LaggingCluster(uint64_t seed, int puts = 60, const CoreOptions& options = options_with(400))
      : cluster(3, seed, options) {
    cluster.start_all();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.has_quorum(3); }));
    leader = cluster.leader();
    for (const std::string& name : cluster.names()) {
      if (name == leader) continue;
      (lagging.empty() ? lagging : third) = name;
    }
    cluster.kill(lagging);
    put(0, puts);
    EXPECT_GT(cluster.monitor(leader).first().value(), 20U);
  }
  static CoreOptions options_with(size_t chunk_bytes) {
    CoreOptions options;
    options.log_retain_versions = 10;
    options.log_trim_min = 5;
    options.sync_chunk_bytes = chunk_bytes;
    return options;
  }
  void put(int from, int count) {
    for (int i = from; i < from + count; ++i) {
      EXPECT_TRUE(cluster.put(leader, fmt::format("key-{:04}", i), noise(i, 300)).is_ok()) << i;
    }
  }
  bool start_and_wait_for_sync() {
    cluster.start(lagging);
    return cluster.run_until([&] { return cluster.monitor(lagging).is_syncing(); }, std::chrono::seconds(5));
  }
  bool wait_for_quorum() {
    return cluster.run_until([&] { return cluster.has_quorum(3); }, std::chrono::seconds(60));
  }
  // What it says of its sync.
  SyncProgress progress() {
    ClientRequest request;
    request.timeout_ms = 1000;
    request.body = StatusRequest{};
    const ClientReply reply = cluster.call(lagging, request);
    if (const auto* status = std::get_if<StatusReply>(&reply.body)) {
      for (const MemberStatus& member : status->members) {
        if (member.name == lagging) return member.sync;
      }
    }
    return {};
  }
  sim::Cluster::OpenedStore store_of(const std::string& name) { return cluster.open_store(name); }

  sim::Cluster cluster;
  std::string leader;
  std::string lagging;
  std::string third;
};

}  // namespace synod::test
