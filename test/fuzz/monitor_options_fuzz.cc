// The INI file of `synod-mon`.
#include "base/assert.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/scratch_dir.h"
#include "tools/monitor_options.h"

namespace synod::fuzz {

void run(ByteView input) {
  static const ScratchDir scratch;
  scratch.write("ini", input);
  const Result<MonitorOptions> alone = parse_monitor_options({"--config", scratch / "ini"});
  const Result<MonitorOptions> named = parse_monitor_options({"--name", "winner", "--config", scratch / "ini"});
  for (const Result<MonitorOptions>* options : {&alone, &named}) {
    if (!*options) {
      SYNOD_ASSERT(options->error().code() == Code::invalid_argument, "a file that is refused is called so");
      continue;
    }
    const DaemonOptions& daemon = (*options)->daemon;
    SYNOD_ASSERT(!daemon.name.empty() && !daemon.data.empty(), "a member has a name and a directory");
    SYNOD_ASSERT(!daemon.initial_members.empty(), "a cluster has members");
    SYNOD_ASSERT(daemon.core.lease >= std::chrono::milliseconds(100), "a lease has its least length");
  }
  if (named) SYNOD_ASSERT(named->daemon.name == "winner", "the command line wins over the file");
}

std::vector<Bytes> seeds() {
  return {"name = a\ndata = /var/lib/synod\ninitial-members = a=127.0.0.1:7101,winner=127.0.0.1:7102\n",
          "# comment\nname=a\ndata=d\ninitial-members=a=h:1\nlease-ms = 500\nlog-level = debug\n",
          "max-value-bytes = 4194304\nsync-chunk-bytes = 1024\nsync-rate = 16384\ntrace-sync = true\n",
          "lease-ms = -1\n",
          "[section]\nname = a\n",
          "name = a\nname = b\n",
          "config = other\n",
          "form = true\nhelp = 1\n",
          "no equals sign\n"};
}

}  // namespace synod::fuzz
