// Addresses, the list of first members, and cluster ids: from command lines, INI files and other monitors.
#include "base/assert.h"
#include "base/ids.h"
#include "mon/core/monmap.h"
#include "msg/transport.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {
namespace {

void check_address(const std::string& text) {
  const Result<Address> address = parse_address(text);
  if (!address) return;
  SYNOD_ASSERT(address->port != 0 && !address->host.empty(), "an address names a host and a port");
  const bool is_v6 = address->host.find(':') != std::string::npos;
  const std::string again = (is_v6 ? "[" + address->host + "]" : address->host) + ":" + std::to_string(address->port);
  const Result<Address> same = parse_address(again);
  SYNOD_ASSERT(same && same->host == address->host && same->port == address->port, "an address is read as written");
}

void check_members(const std::string& text) {
  const Result<std::vector<InitialMember>> members = parse_initial_members(text);
  if (!members) return;
  std::string again;
  for (const InitialMember& member : *members) {
    SYNOD_ASSERT(parse_address(member.address).has_value(), "every member has an address");
    again += (again.empty() ? "" : ",") + member.name + "=" + member.address;
  }
  SYNOD_ASSERT(!members->empty() && again == text, "a list is read as written");
}

}  // namespace

void run(ByteView input) {
  const std::string text(input);
  check_address(text);
  check_members(text);
}

std::vector<Bytes> seeds() {
  return {"127.0.0.1:7000",
          "[::1]:65535",
          "host.example:1",
          ":1",
          "host:",
          "host:65536",
          "a=127.0.0.1:7101,b=127.0.0.1:7102,c=[fe80::1]:7103",
          "a=h:1,a=h:2",
          "a=h:1,"};
}

}  // namespace synod::fuzz
