#include "msg/boot_timers.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.h"

namespace synod {
namespace {

int make_descriptor() {
  const int descriptor = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  SYNOD_ASSERT(descriptor >= 0, "the system has no timer descriptor left");
  return descriptor;
}

timespec to_timespec(TimePoint when) {
  // Zero would disarm the descriptor, and a point in the past fires at once.
  const int64_t nanoseconds = std::max<int64_t>(when.time_since_epoch().count(), 1);
  return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
}

}  // namespace

BootTimers::BootTimers(boost::asio::io_context& context) : descriptor_(context, make_descriptor()) { wait(); }

TimePoint BootTimers::now() {
  timespec time{};
  SYNOD_ASSERT(clock_gettime(CLOCK_BOOTTIME, &time) == 0, "the system has no CLOCK_BOOTTIME");
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

TimerId BootTimers::call_at(TimePoint when, std::function<void()> task) {
  const TimerId id = ++last_id_;
  tasks_.emplace(Key{when, id}, std::move(task));
  times_.emplace(id, when);
  if (!is_firing_ && tasks_.begin()->first.second == id) arm();
  return id;
}

void BootTimers::cancel(TimerId timer) {
  const auto found = times_.find(timer);
  if (found == times_.end()) return;
  tasks_.erase({found->second, timer});
  times_.erase(found);
}

void BootTimers::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    uint64_t expirations = 0;
    // Nothing to read means that the descriptor was set anew in the meantime.
    [[maybe_unused]] const ssize_t size = ::read(descriptor_.native_handle(), &expirations, sizeof expirations);
    armed_ = {};
    fire();
    wait();
  });
}

void BootTimers::fire() {
  // What a task adds for now waits for the next round, so that sockets get their turn.
  const Key end{now(), last_id_ + 1};
  is_firing_ = true;
  while (!tasks_.empty() && tasks_.begin()->first < end && tasks_.begin()->first.second < end.second) {
    auto node = tasks_.extract(tasks_.begin());
    times_.erase(node.key().second);
    node.mapped()();
  }
  is_firing_ = false;
  arm();
}

void BootTimers::arm() {
  if (tasks_.empty()) return;
  const TimePoint earliest = tasks_.begin()->first.first;
  if (armed_ != TimePoint{} && armed_ <= earliest) return;
  armed_ = std::max(earliest, TimePoint(Duration(1)));
  itimerspec setting{};
  setting.it_value = to_timespec(armed_);
  SYNOD_ASSERT(timerfd_settime(descriptor_.native_handle(), TFD_TIMER_ABSTIME, &setting, nullptr) == 0,
               "the timer descriptor cannot be set");
}

}  // namespace synod
