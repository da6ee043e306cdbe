// The readable log of a run, in virtual time: frames, faults, lives, and what the members say.
#pragma once

#include <string>
#include <string_view>

#include "test/sim/cluster.h"

namespace synod::sim {

class TraceWriter : public Observer {
 public:
  // Prints to stdout as long as it lives. One at a time, since the members' log goes through it too.
  explicit TraceWriter(Cluster& cluster);
  ~TraceWriter() override;
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  void line(std::string_view text) const;

  void on_start(const std::string& member, const MonitorStart& start) override;
  void on_end(const std::string& member, EndOfLife how) override;
  void on_written(const std::string& member, const WriteJob& job, const Status& status) override;
  void on_sync_event(const std::string& member, const SyncEvent& event) override;
  bool sees_clients() const override { return true; }
  void on_sent(const std::string& from_host, const std::string& to_host, const Received& frame) override;

 private:
  std::string name_of(const std::string& host) const;

  Cluster& cluster_;
  TimePoint begun_;
};

// "begin 17:3f2a pn 3.5e6f": the numbers of a message that say what it does.
std::string describe(const Message& message);

}  // namespace synod::sim
