// Checksums: XXH3 of the xxHash library, stable across machines and versions.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace synod {

uint64_t checksum64(ByteView bytes);

// A 128-bit digest, big-endian (XXH128 canonical form).
struct Digest {
  std::array<uint8_t, 16> bytes{};

  ByteView view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  friend auto operator<=>(const Digest&, const Digest&) = default;
};
std::string to_string(const Digest& digest);  // 32 hexadecimal digits
// REQUIRES: bytes.size() == 16.
Digest digest_from(ByteView bytes);

// Digest of a stream of fields. Each field is preceded by its length, so that no two sequences of fields collide by
// moving a boundary.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;

  Digester& add(ByteView field);
  Digester& add(uint64_t number);
  Digest finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace synod
