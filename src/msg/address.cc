#include <charconv>

#include "msg/transport.h"

namespace synod {
namespace {

Status bad_address(const std::string& text, const char* why) {
  return {Code::invalid_argument, "'" + text + "' is not an address HOST:PORT: " + why};
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad_address(text, "it has no port");
  Address address;
  address.host = text.substr(0, colon);
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || last != end || address.port == 0) {
    return bad_address(text, "the port is not a number from 1 to 65535");
  }
  if (address.host.size() >= 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return bad_address(text, "an IPv6 host needs brackets, as in [::1]:7000");
  }
  if (address.host.empty()) return bad_address(text, "it has no host");
  if (address.host.find_first_of("[] \t\n/") != std::string::npos) {
    return bad_address(text, "the host has a character that no host name has");
  }
  return address;
}

}  // namespace synod
