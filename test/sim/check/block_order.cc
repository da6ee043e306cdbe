#include "test/sim/check/block_order.h"

#include <algorithm>
#include <compare>
#include <map>
#include <utility>

namespace synod::sim {
namespace {

// Blocks are named by their place in KeyBlocks::blocks, the order of their deadlines.
using Index = uint32_t;

// Where a linearization may stand after some number of blocks.
struct Configuration {
  Index head = 0;            // the first block not taken
  uint64_t version = 0;      // of the key; 0: absent. Where no answer tells versions, 1 for all that are present
  std::vector<Index> ahead;  // blocks taken behind `head`, in order
  uint64_t puts_used = 0;    // spares
  uint64_t erases_used = 0;

  friend auto operator<=>(const Configuration&, const Configuration&) = default;

  bool is_same_place(const Configuration& other) const {
    return head == other.head && version == other.version && ahead == other.ahead;
  }
};

// What depends on the head alone.
struct AtHead {
  std::vector<Index> open;  // blocks behind the head that it need not precede, in order
  uint64_t spare_puts = 0;  // invoked in time to stand before the head
  uint64_t spare_erases = 0;
};

std::vector<AtHead> prepare(const KeyBlocks& key) {
  const std::vector<Block>& blocks = key.blocks;
  std::vector<Index> by_invocation(blocks.size());
  for (Index i = 0; i < blocks.size(); ++i) by_invocation[i] = i;
  std::stable_sort(by_invocation.begin(), by_invocation.end(),
                   [&](Index a, Index b) { return blocks[a].last_invoked < blocks[b].last_invoked; });
  std::vector<AtHead> prepared(blocks.size());
  std::vector<Index> open;
  size_t next = 0;
  auto count_until = [](const std::vector<uint64_t>& spares, uint64_t event) {
    return static_cast<uint64_t>(std::upper_bound(spares.begin(), spares.end(), event) - spares.begin());
  };
  for (Index head = 0; head < blocks.size(); ++head) {
    const uint64_t deadline = blocks[head].first_responded;
    for (; next < blocks.size() && blocks[by_invocation[next]].last_invoked <= deadline; ++next) {
      open.insert(std::lower_bound(open.begin(), open.end(), by_invocation[next]), by_invocation[next]);
    }
    open.erase(open.begin(), std::upper_bound(open.begin(), open.end(), head));
    prepared[head] = {open, count_until(key.spare_puts, deadline), count_until(key.spare_erases, deadline)};
  }
  return prepared;
}

class Search {
 public:
  explicit Search(const KeyBlocks& key) : key_(key), at_head_(prepare(key)) {}

  // Layer by layer, each narrowed to the configurations of most promise. A narrow search finds an order of most
  // histories that have one; where it gets stuck, it goes back some way and comes again on a wider front. Only a search
  // that has dropped nothing since the beginning proves that there is no order.
  Verdict::Kind run(uint64_t steps_max) {
    uint64_t steps = 0;
    size_t stuck_at = 0;  // the furthest layer from which nothing led on
    size_t attempts = 0;  // to get past it
    layers_ = {{0, true, {Configuration()}}};
    Layer layer = layers_.back();
    while (layer.taken < key_.blocks.size()) {
      steps += layer.configurations.size();
      if (steps > steps_max) return Verdict::Kind::undecided;
      const size_t reached = layer.taken;
      const bool is_past = reached > stuck_at + milestone;
      advance(layer, is_past ? narrowest : narrowest << std::min<size_t>(3 * attempts, 40));
      if (!layer.configurations.empty()) continue;
      if (layer.is_complete) return Verdict::Kind::violation;
      attempts = is_past ? 1 : attempts + 1;
      stuck_at = std::max(stuck_at, reached);
      layer = go_back(stuck_at, attempts);
    }
    return Verdict::Kind::good;
  }

 private:
  static constexpr size_t narrowest = 16;
  static constexpr size_t milestone = 64;

  struct Layer {
    size_t taken = 0;         // blocks
    bool is_complete = true;  // holds all configurations that can be reached, but for those that another dominates
    std::vector<Configuration> configurations;
  };

  void advance(Layer& layer, size_t width) {
    if (layer.taken % milestone == 0 && layer.taken > layers_.back().taken) layers_.push_back(layer);
    next_.clear();
    for (const Configuration& from : layer.configurations) expand(from);
    drop_dominated();
    layer.is_complete &= !narrow(width);
    layer.configurations.swap(next_);
    ++layer.taken;
  }

  // The last remembered layer that is far enough before the place; each attempt goes back four times as far.
  Layer go_back(size_t stuck_at, size_t attempts) {
    const size_t distance = milestone << std::min<size_t>(2 * attempts, 40);
    const size_t most = distance < stuck_at ? stuck_at - distance : 0;
    while (layers_.back().taken > most) layers_.pop_back();
    return layers_.back();
  }

  // Keeps those that used the fewest spares, and of these those that have come furthest in the order of deadlines.
  // Returns whether it dropped any.
  bool narrow(size_t width) {
    if (next_.size() <= width) return false;
    auto promise = [](const Configuration& c) { return std::pair(c.puts_used + c.erases_used, ~uint64_t{c.head}); };
    std::nth_element(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(width), next_.end(),
                     [&](const auto& a, const auto& b) { return promise(a) < promise(b); });
    next_.resize(width);
    return true;
  }

  const Block& block(Index index) const { return key_.blocks[index]; }

  // All blocks that no other one left precedes, in the order of their deadlines.
  void find_candidates(const Configuration& from) {
    candidates_.clear();
    Index second = from.head + 1;
    for (const Index taken : from.ahead) {
      if (taken != second) break;
      ++second;
    }
    if (second >= key_.blocks.size() || !block(second).precedes(block(from.head))) candidates_.push_back(from.head);
    const std::vector<Index>& open = at_head_[from.head].open;
    std::set_difference(open.begin(), open.end(), from.ahead.begin(), from.ahead.end(),
                        std::back_inserter(candidates_));
  }

  void expand(const Configuration& from) {
    find_candidates(from);
    if (from.version == 0) {
      // Changes nothing and is possible now, so it need not be tried later.
      for (const Index index : candidates_) {
        if (block(index).effect == Block::Effect::see_absent) return take(from, index, 0, 0, 0);
      }
    }
    effects_.clear();
    for (const Index index : candidates_) {
      const std::pair<Block::Effect, uint64_t> effect(block(index).effect, block(index).version);
      if (std::find(effects_.begin(), effects_.end(), effect) != effects_.end()) continue;
      effects_.push_back(effect);
      try_block(from, index);
    }
  }

  void try_block(const Configuration& from, Index index) {
    const bool is_present = from.version != 0;
    switch (block(index).effect) {
      case Block::Effect::see_absent: take(from, index, 0, 0, 1); break;
      case Block::Effect::erase: take(from, index, 0, is_present ? 0 : 1, 0); break;
      case Block::Effect::put: try_put(from, index); break;
    }
  }

  void try_put(const Configuration& from, Index index) {
    const uint64_t wanted = block(index).version;
    if (!key_.tells_versions) {
      take(from, index, 1, 0, 0);
    } else if (wanted == 0) {
      take(from, index, from.version + 1, 0, 0);
      if (from.version != 0) take(from, index, 1, 0, 1);
    } else if (from.version < wanted) {
      take(from, index, wanted, wanted - 1 - from.version, 0);
    } else {
      take(from, index, wanted, wanted - 1, 1);
    }
  }

  // Takes a block after so many spares, if there are so many, which leaves the key at `version`.
  void take(const Configuration& from, Index index, uint64_t version, uint64_t puts, uint64_t erases) {
    const AtHead& at_head = at_head_[from.head];
    if (from.puts_used + puts > at_head.spare_puts || from.erases_used + erases > at_head.spare_erases) return;
    Configuration to{from.head, version, {}, from.puts_used + puts, from.erases_used + erases};
    to.ahead.reserve(from.ahead.size() + 1);
    to.ahead = from.ahead;
    if (index != to.head) {
      to.ahead.insert(std::lower_bound(to.ahead.begin(), to.ahead.end(), index), index);
    } else {
      ++to.head;
      auto passed = to.ahead.begin();
      for (; passed != to.ahead.end() && *passed == to.head; ++passed) ++to.head;
      to.ahead.erase(to.ahead.begin(), passed);
    }
    next_.push_back(std::move(to));
  }

  // Of configurations that stand at the same place, keeps those that no other one reached with fewer spares.
  void drop_dominated() {
    std::sort(next_.begin(), next_.end());
    size_t kept = 0;
    for (size_t i = 0; i < next_.size(); ++i) {
      // In order of puts, and for equal puts of erases: the kept one before has fewer puts, and the fewest erases yet.
      if (kept > 0 && next_[kept - 1].is_same_place(next_[i]) && next_[kept - 1].erases_used <= next_[i].erases_used) {
        continue;
      }
      if (kept != i) next_[kept] = std::move(next_[i]);
      ++kept;
    }
    next_.resize(kept);
  }

  const KeyBlocks& key_;
  const std::vector<AtHead> at_head_;
  std::vector<Layer> layers_;  // that are remembered, the first among them
  std::vector<Configuration> next_;
  std::vector<Index> candidates_;                            // of the configuration at hand
  std::vector<std::pair<Block::Effect, uint64_t>> effects_;  // that were tried from it
};

}  // namespace

Verdict::Kind find_order(const KeyBlocks& key, uint64_t steps_max) { return Search(key).run(steps_max); }

}  // namespace synod::sim
