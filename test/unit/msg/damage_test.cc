// Frames that were damaged on the way, or forged: refused with a reason, never a crash. A forged frame has a checksum
// that fits, so that what lies behind the checksum is tested too.
#include <gtest/gtest.h>

#include "msg/codec.h"
#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/samples.h"

namespace synod::test {
namespace {

// As the messenger does it: prefix first, then as much body as it announces.
Status receive(const Bytes& wire) {
  if (wire.size() < frame_prefix_size) return {Code::corruption, "cut in the prefix"};
  const ByteView prefix_bytes = ByteView(wire).substr(0, frame_prefix_size);
  const Result<FramePrefix> prefix = decode_prefix(prefix_bytes, 32 << 20);
  if (!prefix) return prefix.error();
  return decode_frame(prefix_bytes, SharedBytes(wire.substr(frame_prefix_size))).status();
}

void put_little(Bytes& wire, size_t offset, size_t bytes, uint64_t number) {
  for (size_t i = 0; i < bytes; ++i) wire[offset + i] = static_cast<char>(number >> (8 * i));
}

void fix_checksum(Bytes& wire) { put_little(wire, 16, 8, checksum64(wire.substr(0, 16) + wire.substr(24))); }

Bytes cut_payload(Bytes wire, size_t cut, uint32_t payload_size) {
  wire.resize(wire.size() - cut);
  put_little(wire, 12, 4, payload_size);
  fix_checksum(wire);
  return wire;
}

TEST(damage, every_truncation_is_refused) {
  for (const Message& message : sample_messages()) {
    const Bytes wire = wire_bytes(sample_source(), message);
    for (size_t size = 0; size < wire.size(); ++size) {
      ASSERT_FALSE(receive(wire.substr(0, size)).is_ok()) << message_name(message) << " cut to " << size;
    }
    ASSERT_FALSE(receive(wire + "x").is_ok()) << message_name(message);
  }
}

TEST(damage, every_flipped_bit_is_refused) {
  for (const Message& message : sample_messages()) {
    const Bytes wire = wire_bytes(sample_source(), message);
    for (size_t i = 0; i < wire.size(); ++i) {
      Bytes damaged = wire;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      ASSERT_FALSE(receive(damaged).is_ok()) << message_name(message) << " at " << i;
    }
  }
}

TEST(damage, a_forged_frame_is_decoded_or_refused_but_never_crashes) {
  for (const Message& message : sample_messages()) {
    const Bytes wire = wire_bytes(sample_source(), message);
    size_t decoded = 0;
    for (size_t i = 4; i < wire.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        Bytes forged = wire;
        forged[i] = static_cast<char>(forged[i] ^ flip);
        fix_checksum(forged);
        if (receive(forged).is_ok()) ++decoded;
      }
    }
    EXPECT_LT(decoded, 3 * wire.size());
  }
}

TEST(damage, a_forged_type_reads_any_header_as_any_message) {
  for (const Message& message : sample_messages()) {
    Bytes wire = wire_bytes(sample_source(), message);
    for (uint64_t type = 0; type < 70; ++type) {
      put_little(wire, 6, 2, type);
      fix_checksum(wire);
      const Status status = receive(wire);
      const bool is_unknown = type == 0 || type == 3 || type == 64;
      ASSERT_TRUE(!is_unknown || status.code() == Code::corruption) << type;
    }
  }
}

TEST(damage, a_payload_that_is_shorter_or_longer_than_its_lengths_is_refused) {
  const Bytes wire = wire_bytes({}, SyncChunk{1, 1, false, 1, 1, 1, SharedBytes(Bytes(100, 'x')), {}, {}, 0});
  EXPECT_TRUE(receive(cut_payload(wire, 0, 100)).is_ok());
  EXPECT_NE(receive(cut_payload(wire, 1, 99)).message().find("shorter"), Bytes::npos);
  EXPECT_NE(receive(cut_payload(wire + "y", 0, 101)).message().find("longer"), Bytes::npos);
}

TEST(damage, the_reason_names_what_is_wrong) {
  const Bytes wire = wire_bytes({}, Fetch{Version(1), Version(2)});
  Bytes magic = wire;
  magic[0] = 'G';
  EXPECT_EQ(receive(magic), Status(Code::corruption, "not a frame of Synod"));
  Bytes version = wire;
  version[4] = 2;
  EXPECT_EQ(receive(version), Status(Code::corruption, "the frame format 2 is unknown"));
  Bytes type = wire;
  put_little(type, 6, 2, 999);
  EXPECT_EQ(receive(type), Status(Code::corruption, "the message type 999 is unknown"));
  Bytes length = wire;
  put_little(length, 12, 4, 0xffffffff);
  EXPECT_EQ(receive(length).code(), Code::invalid_argument);
  Bytes value = wire;
  value.back() = static_cast<char>(value.back() ^ 1);
  EXPECT_EQ(receive(value), Status(Code::corruption, "the frame fails its checksum"));
}

TEST(damage, ids_of_a_wrong_length_are_refused) {
  // Field 2 of form_prepared, three bytes instead of sixteen.
  Bytes wire = wire_bytes({}, FormPrepared{}).substr(0, frame_prefix_size) + Bytes(
                                                                                 "\x12\x03"
                                                                                 "abc",
                                                                                 5);
  put_little(wire, 8, 4, 5);
  fix_checksum(wire);
  EXPECT_EQ(receive(wire), Status(Code::corruption, "form_prepared: a cluster id has 3 bytes instead of 16"));
}

}  // namespace
}  // namespace synod::test
