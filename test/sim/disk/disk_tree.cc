#include "test/sim/disk/disk_tree.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.h"

namespace synod::sim {
namespace {

// The first name of the path, which is taken off; empty at its end.
std::string_view take_name(std::string_view& path) {
  const size_t begin = std::min(path.find_first_not_of('/'), path.size());
  path.remove_prefix(begin);
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

DiskNodePtr new_directory(std::string path) {
  auto node = std::make_shared<DiskNode>();
  node->is_directory = true;
  node->path = std::move(path);
  return node;
}

// Names that were not durable do not count, and others may come back.
void forget_links(DiskNode& node) {
  node.links = 0;
  for (const DiskNode::Names* names : {&node.live, &node.durable}) {
    for (const auto& [name, child] : *names) forget_links(*child);
  }
}

void settle(DiskNode& node, PowerCut mode, SeededRandom& random, CutReport& report) {
  node.live = node.durable;
  for (const auto& [name, child] : node.live) {
    ++child->links;
    child->path = node.path + "/" + name;
    child->file_class = class_of(child->path);
    if (child->is_directory) {
      settle(*child, mode, random, report);
    } else if (child->file.cut_power(mode, random)) {
      ++report.torn_files;
      if (child->file_class == FileClass::wal) ++report.torn_wals;
    }
  }
}

DiskNodePtr copy_durable(const DiskNode& from, const std::string& path) {
  auto copy = std::make_shared<DiskNode>();
  copy->is_directory = from.is_directory;
  copy->path = path;
  copy->file_class = class_of(path);
  copy->file = from.file.durable_copy();
  for (const auto& [name, child] : from.durable) copy->durable.emplace(name, copy_durable(*child, path + "/" + name));
  copy->live = copy->durable;
  return copy;
}

uint64_t used_below(const DiskNode& node, std::set<const DiskNode*>& counted) {
  if (!counted.insert(&node).second) return 0;
  uint64_t sum = node.is_directory ? 0 : node.file.size();
  for (const auto& [name, child] : node.live) sum += used_below(*child, counted);
  return sum;
}

}  // namespace

DiskTree::DiskTree(bool is_strict) : is_strict_(is_strict), root_(new_directory("")) {}

DiskNodePtr DiskTree::find(std::string_view path) const {
  DiskNodePtr at = root_;
  for (std::string_view name = take_name(path); !name.empty(); name = take_name(path)) {
    const auto found = at->live.find(name);
    if (found == at->live.end()) return nullptr;
    at = found->second;
  }
  return at;
}

std::string_view DiskTree::last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

DiskNodePtr DiskTree::parent_of(std::string_view path) const {
  DiskNodePtr dir = find(path.substr(0, path.size() - last_name(path).size()));
  return dir != nullptr && dir->is_directory ? dir : nullptr;
}

DiskNodePtr DiskTree::add(const DiskNodePtr& dir, std::string_view name, bool is_directory) {
  std::string path = dir->path + "/" + std::string(name);
  DiskNodePtr node = is_directory ? new_directory(path) : std::make_shared<DiskNode>();
  node->file_class = class_of(path);
  node->path = std::move(path);
  dir->live.emplace(name, node);
  pending_.push_back({dir, std::string(name), node, {}});
  return node;
}

void DiskTree::link(const DiskNodePtr& file, const DiskNodePtr& dir, std::string_view name) {
  SYNOD_ASSERT(!file->is_directory && dir->live.find(name) == dir->live.end(), "a name that is given is free");
  ++file->links;
  dir->live.emplace(name, file);
  pending_.push_back({dir, std::string(name), file, {}});
}

void DiskTree::remove(const DiskNodePtr& dir, std::string_view name) {
  const auto at = dir->live.find(name);
  SYNOD_ASSERT(at != dir->live.end(), "a name that is removed exists");
  --at->second->links;
  dir->live.erase(at);
  pending_.push_back({dir, std::string(name), nullptr, {}});
}

void DiskTree::rename(const DiskNodePtr& dir, std::string_view from, std::string_view to) {
  auto moved = dir->live.extract(dir->live.find(from));
  SYNOD_ASSERT(!moved.empty(), "a name that is changed exists");
  const DiskNodePtr node = moved.mapped();
  const auto replaced = dir->live.find(to);
  if (replaced != dir->live.end()) {
    --replaced->second->links;
    dir->live.erase(replaced);
  }
  dir->live.emplace(to, node);
  node->path = dir->path + "/" + std::string(to);
  node->file_class = class_of(node->path);
  pending_.push_back({dir, std::string(to), node, std::string(from)});
}

void DiskTree::apply(const NameChange& change) {
  DiskNode::Names& names = change.dir->durable;
  if (!change.old_name.empty()) names.erase(change.old_name);
  if (change.node == nullptr) {
    names.erase(change.name);
  } else {
    names.insert_or_assign(change.name, change.node);
  }
}

void DiskTree::apply_first(size_t count) {
  const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(count);
  std::for_each(pending_.begin(), end, apply);
  pending_.erase(pending_.begin(), end);
}

void DiskTree::sync_directory(const DiskNodePtr& dir) {
  auto is_own = [&](const NameChange& change) { return change.dir == dir; };
  if (is_strict_) {
    for (const NameChange& change : pending_) {
      if (is_own(change)) apply(change);
    }
    std::erase_if(pending_, is_own);
    return;
  }
  const auto last = std::find_if(pending_.rbegin(), pending_.rend(), is_own);
  apply_first(static_cast<size_t>(pending_.rend() - last));
}

void DiskTree::sync_file(const DiskNodePtr& file) {
  if (is_strict_) return;
  const auto last =
      std::find_if(pending_.rbegin(), pending_.rend(), [&](const NameChange& change) { return change.node == file; });
  apply_first(static_cast<size_t>(pending_.rend() - last));
}

CutReport DiskTree::cut_power(PowerCut mode, SeededRandom& random) {
  CutReport report;
  if (mode != PowerCut::all_lost && !pending_.empty()) {
    if (is_strict_) {
      std::erase_if(pending_, [&](const NameChange& change) {
        const bool is_kept = random.chance(50);
        if (is_kept) apply(change);
        return is_kept;
      });
    } else {
      apply_first(random.below(pending_.size() + 1));
    }
  }
  report.lost_names = pending_.size();
  pending_.clear();
  forget_links(*root_);
  settle(*root_, mode, random, report);
  return report;
}

DiskTree DiskTree::durable_copy() const {
  DiskTree copy(is_strict_);
  copy.root_ = copy_durable(*root_, "");
  return copy;
}

uint64_t DiskTree::used_bytes() const {
  std::set<const DiskNode*> counted;
  return used_below(*root_, counted);
}

}  // namespace synod::sim
