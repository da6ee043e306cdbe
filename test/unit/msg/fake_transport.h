// A scripted Transport and hand-moved time: the test plays the network and the peer. Nothing is called back from within
// a call of the code under test.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "msg/codec.h"
#include "msg/transport.h"

namespace synod::test {

class ManualTimers : public Clock, public Timers {
 public:
  TimePoint now() const override { return now_; }
  TimerId call_at(TimePoint when, std::function<void()> task) override {
    const TimerId id = ++last_id_;
    tasks_.emplace(std::pair(when, id), std::move(task));
    return id;
  }
  void cancel(TimerId timer) override {
    std::erase_if(tasks_, [timer](const auto& task) { return task.first.second == timer; });
  }

  // Moves the clock, and calls what becomes due, each at its time.
  void advance(Duration duration) {
    const TimePoint end = now_ + duration;
    while (!tasks_.empty() && tasks_.begin()->first.first <= end) {
      auto task = tasks_.extract(tasks_.begin());
      now_ = std::max(now_, task.key().first);
      task.mapped()();
    }
    now_ = end;
  }
  size_t pending() const { return tasks_.size(); }

 private:
  TimePoint now_{std::chrono::hours(1)};
  TimerId last_id_ = 0;
  std::map<std::pair<TimePoint, TimerId>, std::function<void()>> tasks_;
};

class FakeRandom : public Random {
 public:
  uint64_t next() override { return state_ = state_ * 6364136223846793005u + 1442695040888963407u; }

 private:
  uint64_t state_ = 1;
};

class FakeTransport : public Transport {
 public:
  void set_handler(TransportHandler* handler) override { handler_ = handler; }
  Status listen(const std::string& address) override {
    listening.push_back(address);
    return Status::ok();
  }
  ConnectionId connect(const std::string& address) override {
    dialed.emplace_back(address, ++last_id_);
    return last_id_;
  }
  void send(ConnectionId connection, std::vector<SharedBytes> parts) override {
    if (closed.contains(connection)) return;
    for (const SharedBytes& part : parts) sent_[connection] += part.view();
  }
  void pause_reading(ConnectionId connection, bool is_paused) override {
    is_paused ? void(paused.insert(connection)) : void(paused.erase(connection));
  }
  void close(ConnectionId connection) override { closed.insert(connection); }

  // What the network does.
  ConnectionId accept() {
    const ConnectionId id = ++last_id_;
    handler_->on_accepted(id);
    return id;
  }
  void connected(ConnectionId id) { handler_->on_connected(id); }
  void deliver(ConnectionId id, ByteView bytes) {
    if (!closed.contains(id)) handler_->on_bytes(id, bytes);
  }
  void drain(ConnectionId id) {
    if (!closed.contains(id)) handler_->on_drained(id);
  }
  void lose(ConnectionId id, const std::string& why = "connection reset") {
    if (closed.insert(id).second) handler_->on_closed(id, Status(Code::unavailable, why));
  }

  // What was sent since the last time, decoded; the test fails on bytes that are not frames.
  std::vector<Received> take_sent(ConnectionId id) {
    std::vector<Received> messages;
    for (Bytes rest = std::exchange(sent_[id], Bytes()); !rest.empty();) {
      const ByteView prefix = ByteView(rest).substr(0, frame_prefix_size);
      const Result<FramePrefix> decoded = decode_prefix(prefix, size_t{1} << 30);
      const size_t size = size_t{decoded->header_size} + decoded->payload_size;
      Result<Received> received = decode_frame(prefix, SharedBytes(rest.substr(frame_prefix_size, size)));
      messages.push_back(std::move(*received));
      rest.erase(0, frame_prefix_size + size);
    }
    return messages;
  }
  ConnectionId last_dialed() const { return dialed.back().second; }

  std::vector<std::string> listening;
  std::vector<std::pair<std::string, ConnectionId>> dialed;
  std::set<ConnectionId> closed;
  std::set<ConnectionId> paused;

 private:
  TransportHandler* handler_ = nullptr;
  ConnectionId last_id_ = 0;
  std::map<ConnectionId, Bytes> sent_;
};

// A frame as it stands on the wire.
inline Bytes wire_bytes(const Source& source, const Message& message) {
  const Frame frame = encode_frame(source, message);
  Bytes bytes = frame.head;
  for (const SharedBytes& part : frame.payload) bytes += part.view();
  return bytes;
}

}  // namespace synod::test
