// The history of one key, cut into blocks: the units which a linearization puts in order. See linearizability.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "test/sim/check/history.h"

namespace synod::sim {

struct Block {
  enum class Effect : uint8_t {
    put,         // makes the key present
    erase,       // makes a present key absent
    see_absent,  // a get, or an erase, that found nothing: changes nothing
  };
  Effect effect = Effect::put;
  uint64_t version = 0;              // put: what it makes the key's version, if an answer told it, else 0
  const Operation* last = nullptr;   // the operation that was invoked last
  const Operation* first = nullptr;  // the operation that was answered first
  uint64_t last_invoked = 0;
  uint64_t first_responded = 0;

  bool precedes(const Block& other) const { return first_responded < other.last_invoked; }
};

struct KeyBlocks {
  std::vector<Block> blocks;  // by first_responded
  // Events at which writes of unknown outcome were invoked that no answer shows to have happened; in order.
  std::vector<uint64_t> spare_puts;
  std::vector<uint64_t> spare_erases;
  bool tells_versions = false;
  std::string violation;  // empty, or why no order exists; then the rest is of no use
};

// REQUIRES: all operations have one key.
KeyBlocks cut_into_blocks(std::span<const Operation* const> operations);

}  // namespace synod::sim
