#include "msg/codec_parts.h"

#include <algorithm>
#include <utility>

namespace synod::codec {

uint64_t Packer::put(const SharedBytes& value) {
  if (!value.empty()) payload_.push_back(value);
  return value.size();
}

SharedBytes Unpacker::value(uint64_t size) {
  if (size > payload_.size() - used_) {
    fail("the payload is shorter than the lengths in the header");
    return {};
  }
  SharedBytes value = payload_.slice(used_, static_cast<size_t>(size));
  used_ += static_cast<size_t>(size);
  return value;
}

Digest Unpacker::digest(const std::string& bytes) {
  if (bytes.size() == sizeof(Digest::bytes)) return digest_from(bytes);
  fail("a hash has " + std::to_string(bytes.size()) + " bytes instead of 16");
  return {};
}

Fsid Unpacker::fsid(const std::string& bytes) {
  Fsid fsid;
  if (bytes.size() == fsid.bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), fsid.bytes.begin());
  } else {
    fail("a cluster id has " + std::to_string(bytes.size()) + " bytes instead of 16");
  }
  return fsid;
}

void Unpacker::fail(const std::string& why) {
  if (status_.is_ok()) status_ = Status(Code::corruption, why);
}

Status Unpacker::finish() {
  if (used_ != payload_.size()) fail("the payload is longer than the lengths in the header");
  return status_;
}

}  // namespace synod::codec
