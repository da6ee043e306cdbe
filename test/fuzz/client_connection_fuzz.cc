// What a client makes of a monitor's bytes.
#include "base/assert.h"
#include "client/monitor_connection.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/script.h"
#include "test/fuzz/wire.h"
#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/samples.h"

namespace synod::fuzz {
namespace {

enum StepKind : uint8_t { open, connect, deliver, deliver_repaired, lose, take, step_kinds };

void perform(const Step& step, test::FakeTransport& net, MonitorConnection& connection) {
  const uint8_t kind = step.kind % step_kinds;
  // A transport has nothing to tell of a connection that nobody has opened.
  if (net.dialed.empty() && kind != open && kind != take) return;
  const ConnectionId id = net.dialed.empty() ? 0 : net.last_dialed();
  switch (kind) {
    case open: connection.open("a:7000"); break;
    case connect: net.connected(id); break;
    case deliver: net.deliver(id, step.bytes); break;
    case deliver_repaired: net.deliver(id, with_right_checksums(Bytes(step.bytes))); break;
    case lose: net.lose(id); break;
    default:
      if (const std::optional<ClientReply> reply = connection.take_reply(step.number)) {
        SYNOD_ASSERT(reply->id == step.number, "an answer to another request is not given out");
      }
  }
}

}  // namespace

void run(ByteView input) {
  constexpr int steps_max = 200;
  test::FakeTransport net;
  MonitorConnection connection(net, [] {});
  for (int i = 0; i < steps_max; ++i) {
    const std::optional<Step> step = next_step(input);
    if (!step) return;
    perform(*step, net, connection);
    if (connection.is_ready()) SYNOD_ASSERT(!connection.lost(), "a connection that is lost is not ready");
  }
}

std::vector<Bytes> seeds() {
  Bytes script;
  put_step(script, open, 0);
  put_step(script, connect, 0);
  put_step(script, deliver_repaired, 0,
           wire_bytes(test::sample_source(), Hello{protocol_version, PeerKind::monitor, "a", "a:7000"}));
  std::vector<Bytes> scripts = {script};
  for (const Bytes& frame : sample_frames()) {
    Bytes one = script;
    put_step(one, deliver_repaired, 0, frame);
    for (uint8_t id = 1; id <= 4; ++id) put_step(one, take, id);
    put_step(one, lose, 0);
    put_step(one, open, 0);
    scripts.push_back(std::move(one));
  }
  return scripts;
}

}  // namespace synod::fuzz
