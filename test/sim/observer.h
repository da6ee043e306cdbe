// What the oracles see of a cluster while it runs. Members are named by their names, hosts by their addresses.
#pragma once

#include <string>

#include "mon/core/monitor.h"
#include "mon/daemon/storage.h"
#include "msg/codec.h"
#include "test/sim/disk/disk_faults.h"

namespace synod::sim {

enum class EndOfLife { killed, power_cut, exited };

class Observer {
 public:
  virtual ~Observer() = default;
  // A life begins with what its directory held.
  virtual void on_start(const std::string& /*member*/, const MonitorStart& /*start*/) {}
  virtual void on_end(const std::string& /*member*/, EndOfLife /*how*/) {}
  // A write is about to be completed towards the executor, or a task of the store.
  virtual void on_written(const std::string& /*member*/, const WriteJob& /*job*/, const Status& /*status*/) {}
  virtual void on_ran(const std::string& /*member*/, const Task& /*task*/, const Result<TaskResult>& /*result*/) {}
  // Of a step of the member, before anything that it asks for is done.
  virtual void on_sync_event(const std::string& /*member*/, const SyncEvent& /*event*/) {}
  // A call of a process to its disk, before it is done.
  virtual void on_disk(const std::string& /*member*/, const DiskEvent& /*event*/) {}
  // A frame enters the network: of two members, or also to and from clients.
  virtual bool sees_clients() const { return false; }
  virtual void on_sent(const std::string& /*from_host*/, const std::string& /*to_host*/, const Received& /*frame*/) {}
  // An event has entered this member's process, and is over.
  virtual void on_stepped(const std::string& /*member*/) {}
};

}  // namespace synod::sim
