// A fake monitor on a loopback port, on a thread of its own, for code that makes its client itself.
#pragma once

#include <string>
#include <thread>
#include <utility>

#include "msg/asio_loop.h"
#include "test/unit/client/fake_monitor.h"
#include "test/unit/msg/free_address.h"

namespace synod {

class ThreadedMonitor {
 public:
  // The script runs on the monitor's thread.
  explicit ThreadedMonitor(FakeMonitor::Script script)
      : monitor_(loop_, loop_, loop_, test::free_address(), std::move(script), Fsid()),
        thread_([this] { loop_.run(); }) {}
  ~ThreadedMonitor() {
    loop_.stop();
    thread_.join();
  }
  const std::string& address() const { return monitor_.address(); }

 private:
  AsioLoop loop_;
  FakeMonitor monitor_;
  std::thread thread_;
};

}  // namespace synod
