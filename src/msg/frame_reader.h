// Puts the frames of one connection together from whatever pieces arrive. Memory follows what was received, never what
// a length claims. Used by src/msg, and by the client, whose connections have no link.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/status.h"
#include "msg/codec.h"

namespace synod {

class FrameReader {
 public:
  explicit FrameReader(size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  // Takes bytes off the front of `bytes`, at most to the end of the frame. Returns the message when it is complete, and
  // nothing when more bytes are needed. REQUIRES: it has not failed before.
  Result<std::optional<Received>> read(ByteView& bytes);

  enum class Progress { between_frames, in_prefix, in_body };
  Progress progress() const;

 private:
  Status read_prefix(ByteView& bytes);
  void read_body(ByteView& bytes);

  size_t max_frame_bytes_;
  std::array<char, frame_prefix_size> prefix_bytes_{};
  size_t prefix_filled_ = 0;
  size_t body_size_ = 0;  // known once the prefix is complete
  Bytes body_;
};

}  // namespace synod
