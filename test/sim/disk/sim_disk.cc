#include "test/sim/disk/sim_disk.h"

#include <algorithm>

#include "base/assert.h"

namespace synod::sim {

SimDisk::SimDisk(Options options, DiskTree tree)
    : options_(std::move(options)), tree_(std::move(tree)), random_(options_.seed), used_(tree_.used_bytes()) {}

std::shared_ptr<DiskLife> SimDisk::start_life() {
  end_life();
  life_ = std::make_shared<DiskLife>(*this);
  return life_;
}

void SimDisk::end_life() {
  if (life_ != nullptr) life_->disk_ = nullptr;
  life_.reset();
  locks_.clear();
}

CutReport SimDisk::cut_power(PowerCut mode, SeededRandom& random) {
  end_life();
  const CutReport report = tree_.cut_power(mode, random);
  used_ = tree_.used_bytes();
  is_frozen_ = false;
  freeze_at_ = 0;
  return report;
}

std::unique_ptr<SimDisk> SimDisk::durable_copy() const {
  return std::unique_ptr<SimDisk>(new SimDisk(options_, tree_.durable_copy()));
}

DiskError SimDisk::begin(const Call& call) {
  if (is_frozen_) return DiskError::io_error;
  const bool is_counted = is_change(call.kind);
  ++(is_counted ? changes_ : looks_);
  const std::optional<FaultKind> fault = faults_.meet(call.kind, call.file);
  DiskError error = DiskError::none;
  if (fault) error = *fault == FaultKind::no_space ? DiskError::no_space : DiskError::io_error;
  if (is_counted && changes_ == freeze_at_) {
    is_frozen_ = true;
    error = DiskError::io_error;
  }
  if (observer_) observer_({changes_, call.kind, call.path, call.file, call.offset, call.bytes, error});
  return error;
}

DiskError SimDisk::open(const std::string& path, DiskNodePtr& file) {
  if (is_frozen_) return DiskError::io_error;
  DiskNodePtr found = tree_.find(path);
  if (found == nullptr) return DiskError::not_found;
  if (found->is_directory) return DiskError::wrong_kind;
  file = std::move(found);
  return DiskError::none;
}

DiskError SimDisk::create(const std::string& path, DiskNodePtr& file) {
  if (const DiskError opened = open(path, file); opened != DiskError::not_found) return opened;
  const DiskNodePtr dir = tree_.parent_of(path);
  if (dir == nullptr) return DiskError::not_found;
  const DiskError error = begin({DiskCall::create, path, class_of(path)});
  // A name that was just made when the power failed may be there.
  if (error == DiskError::none || is_frozen_) file = tree_.add(dir, DiskTree::last_name(path), false);
  return error;
}

DiskError SimDisk::read(const DiskNodePtr& file, uint64_t offset, size_t size, ByteView& bytes) {
  const DiskError error = begin({DiskCall::read, file->path, file->file_class, offset});
  if (error != DiskError::none) return error;
  const ByteView all = file->file.bytes();
  bytes = offset < all.size() ? all.substr(offset, size) : ByteView();
  return DiskError::none;
}

DiskError SimDisk::write(const DiskNodePtr& file, uint64_t offset, ByteView bytes) {
  const bool was_frozen = is_frozen_;
  DiskError error = begin({DiskCall::write, file->path, file->file_class, offset, bytes});
  if (was_frozen) return error;
  if (error != DiskError::none) bytes = bytes.substr(0, random_.below(bytes.size() + 1));
  const uint64_t before = file->file.size();
  const uint64_t grown_to = offset + bytes.size();
  if (capacity_ != 0 && grown_to > before && used_ + (grown_to - before) > capacity_) {
    const uint64_t fits_to = before + (capacity_ - std::min(used_, capacity_));
    bytes = bytes.substr(0, fits_to - std::min(offset, fits_to));
    error = DiskError::no_space;
  }
  file->file.write(offset, bytes);
  if (file->links > 0) used_ += file->file.size() - before;
  return error;
}

DiskError SimDisk::truncate(const DiskNodePtr& file, uint64_t size) {
  const bool was_frozen = is_frozen_;
  const DiskError error = begin({DiskCall::truncate, file->path, file->file_class, size});
  if (was_frozen || (error != DiskError::none && !is_frozen_)) return error;
  const uint64_t before = file->file.size();
  file->file.truncate(size);
  if (file->links > 0) used_ = used_ + file->file.size() - before;
  return error;
}

DiskError SimDisk::sync(const DiskNodePtr& file) {
  const bool was_frozen = is_frozen_;
  const DiskError error = begin({DiskCall::sync, file->path, file->file_class});
  if (error == DiskError::none) {
    file->file.sync();
    tree_.sync_file(file);
  } else if (!was_frozen && !is_frozen_) {
    file->file.fail_sync(random_);
  }
  return error;
}

DiskError SimDisk::rename(const std::string& from, const std::string& to) {
  if (is_frozen_) return DiskError::io_error;
  const DiskNodePtr dir = tree_.parent_of(from);
  SYNOD_ASSERT(dir == tree_.parent_of(to), "renames stay in their directory");
  const DiskNodePtr node = tree_.find(from);
  if (dir == nullptr || node == nullptr) return DiskError::not_found;
  const DiskNodePtr replaced = tree_.find(to);
  if (replaced != nullptr && replaced->is_directory) return DiskError::wrong_kind;
  const DiskError error = begin({DiskCall::rename, from, class_of(to), 0, to});
  if (error == DiskError::none || is_frozen_) {
    if (replaced != nullptr && replaced->links == 1) used_ -= replaced->file.size();
    tree_.rename(dir, DiskTree::last_name(from), DiskTree::last_name(to));
  }
  return error;
}

DiskError SimDisk::link(const std::string& existing, const std::string& name) {
  if (is_frozen_) return DiskError::io_error;
  const DiskNodePtr file = tree_.find(existing);
  const DiskNodePtr dir = tree_.parent_of(name);
  if (file == nullptr || dir == nullptr) return DiskError::not_found;
  if (file->is_directory || tree_.find(name) != nullptr) return DiskError::wrong_kind;
  const DiskError error = begin({DiskCall::create, name, class_of(name)});
  if (error == DiskError::none || is_frozen_) tree_.link(file, dir, DiskTree::last_name(name));
  return error;
}

DiskError SimDisk::remove(const std::string& path) {
  if (is_frozen_) return DiskError::io_error;
  const DiskNodePtr node = tree_.find(path);
  const DiskNodePtr dir = tree_.parent_of(path);
  if (node == nullptr || dir == nullptr) return DiskError::not_found;
  if (!node->live.empty()) return DiskError::wrong_kind;
  const DiskError error = begin({DiskCall::remove, path, node->file_class});
  if (error == DiskError::none || is_frozen_) {
    if (node->links == 1) used_ -= node->file.size();
    tree_.remove(dir, DiskTree::last_name(path));
  }
  return error;
}

DiskError SimDisk::make_directory(const std::string& path) {
  if (is_frozen_) return DiskError::io_error;
  const DiskNodePtr dir = tree_.parent_of(path);
  if (dir == nullptr) return DiskError::not_found;
  if (tree_.find(path) != nullptr) return DiskError::wrong_kind;
  const DiskError error = begin({DiskCall::make_directory, path});
  if (error == DiskError::none || is_frozen_) tree_.add(dir, DiskTree::last_name(path), true);
  return error;
}

DiskError SimDisk::sync_directory(const std::string& path) {
  if (is_frozen_) return DiskError::io_error;
  const DiskNodePtr dir = tree_.find(path);
  if (dir == nullptr) return DiskError::not_found;
  if (!dir->is_directory) return DiskError::wrong_kind;
  const DiskError error = begin({DiskCall::sync_directory, path});
  if (error == DiskError::none) tree_.sync_directory(dir);
  return error;
}

DiskError SimDisk::list(const std::string& path, std::vector<std::string>& names) {
  names.clear();
  if (is_frozen_) return DiskError::io_error;
  const DiskNodePtr dir = tree_.find(path);
  if (dir == nullptr) return DiskError::not_found;
  if (!dir->is_directory) return DiskError::wrong_kind;
  const DiskError error = begin({DiskCall::list, path});
  if (error != DiskError::none) return error;
  for (const auto& [name, node] : dir->live) names.push_back(name);
  return DiskError::none;
}

}  // namespace synod::sim
