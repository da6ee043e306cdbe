// What the parts of the codec share; private to src/msg, without protobuf. One file for each family of messages
// (codec_member.cc, codec_paxos.cc, ...) defines MessageCodec for its messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "base/log_entry.h"
#include "base/status.h"
#include "msg/messages.h"

namespace synod::codec {

// Collects the payload of a frame: values in the order in which their lengths are met in the header.
class Packer {
 public:
  // Returns the length, which goes into the header.
  uint64_t put(const SharedBytes& value);
  std::vector<SharedBytes> take() { return std::move(payload_); }

 private:
  std::vector<SharedBytes> payload_;
};

// Turns fields from the network into checked values, and cuts values off the payload. The first failure stays; what is
// read after it is empty or zero.
class Unpacker {
 public:
  explicit Unpacker(SharedBytes payload) : payload_(std::move(payload)) {}

  SharedBytes value(uint64_t size);
  Digest digest(const std::string& bytes);
  Fsid fsid(const std::string& bytes);
  // REQUIRES: the enumerators of E are 1 to `last` without a hole.
  template <class E>
  E enumerator(uint32_t number, E last) {
    if (number >= 1 && number <= static_cast<uint32_t>(last)) return static_cast<E>(number);
    fail("a field has the unknown value " + std::to_string(number));
    return last;
  }
  void fail(const std::string& why);

  bool has_failed() const { return !status_.is_ok(); }
  // Fails also when payload is left over.
  Status finish();

 private:
  SharedBytes payload_;
  size_t used_ = 0;
  Status status_;
};

template <class M>
struct MessageCodec {
  // Appends the header to `head`.
  static void encode(const Source& source, const M& message, Packer& packer, Bytes& head);
  static Status decode(ByteView header, Unpacker& unpacker, Source& source, M& message);
};

}  // namespace synod::codec
