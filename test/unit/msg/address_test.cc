#include <gtest/gtest.h>

#include "msg/transport.h"

namespace synod::test {
namespace {

TEST(address, a_host_and_a_port_are_taken_apart) {
  const Result<Address> name = parse_address("mon-1.example:7000");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "mon-1.example");
  EXPECT_EQ(name->port, 7000);
  const Result<Address> numeric = parse_address("127.0.0.1:65535");
  ASSERT_TRUE(numeric);
  EXPECT_EQ(numeric->host, "127.0.0.1");
  EXPECT_EQ(numeric->port, 65535);
}

TEST(address, an_ipv6_host_stands_in_brackets) {
  const Result<Address> address = parse_address("[fe80::1%eth0]:1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->host, "fe80::1%eth0");
  EXPECT_EQ(address->port, 1);
}

TEST(address, what_is_not_an_address_is_refused_with_a_sentence_that_names_it) {
  for (const char* text : {"", "host", "host:", ":7000", "host:0", "host:65536", "host:-1", "host:+1", "host:7000x",
                           "host: 7000", "host:99999999999999999999", "::1:7000", "fe80::1", "[]:7000", "[::1]",
                           "[::1:7000", "::1]:7000", "a b:7000", "http://host:7000"}) {
    const Result<Address> address = parse_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), Code::invalid_argument);
    EXPECT_EQ(address.error().message().find("'" + std::string(text) + "' is not an address HOST:PORT: "), 0u)
        << address.error().message();
  }
}

}  // namespace
}  // namespace synod::test
