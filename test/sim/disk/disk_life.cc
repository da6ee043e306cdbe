// DiskLife: the FileSystem of one process life on a SimDisk.
#include <fmt/format.h>

#include "base/assert.h"
#include "test/sim/disk/sim_disk.h"
#include "test/sim/disk/sim_env.h"

namespace synod::sim {
namespace {

Status failed(const char* action, const std::string& path, DiskError error) {
  if (error == DiskError::none) return Status::ok();
  return Status(Code::io_error, fmt::format("cannot {} {}: {}", action, path, error_text(error)));
}

class HeldLock final : public FileSystem::Lock {
 public:
  HeldLock(std::shared_ptr<DiskLife> life, std::string path) : life_(std::move(life)), path_(std::move(path)) {}
  ~HeldLock() override {
    if (life_->disk() != nullptr) life_->disk()->unlock(path_);
  }

 private:
  std::shared_ptr<DiskLife> life_;
  std::string path_;
};

}  // namespace

Result<Bytes> DiskLife::read_file(const std::string& path) {
  if (disk_ == nullptr) return failed("open", path, DiskError::dead);
  DiskNodePtr file;
  const DiskError opened = disk_->open(path, file);
  if (opened == DiskError::not_found) return Status(Code::not_found, fmt::format("{} does not exist", path));
  if (opened != DiskError::none) return failed("open", path, opened);
  ByteView bytes;
  const DiskError error = disk_->read(file, 0, file->file.size(), bytes);
  if (error != DiskError::none) return failed("read", path, error);
  return Bytes(bytes);
}

Status DiskLife::write_and_sync(const DiskNodePtr& file, const std::string& path, ByteView bytes) {
  SYNOD_RETURN_IF_ERROR(failed("write", path, disk_->write(file, 0, bytes)));
  return failed("sync", path, disk_->sync(file));
}

Status DiskLife::overwrite_and_sync(const std::string& path, ByteView bytes) {
  if (disk_ == nullptr) return failed("open for writing", path, DiskError::dead);
  DiskNodePtr file;
  SYNOD_RETURN_IF_ERROR(failed("open for writing", path, disk_->create(path, file)));
  return write_and_sync(file, path, bytes);
}

Status DiskLife::rewrite_and_sync(const std::string& path, ByteView bytes) {
  if (disk_ == nullptr) return failed("create", path, DiskError::dead);
  DiskNodePtr file;
  SYNOD_RETURN_IF_ERROR(failed("create", path, disk_->create(path, file)));
  if (file->file.size() > 0) SYNOD_RETURN_IF_ERROR(failed("create", path, disk_->truncate(file, 0)));
  return write_and_sync(file, path, bytes);
}

Status DiskLife::truncate_and_sync(const std::string& path, uint64_t size) {
  if (disk_ == nullptr) return failed("truncate", path, DiskError::dead);
  DiskNodePtr file;
  SYNOD_RETURN_IF_ERROR(failed("open for writing", path, disk_->open(path, file)));
  SYNOD_RETURN_IF_ERROR(failed("truncate", path, disk_->truncate(file, size)));
  return failed("sync", path, disk_->sync(file));
}

Status DiskLife::rename_file(const std::string& from, const std::string& to) {
  return failed("rename to", to, disk_ == nullptr ? DiskError::dead : disk_->rename(from, to));
}

Status DiskLife::link_file(const std::string& existing, const std::string& name) {
  return failed("link to", name, disk_ == nullptr ? DiskError::dead : disk_->link(existing, name));
}

Status DiskLife::sync_directory(const std::string& dir) {
  return failed("sync the directory", dir, disk_ == nullptr ? DiskError::dead : disk_->sync_directory(dir));
}

bool DiskLife::exists(const std::string& path) { return disk_ != nullptr && disk_->find(path) != nullptr; }

bool DiskLife::is_directory(const std::string& path) {
  const DiskNodePtr node = disk_ == nullptr ? nullptr : disk_->find(path);
  return node != nullptr && node->is_directory;
}

Result<std::vector<std::string>> DiskLife::list(const std::string& dir) {
  std::vector<std::string> names;
  const DiskError error = disk_ == nullptr ? DiskError::dead : disk_->list(dir, names);
  if (error != DiskError::none) return failed("list the directory", dir, error);
  return names;
}

Status DiskLife::make_directories(const std::string& path) {
  if (disk_ == nullptr) return failed("create the data directory", path, DiskError::dead);
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string dir = path.substr(0, end);
    if (!is_directory(dir)) {
      SYNOD_RETURN_IF_ERROR(failed("create the data directory", path, disk_->make_directory(dir)));
      const size_t slash = dir.rfind('/');
      SYNOD_RETURN_IF_ERROR(sync_directory(slash == std::string::npos ? "" : dir.substr(0, slash)));
    }
    if (end == std::string::npos) return Status::ok();
  }
}

Status DiskLife::remove_tree(const std::string& path) {
  if (!exists(path)) return failed("remove", path, disk_ == nullptr ? DiskError::dead : DiskError::none);
  if (is_directory(path)) {
    const Result<std::vector<std::string>> names = list(path);
    if (!names) return names.error();
    for (const std::string& name : *names) SYNOD_RETURN_IF_ERROR(remove_tree(path + "/" + name));
  }
  return failed("remove", path, disk_->remove(path));
}

Result<std::unique_ptr<FileSystem::Lock>> DiskLife::lock_directory(const std::string& dir) {
  if (disk_ == nullptr) return failed("lock", dir, DiskError::dead);
  if (disk_->is_frozen()) return failed("lock", dir, DiskError::io_error);
  const std::string path = dir + "/lock";
  if (!disk_->lock(path)) return Status(Code::in_use, fmt::format("the data directory {} is in use", dir));
  return std::unique_ptr<Lock>(std::make_unique<HeldLock>(shared_from_this(), path));
}

std::shared_ptr<SyncingEnv> DiskLife::new_env() { return std::make_shared<SimEnv>(shared_from_this()); }

void DiskLife::drain() {
  for (size_t runs = 0; !work_.empty(); ++runs) {
    SYNOD_ASSERT(runs < 1'000'000, "background work ends");
    const auto [function, argument] = work_.front();
    work_.pop_front();
    function(argument);
  }
}

}  // namespace synod::sim
