// A sync between two stores in one process, without a network: the provider, the requester and the store engine that
// sync members of a cluster, with a queue in place of messages. For the offline tool.
//
// Used by one thread; blocks on the disk.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "mon/core/options.h"
#include "mon/core/sync/provider.h"
#include "mon/core/sync/requester.h"
#include "mon/daemon/snapshots.h"
#include "mon/daemon/store_engine.h"

namespace synod {

class LocalSync {
 public:
  struct Progress {
    CopyRecord copy;         // what is durable of it
    uint32_t per_mille = 0;  // of the source, roughly; 0: not known
  };
  // Called when chunks have become durable. False ends the sync there.
  using Watch = std::function<bool(const Progress&)>;

  struct Source {
    const MonitorStore& store;
    std::string name;  // for people
  };
  // Where the copy is made.
  struct Target {
    StoreEngine& engine;
    Position current = {};                // of its store, if it has one
    std::optional<CopyRecord> copy = {};  // what it has of an unfinished one
    bool is_delta = false;                // a new copy is one over the current store
  };
  // Called with each event, which is one of `source` or of `copy`.
  using OnSyncEvent = std::function<void(const std::string& who, const SyncEvent& event)>;
  // Both stores must outlive the sync.
  LocalSync(const CoreOptions& options, const Source& source, Target target, OnSyncEvent on_sync_event = nullptr);

  // True: the copy is verified, and is the target's current store. False: `watch` has ended it, or no more than
  // `last_chunk` chunks of it were wanted (0: all), and the target has a copy to go on with. Fails with `refused` if
  // the copy is of no use any more, with other codes if the source cannot go on with it, or a disk fails.
  Result<bool> run(uint64_t last_chunk, const Watch& watch);
  // After a failure: of the current store nothing is to be made.
  bool has_refuted_delta() const { return requester_->has_refuted_delta(); }
  // What is durable of the copy.
  const CopyRecord& copy() const { return progress_.copy; }

 private:
  struct Sent {
    MemberId to;
    Message message;
  };
  struct ProviderTask {
    uint64_t session = 0;
    Task task;
  };

  // Each does one thing that is due, and says whether there was one.
  Result<bool> deliver();
  Result<bool> serve();
  Result<bool> write(uint64_t last_chunk);

  // What a step of this end asks for.
  void collect(MemberId of, Output& out);

  const MonitorStore& source_;
  StoreEngine& target_;
  OnSyncEvent on_sync_event_;
  Progress progress_;
  SyncProvider provider_;
  SyncProvider::View view_;
  std::optional<SyncRequester> requester_;
  SyncRequester::Outcome outcome_ = SyncRequester::Outcome::running;
  Snapshots snapshots_;
  std::deque<Sent> sent_;
  std::deque<ProviderTask> reads_;
  std::deque<Task> writes_;
};

}  // namespace synod
