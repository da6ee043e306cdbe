#include "test/fuzz/mutate.h"

#include <algorithm>
#include <array>

namespace synod::fuzz {
namespace {

constexpr size_t input_bytes_max = 64 << 10;

// Where lengths, counts and versions go wrong.
constexpr std::array<uint64_t, 12> edge_numbers = {
    0, 1, 2, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, UINT64_MAX >> 1, UINT64_MAX};

}  // namespace

// SplitMix64.
uint64_t Mutator::random() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

uint64_t Mutator::below(uint64_t bound) { return bound == 0 ? 0 : random() % bound; }

Bytes Mutator::next(const std::vector<Bytes>& corpus) {
  Bytes input = corpus[below(corpus.size())];
  for (uint64_t changes = 1 + below(4); changes > 0; --changes) change(input, corpus);
  if (input.size() > input_bytes_max) input.resize(input_bytes_max);
  return input;
}

void Mutator::write_edge_number(Bytes& input) {
  const size_t width = size_t{1} << below(4);
  const size_t at = below(input.size());
  const bool is_big_endian = below(2) == 0;
  const uint64_t number = edge_numbers[below(edge_numbers.size())];
  for (size_t i = 0; i < width && at + i < input.size(); ++i) {
    const size_t byte = is_big_endian ? width - 1 - i : i;
    input[at + i] = static_cast<char>(number >> (8 * byte) & 0xff);
  }
}

void Mutator::change(Bytes& input, const std::vector<Bytes>& corpus) {
  const size_t at = below(input.size());
  const size_t length = std::min<size_t>(input.size() - at, 1 + below(below(2) == 0 ? 8 : 256));
  switch (below(9)) {
    case 0:
      if (!input.empty()) input[at] = static_cast<char>(input[at] ^ 1 << below(8));
      break;
    case 1:
      if (!input.empty()) input[at] = static_cast<char>(below(256));
      break;
    case 2: write_edge_number(input); break;
    case 3: input.erase(at, length); break;
    case 4: input.resize(at); break;
    case 5: input.insert(at, 1 + below(4), static_cast<char>(below(256))); break;
    case 6: input.insert(below(input.size()), Bytes(input, at, length)); break;
    case 7: std::reverse(input.begin() + static_cast<long>(at), input.begin() + static_cast<long>(at + length)); break;
    default: {
      const Bytes& other = corpus[below(corpus.size())];
      const size_t from = below(other.size());
      input.insert(at, other, from, 1 + below(other.size() - from));
    }
  }
}

}  // namespace synod::fuzz
