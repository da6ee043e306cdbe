#include "msg/frame_reader.h"

#include <gtest/gtest.h>

#include "test/unit/msg/fake_transport.h"
#include "test/unit/msg/samples.h"

namespace synod::test {
namespace {

std::vector<std::string> read_in_pieces(const Bytes& wire, size_t piece_size) {
  FrameReader reader(32 << 20);
  std::vector<std::string> messages;
  for (size_t offset = 0; offset < wire.size(); offset += piece_size) {
    for (ByteView piece = ByteView(wire).substr(offset, piece_size); !piece.empty();) {
      Result<std::optional<Received>> received = reader.read(piece);
      EXPECT_TRUE(received);
      if (!received) return messages;
      if (*received) messages.push_back(describe((*received)->message));
    }
  }
  EXPECT_EQ(reader.progress(), FrameReader::Progress::between_frames);
  return messages;
}

TEST(frame_reader, frames_come_out_whole_whatever_the_pieces) {
  Bytes wire;
  std::vector<std::string> expected;
  for (const Message& message : sample_messages()) {
    wire += wire_bytes(sample_source(), message);
    expected.push_back(describe(message));
  }
  for (const size_t piece_size :
       {size_t{1}, size_t{2}, size_t{23}, size_t{24}, size_t{25}, size_t{1000}, wire.size()}) {
    EXPECT_EQ(read_in_pieces(wire, piece_size), expected) << piece_size;
  }
}

TEST(frame_reader, progress_tells_what_is_unfinished) {
  FrameReader reader(1000);
  const Bytes wire = wire_bytes({}, Hello{});
  const auto read = [&reader](ByteView bytes) { return reader.read(bytes); };
  EXPECT_EQ(reader.progress(), FrameReader::Progress::between_frames);
  ASSERT_TRUE(read(ByteView(wire).substr(0, 1)));
  EXPECT_EQ(reader.progress(), FrameReader::Progress::in_prefix);
  ASSERT_TRUE(read(ByteView(wire).substr(1, 23)));
  EXPECT_EQ(reader.progress(), FrameReader::Progress::in_body);
  ASSERT_TRUE(read(ByteView(wire).substr(24)));
  EXPECT_EQ(reader.progress(), FrameReader::Progress::between_frames);
}

TEST(frame_reader, a_length_over_the_limit_fails_before_any_body_arrives) {
  Bytes prefix = wire_bytes({}, Hello{}).substr(0, frame_prefix_size);
  prefix.replace(8, 8, Bytes(8, '\xff'));
  FrameReader reader(1000);
  ByteView bytes = prefix;
  EXPECT_EQ(reader.read(bytes).status().code(), Code::invalid_argument);
}

}  // namespace
}  // namespace synod::test
