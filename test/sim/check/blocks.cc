#include "test/sim/check/blocks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"

namespace synod::sim {
namespace {

// A put with the reads of its value.
struct Cluster {
  const Operation* put = nullptr;
  std::vector<const Operation*> reads;
};

std::string explain(const std::string& why, std::initializer_list<const Operation*> operations) {
  std::string text = why;
  for (const Operation* operation : operations) text += "\n  " + describe(*operation);
  return text;
}

void stretch(Block& block, const Operation& operation) {
  if (block.last == nullptr || operation.invoked > block.last_invoked) {
    block.last = &operation;
    block.last_invoked = operation.invoked;
  }
  if (block.first == nullptr || operation.responded < block.first_responded) {
    block.first = &operation;
    block.first_responded = operation.responded;
  }
}

// Why this read can't have returned the value of its put; empty if it can.
std::string defect_of(const Operation& put, const Operation& read) {
  if (put.outcome == Operation::Outcome::failed) {
    return explain("a value was read whose write had certainly failed:", {&put, &read});
  }
  if (read.responded < put.invoked) return explain("a value was read before its write began:", {&read, &put});
  return {};
}

void add_cluster(const Cluster& cluster, KeyBlocks& key) {
  Block block;
  const Operation* told = nullptr;  // that told the version
  auto add = [&](const Operation& operation) {
    stretch(block, operation);
    if (operation.version == 0) return;
    if (told != nullptr && told->version != operation.version) {
      key.violation = explain("one value was told with two versions:", {cluster.put, told, &operation});
    }
    told = &operation;
    block.version = operation.version;
  };
  add(*cluster.put);
  for (const Operation* read : cluster.reads) {
    if (std::string defect = defect_of(*cluster.put, *read); !defect.empty()) key.violation = std::move(defect);
    add(*read);
  }
  key.tells_versions |= told != nullptr;
  key.blocks.push_back(block);
}

void add_absence(const Operation& operation, KeyBlocks& key) {
  Block block;
  block.effect = operation.found ? Block::Effect::erase : Block::Effect::see_absent;
  stretch(block, operation);
  key.blocks.push_back(block);
}

std::string explain_conflict(const Block& a, const Block& b) {
  return explain("none of these can come first: the first two precede the next two, and the other way round:",
                 {a.first, a.last, b.first, b.last});
}

// Two blocks that precede each other. At least one of them is answered before its last invocation: it lasts at least
// from there to there. So look for two of those that overlap, and for another block within one.
std::string find_conflict(const std::vector<Block>& blocks) {
  std::vector<const Block*> lasting;  // by first_responded; after the first loop, disjoint
  for (const Block& block : blocks) {
    if (!block.precedes(block)) continue;
    if (!lasting.empty() && block.precedes(*lasting.back())) return explain_conflict(*lasting.back(), block);
    lasting.push_back(&block);
  }
  for (const Block& block : blocks) {
    if (block.precedes(block)) continue;
    const auto after = std::partition_point(lasting.begin(), lasting.end(),
                                            [&](const Block* candidate) { return candidate->precedes(block); });
    if (after != lasting.begin() && block.precedes(**std::prev(after))) {
      return explain_conflict(**std::prev(after), block);
    }
  }
  return {};
}

using Clusters = std::map<ByteView, Cluster>;

void add_clusters(const Clusters& clusters, KeyBlocks& key) {
  for (const auto& [value, cluster] : clusters) {
    if (cluster.put == nullptr) {
      key.violation = explain("a value was read that nobody wrote:", {cluster.reads.front()});
    } else if (!cluster.reads.empty() || cluster.put->is_done()) {
      add_cluster(cluster, key);
    } else if (cluster.put->outcome == Operation::Outcome::maybe) {
      key.spare_puts.push_back(cluster.put->invoked);
    }
  }
}

}  // namespace

KeyBlocks cut_into_blocks(std::span<const Operation* const> operations) {
  KeyBlocks key;
  Clusters clusters;
  for (const Operation* operation : operations) {
    if (operation->is_put()) {
      Cluster& cluster = clusters[operation->value];
      SYNOD_ASSERT(cluster.put == nullptr, "the values of all puts are different");
      cluster.put = operation;
    } else if (operation->is_done() && operation->is_get() && operation->found) {
      clusters[operation->value].reads.push_back(operation);
    } else if (operation->is_done()) {
      add_absence(*operation, key);
    } else if (operation->outcome == Operation::Outcome::maybe && !operation->is_get()) {
      key.spare_erases.push_back(operation->invoked);
    }
  }
  add_clusters(clusters, key);
  std::sort(key.spare_puts.begin(), key.spare_puts.end());
  std::sort(key.spare_erases.begin(), key.spare_erases.end());
  std::stable_sort(key.blocks.begin(), key.blocks.end(),
                   [](const Block& a, const Block& b) { return a.first_responded < b.first_responded; });
  if (key.violation.empty()) key.violation = find_conflict(key.blocks);
  return key;
}

}  // namespace synod::sim
