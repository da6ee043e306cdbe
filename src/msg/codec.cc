#include "msg/codec.h"

#include <xxhash.h>

#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "msg/codec_parts.h"
#include "msg/message_types.h"

namespace synod {
namespace {

constexpr ByteView frame_magic = "SYND";
constexpr uint16_t frame_version = 1;
constexpr size_t checksum_offset = 16;

template <class Number>
void put_little(Bytes& to, size_t offset, Number number) {
  for (size_t i = 0; i < sizeof(Number); ++i) to[offset + i] = static_cast<char>(number >> (8 * i));
}

template <class Number>
Number get_little(ByteView from, size_t offset) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) number |= uint64_t{static_cast<uint8_t>(from[offset + i])} << (8 * i);
  return static_cast<Number>(number);
}

// XXH3-64 over several pieces, which the one-shot function of base cannot do without copying the payload.
class FrameChecksum {
 public:
  FrameChecksum() : state_(XXH3_createState()) {
    SYNOD_ASSERT(state_ != nullptr, "out of memory");
    XXH3_64bits_reset(state_.get());
  }
  FrameChecksum& add(ByteView bytes) {
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
    return *this;
  }
  uint64_t finish() const { return XXH3_64bits_digest(state_.get()); }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

uint32_t frame_length(size_t size) {
  SYNOD_ASSERT(size <= std::numeric_limits<uint32_t>::max(), "a frame of 4 GiB");
  return static_cast<uint32_t>(size);
}

void write_prefix(Frame& frame, uint16_t type) {
  size_t payload_size = 0;
  for (const SharedBytes& part : frame.payload) payload_size += part.size();
  Bytes& head = frame.head;
  head.replace(0, frame_magic.size(), frame_magic);
  put_little<uint16_t>(head, 4, frame_version);
  put_little<uint16_t>(head, 6, type);
  put_little<uint32_t>(head, 8, frame_length(head.size() - frame_prefix_size));
  put_little<uint32_t>(head, 12, frame_length(payload_size));
  FrameChecksum checksum;
  checksum.add(ByteView(head).substr(0, checksum_offset)).add(ByteView(head).substr(frame_prefix_size));
  for (const SharedBytes& part : frame.payload) checksum.add(part.view());
  put_little<uint64_t>(head, checksum_offset, checksum.finish());
}

template <class M>
Result<Received> decode_as(ByteView header, SharedBytes payload) {
  codec::Unpacker unpacker(std::move(payload));
  Received received;
  M message;
  SYNOD_RETURN_IF_ERROR(codec::MessageCodec<M>::decode(header, unpacker, received.source, message));
  received.message = std::move(message);
  return received;
}

using DecodeFunction = Result<Received> (*)(ByteView, SharedBytes);

template <size_t... index>
DecodeFunction find_decoder(uint16_t type, std::index_sequence<index...>) {
  DecodeFunction found = nullptr;
  ((message_types[index].number == type ? void(found = decode_as<std::variant_alternative_t<index, Message>>) : void()),
   ...);
  return found;
}

}  // namespace

size_t Frame::size() const {
  size_t size = head.size();
  for (const SharedBytes& part : payload) size += part.size();
  return size;
}

Frame encode_frame(const Source& source, const Message& message) {
  Frame frame;
  frame.head.resize(frame_prefix_size);
  codec::Packer packer;
  std::visit(
      [&](const auto& body) {
        codec::MessageCodec<std::decay_t<decltype(body)>>::encode(source, body, packer, frame.head);
      },
      message);
  frame.payload = packer.take();
  write_prefix(frame, message_types[message.index()].number);
  return frame;
}

Result<FramePrefix> decode_prefix(ByteView bytes, size_t max_frame_bytes) {
  SYNOD_ASSERT(bytes.size() == frame_prefix_size, "a frame's prefix has 24 bytes");
  if (bytes.substr(0, frame_magic.size()) != frame_magic) return Status(Code::corruption, "not a frame of Synod");
  if (const auto version = get_little<uint16_t>(bytes, 4); version != frame_version) {
    return Status(Code::corruption, "the frame format " + std::to_string(version) + " is unknown");
  }
  FramePrefix prefix;
  prefix.type = get_little<uint16_t>(bytes, 6);
  prefix.header_size = get_little<uint32_t>(bytes, 8);
  prefix.payload_size = get_little<uint32_t>(bytes, 12);
  prefix.checksum = get_little<uint64_t>(bytes, checksum_offset);
  if (!has_message_type(prefix.type)) {
    return Status(Code::corruption, "the message type " + std::to_string(prefix.type) + " is unknown");
  }
  if (prefix.header_size > header_bytes_max) {
    return Status(Code::invalid_argument, "a header of " + std::to_string(prefix.header_size) +
                                              " bytes is over the limit of " + std::to_string(header_bytes_max));
  }
  if (const uint64_t size = uint64_t{prefix.header_size} + prefix.payload_size; size > max_frame_bytes) {
    return Status(Code::invalid_argument, "a frame of " + std::to_string(size) + " bytes is over the limit of " +
                                              std::to_string(max_frame_bytes));
  }
  return prefix;
}

Result<Received> decode_frame(ByteView prefix_bytes, const SharedBytes& body) {
  const Result<FramePrefix> prefix = decode_prefix(prefix_bytes, body.size());
  if (!prefix) return prefix.error();
  if (uint64_t{prefix->header_size} + prefix->payload_size != body.size()) {
    return Status(Code::corruption, "the frame is longer than its lengths");
  }
  FrameChecksum checksum;
  checksum.add(prefix_bytes.substr(0, checksum_offset)).add(body.view());
  if (checksum.finish() != prefix->checksum) return Status(Code::corruption, "the frame fails its checksum");
  const DecodeFunction decode = find_decoder(prefix->type, std::make_index_sequence<message_types.size()>{});
  Result<Received> received =
      decode(body.view().substr(0, prefix->header_size), body.slice(prefix->header_size, prefix->payload_size));
  if (received) return received;
  for (const MessageType& type : message_types) {
    if (type.number == prefix->type) {
      return Status(Code::corruption, std::string(type.name) + ": " + received.error().message());
    }
  }
  return received;
}

}  // namespace synod
