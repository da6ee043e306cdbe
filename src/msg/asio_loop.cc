#include "msg/asio_loop.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <list>
#include <utility>

#include "base/log.h"
#include "msg/asio_transport.h"
#include "msg/boot_timers.h"

namespace synod {

namespace asio = boost::asio;

struct SignalWatch {
  SignalWatch(asio::io_context& context, std::function<void(int)> on_signal)
      : set(context), handler(std::move(on_signal)) {}
  void wait();

  asio::signal_set set;
  std::function<void(int)> handler;
};

struct AsioLoop::Impl {
  void run(const bool& is_over);

  // One thread runs it; post() from others needs its lock.
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  BootTimers timers{context};
  AsioTransport transport{context, timers};
  std::list<SignalWatch> signals;
  std::atomic<bool> is_stop_wanted = false;
};

// A stop that comes before the loop runs, or between two runs, is not lost; several at once are one.
void AsioLoop::Impl::run(const bool& is_over) {
  while (!is_stop_wanted.exchange(false) && !is_over) {
    context.restart();
    if (is_stop_wanted.exchange(false)) return;
    context.run();
  }
}

void SignalWatch::wait() {
  set.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    wait();
    handler(signal);
  });
}

AsioLoop::AsioLoop() : impl_(std::make_unique<Impl>()) {}
AsioLoop::~AsioLoop() = default;

void AsioLoop::run() { impl_->run(false); }

void AsioLoop::run_until(TimePoint deadline) {
  bool is_over = false;
  const TimerId timer = call_at(deadline, [&] {
    is_over = true;
    impl_->context.stop();
  });
  impl_->run(is_over);
  cancel(timer);
}

void AsioLoop::stop() {
  impl_->is_stop_wanted = true;
  impl_->context.stop();
}

void AsioLoop::post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

void AsioLoop::on_signals(std::vector<int> signals, std::function<void(int)> handler) {
  SignalWatch& watch = impl_->signals.emplace_back(impl_->context, std::move(handler));
  for (const int signal : signals) {
    boost::system::error_code error;
    watch.set.add(signal, error);
    if (error) log(LogLevel::error, "cannot handle the signal {}: {}", signal, error.message());
  }
  watch.wait();
}

TimePoint AsioLoop::now() const { return BootTimers::now(); }
TimerId AsioLoop::call_at(TimePoint when, std::function<void()> task) {
  return impl_->timers.call_at(when, std::move(task));
}
void AsioLoop::cancel(TimerId timer) { impl_->timers.cancel(timer); }

void AsioLoop::set_handler(TransportHandler* handler) { impl_->transport.set_handler(handler); }
Status AsioLoop::listen(const std::string& address) { return impl_->transport.listen(address); }
ConnectionId AsioLoop::connect(const std::string& address) { return impl_->transport.connect(address); }
void AsioLoop::send(ConnectionId connection, std::vector<SharedBytes> parts) {
  impl_->transport.send(connection, std::move(parts));
}
void AsioLoop::pause_reading(ConnectionId connection, bool paused) {
  impl_->transport.pause_reading(connection, paused);
}
void AsioLoop::close(ConnectionId connection) { impl_->transport.close(connection); }

}  // namespace synod
