#include "msg/frame_reader.h"

#include <algorithm>
#include <utility>

namespace synod {

Result<std::optional<Received>> FrameReader::read(ByteView& bytes) {
  SYNOD_RETURN_IF_ERROR(read_prefix(bytes));
  if (prefix_filled_ < prefix_bytes_.size()) return std::optional<Received>();
  read_body(bytes);
  if (body_.size() < body_size_) return std::optional<Received>();
  prefix_filled_ = 0;
  Result<Received> received =
      decode_frame({prefix_bytes_.data(), prefix_bytes_.size()}, SharedBytes(std::exchange(body_, Bytes())));
  if (!received) return received.error();
  return std::optional<Received>(std::move(*received));
}

FrameReader::Progress FrameReader::progress() const {
  if (prefix_filled_ == 0) return Progress::between_frames;
  return prefix_filled_ < prefix_bytes_.size() ? Progress::in_prefix : Progress::in_body;
}

Status FrameReader::read_prefix(ByteView& bytes) {
  if (prefix_filled_ == prefix_bytes_.size()) return Status::ok();
  const size_t taken = bytes.copy(prefix_bytes_.data() + prefix_filled_, prefix_bytes_.size() - prefix_filled_);
  prefix_filled_ += taken;
  bytes.remove_prefix(taken);
  if (prefix_filled_ < prefix_bytes_.size()) return Status::ok();
  const Result<FramePrefix> prefix = decode_prefix({prefix_bytes_.data(), prefix_bytes_.size()}, max_frame_bytes_);
  if (!prefix) return prefix.error();
  body_size_ = size_t{prefix->header_size} + prefix->payload_size;
  return Status::ok();
}

void FrameReader::read_body(ByteView& bytes) {
  const size_t taken = std::min(bytes.size(), body_size_ - body_.size());
  if (const size_t needed = body_.size() + taken; needed > body_.capacity()) {
    body_.reserve(std::min(body_size_, std::max(needed, 2 * body_.capacity())));
  }
  body_.append(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
}

}  // namespace synod
