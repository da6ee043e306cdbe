#include "msg/codec.h"

#include <gtest/gtest.h>

#include <set>

#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/samples.h"

namespace synod::test {
namespace {

constexpr size_t no_limit = size_t{1} << 40;

Result<Received> decode(const Bytes& wire) {
  return decode_frame(ByteView(wire).substr(0, frame_prefix_size), SharedBytes(wire.substr(frame_prefix_size)));
}

bool is_inside(ByteView part, ByteView whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

template <size_t index = 0>
void expect_name_and_sample(const std::set<size_t>& sampled) {
  if constexpr (index < std::variant_size_v<Message>) {
    const Message message{std::in_place_index<index>};
    EXPECT_TRUE(sampled.contains(index)) << message_name(message) << " has no sample";
    expect_name_and_sample<index + 1>(sampled);
  }
}

TEST(codec, every_message_type_has_a_sample) {
  std::set<size_t> sampled;
  for (const Message& message : sample_messages()) sampled.insert(message.index());
  expect_name_and_sample(sampled);
}

TEST(codec, every_message_type_has_its_own_name) {
  std::set<std::string> names;
  std::set<size_t> types;
  for (const Message& message : sample_messages()) {
    names.insert(message_name(message));
    types.insert(message.index());
  }
  EXPECT_EQ(names.size(), types.size());
  EXPECT_STREQ(message_name(LeaseAck{}), "lease_ack");
}

TEST(codec, every_message_comes_back_as_it_was_sent) {
  for (const Message& message : sample_messages()) {
    const Result<Received> received = decode(wire_bytes(sample_source(), message));
    ASSERT_TRUE(received) << describe(message) << ": " << received.error().to_string();
    EXPECT_EQ(received->source, sample_source());
    EXPECT_EQ(describe(received->message), describe(message));
  }
}

TEST(codec, every_message_comes_back_in_its_default_state_unless_it_carries_an_entry) {
  for (const Message& sample : sample_messages()) {
    if (std::holds_alternative<Begin>(sample)) continue;  // its entry would be the genesis, which nobody begins
    const Message message =
        std::visit([](const auto& body) { return Message(std::decay_t<decltype(body)>{}); }, sample);
    const Result<Received> received = decode(wire_bytes({}, message));
    ASSERT_TRUE(received) << describe(message) << ": " << received.error().to_string();
    EXPECT_EQ(received->source, Source{});
    EXPECT_EQ(describe(received->message), describe(message));
  }
}

TEST(codec, every_status_code_comes_back) {
  for (int code = 0; code <= static_cast<int>(Code::unknown_session); ++code) {
    const Status reason(static_cast<Code>(code), "why");
    const Result<Received> received = decode(wire_bytes({}, Goodbye{reason}));
    ASSERT_TRUE(received);
    EXPECT_EQ(std::get<Goodbye>(received->message).reason, reason);
  }
}

TEST(codec, the_frame_has_the_documented_layout) {
  const Bytes wire =
      wire_bytes(sample_source(), SyncChunk{1, 2, false, 3, 4, 5, SharedBytes(Bytes(777, 'x')), {}, {}, 0});
  EXPECT_EQ(wire.substr(0, 8), Bytes("SYND\x01\0\x2c\0", 8));
  const Result<FramePrefix> prefix = decode_prefix(ByteView(wire).substr(0, frame_prefix_size), no_limit);
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->type, 44);
  EXPECT_EQ(prefix->payload_size, 777u);
  EXPECT_EQ(frame_prefix_size + prefix->header_size + prefix->payload_size, wire.size());
  EXPECT_EQ(wire.substr(wire.size() - 777), Bytes(777, 'x'));
  EXPECT_EQ(prefix->checksum, checksum64(wire.substr(0, 16) + wire.substr(24)));
}

TEST(codec, an_encoded_value_is_the_callers_buffer) {
  const LogEntry entry = sample_entry(5, Bytes(1000, 'v'));
  const Frame frame = encode_frame({}, Begin{entry, {}});
  ASSERT_EQ(frame.payload.size(), 1u);
  EXPECT_EQ(frame.payload[0].view().data(), entry.value.view().data());
  EXPECT_EQ(frame.size(), frame.head.size() + 1000);
}

TEST(codec, decoded_values_share_the_body) {
  for (const Message& message : sample_messages()) {
    const Bytes wire = wire_bytes({}, message);
    const SharedBytes body(wire.substr(frame_prefix_size));
    const Result<Received> received = decode_frame(ByteView(wire).substr(0, frame_prefix_size), body);
    ASSERT_TRUE(received);
    if (const auto* begin = std::get_if<Begin>(&received->message)) {
      EXPECT_TRUE(is_inside(begin->entry.value.view(), body.view()));
    } else if (const auto* last = std::get_if<Last>(&received->message)) {
      for (const LogEntry& entry : last->accepted) EXPECT_TRUE(is_inside(entry.value.view(), body.view()));
    } else if (const auto* chunk = std::get_if<SyncChunk>(&received->message)) {
      EXPECT_TRUE(is_inside(chunk->transaction.view(), body.view()));
    }
  }
}

TEST(codec, an_entry_whose_hash_is_not_that_of_its_value_is_corrupt) {
  LogEntry entry = sample_entry(5, "value");
  entry.hash.bytes[3] ^= 1;
  EXPECT_EQ(decode(wire_bytes({}, Begin{entry, {}})).status().code(), Code::corruption);
  entry = sample_entry(5, "value");
  entry.value = SharedBytes(Bytes("other"));
  EXPECT_EQ(decode(wire_bytes({}, Entries{Version(1), Version(5), {entry}})).status().code(), Code::corruption);
  entry = sample_entry(5, "value");
  entry.version = Version(6);
  EXPECT_EQ(decode(wire_bytes({}, Begin{entry, {}})).status().code(), Code::corruption);
}

TEST(codec, an_entry_of_version_zero_is_corrupt) {
  EXPECT_EQ(decode(wire_bytes({}, Begin{})).status().code(), Code::corruption);
}

TEST(codec, a_round_that_leaves_none_above_it_names_no_leadership) {
  for (const uint64_t round : {UINT64_MAX, uint64_t{1} << 63}) {
    const Refuse refuse{{7, MemberId(1)}, {round, MemberId(2)}};
    const Result<Received> received = decode(wire_bytes(sample_source(), refuse));
    ASSERT_TRUE(received);
    EXPECT_EQ(std::get<Refuse>(received->message).promised, ProposalNumber());
    EXPECT_EQ(std::get<Refuse>(received->message).pn, refuse.pn);
  }
}

TEST(codec, enumerators_out_of_range_are_corrupt) {
  for (const int wrong : {0, 9, 200}) {
    Probe probe;
    probe.state = static_cast<MemberState>(wrong);
    EXPECT_EQ(decode(wire_bytes({}, probe)).status().code(), Code::corruption) << wrong;
    Hello hello;
    hello.kind = static_cast<PeerKind>(wrong);
    EXPECT_EQ(decode(wire_bytes({}, hello)).status().code(), Code::corruption) << wrong;
    RangeRequest range;
    range.consistency = static_cast<Consistency>(wrong);
    EXPECT_EQ(decode(wire_bytes({}, ClientRequest{1, 1, range})).status().code(), Code::corruption) << wrong;
    const WriteRequest write{{{static_cast<WriteOp::Type>(wrong), "k", {}}}};
    EXPECT_EQ(decode(wire_bytes({}, ClientRequest{1, 1, write})).status().code(), Code::corruption) << wrong;
  }
}

TEST(codec, a_frame_over_the_limit_is_an_invalid_argument) {
  const Bytes wire = wire_bytes({}, FormPrepare{Bytes(1000, 'm')});
  const ByteView prefix = ByteView(wire).substr(0, frame_prefix_size);
  const size_t size = wire.size() - frame_prefix_size;
  EXPECT_TRUE(decode_prefix(prefix, size));
  EXPECT_EQ(decode_prefix(prefix, size - 1).status().code(), Code::invalid_argument);
}

TEST(codec, states_have_names) {
  EXPECT_STREQ(to_string(MemberState::leader), "leader");
  EXPECT_STREQ(to_string(MemberState::outsider), "outsider");
  EXPECT_STREQ(to_string(MemberState::learner), "learner");
  EXPECT_STREQ(to_string(static_cast<MemberState>(99)), "invalid");
}

}  // namespace
}  // namespace synod::test
