// For targets whose input is a script: a run of steps, each a kind and a field of bytes.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/codec.h"

namespace synod::fuzz {

struct Step {
  uint8_t kind = 0;
  uint8_t number = 0;
  ByteView bytes;
};

inline void put_step(Bytes& script, uint8_t kind, uint8_t number, ByteView bytes = {}) {
  script += static_cast<char>(kind);
  script += static_cast<char>(number);
  put_field(script, bytes);
}

// A length that is too long means the rest.
inline std::optional<Step> next_step(ByteView& script) {
  constexpr size_t head_size = 1 + 1 + 4;
  if (script.size() < head_size) return std::nullopt;
  Decoder decoder(script);
  Step step;
  step.kind = decoder.fixed8();
  step.number = decoder.fixed8();
  const uint32_t length = decoder.fixed32();
  script.remove_prefix(head_size);
  step.bytes = script.substr(0, length);
  script.remove_prefix(step.bytes.size());
  return step;
}

}  // namespace synod::fuzz
