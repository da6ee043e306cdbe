#include "base/checksum.h"

#include <xxhash.h>

#include <algorithm>

#include "base/assert.h"
#include "base/codec.h"

namespace synod {

uint64_t checksum64(ByteView bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string to_string(const Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest.bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Digest digest_from(ByteView bytes) {
  Digest digest;
  SYNOD_ASSERT(bytes.size() == digest.bytes.size(), "a digest has 16 bytes");
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

struct Digester::State {
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> xxh{XXH3_createState()};
};

Digester::Digester() : state_(std::make_unique<State>()) {
  SYNOD_ASSERT(state_->xxh != nullptr, "out of memory");
  XXH3_128bits_reset(state_->xxh.get());
}
Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

Digester& Digester::add(ByteView field) {
  add(static_cast<uint64_t>(field.size()));
  XXH3_128bits_update(state_->xxh.get(), field.data(), field.size());
  return *this;
}

Digester& Digester::add(uint64_t number) {
  Bytes encoded;
  put_fixed64(encoded, number);
  XXH3_128bits_update(state_->xxh.get(), encoded.data(), encoded.size());
  return *this;
}

Digest Digester::finish() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh.get()));
  Digest digest;
  std::copy(std::begin(canonical.digest), std::end(canonical.digest), digest.bytes.begin());
  return digest;
}

}  // namespace synod
