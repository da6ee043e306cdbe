#include "store/leveldb/hardened_env.h"

#include <string_view>
#include <utility>

#include "base/mutant.h"

namespace synod {
namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string dir_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}
bool is_write_ahead_log(const std::string& path) { return path.ends_with(".log"); }
bool is_table(const std::string& path) { return path.ends_with(".ldb"); }
bool is_manifest(const std::string& path) { return base_name(path).starts_with("MANIFEST"); }

class HardenedFile final : public leveldb::WritableFile {
 public:
  HardenedFile(std::string name, std::unique_ptr<leveldb::WritableFile> file, std::shared_ptr<SyncingEnv> base,
               std::shared_ptr<FailureLatch> latch)
      : name_(std::move(name)), file_(std::move(file)), base_(std::move(base)), latch_(std::move(latch)) {}

  // LevelDB destroys a log file without closing it, and looks at no result.
  ~HardenedFile() override { sync_write_ahead_log(); }

  leveldb::Status Append(const leveldb::Slice& data) override {
    if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
    // An edit may be on the disk long before it is synced, and must find the tables that it names there.
    if (is_manifest(name_) && !has_unsynced_bytes_) {
      leveldb::Status synced = latch_->pass(base_->SyncDir(dir_name(name_)));
      if (!synced.ok()) return synced;
    }
    has_unsynced_bytes_ = true;
    return latch_->pass(file_->Append(data));
  }

  leveldb::Status Flush() override {
    if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
    // LevelDB flushes behind each block, and reads a table only after it has synced it.
    if (is_table(name_)) return leveldb::Status::OK();
    return latch_->pass(file_->Flush());
  }

  leveldb::Status Sync() override {
    if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
    leveldb::Status synced = latch_->pass(file_->Sync());
    if (synced.ok()) has_unsynced_bytes_ = false;
    return synced;
  }

  leveldb::Status Close() override {
    sync_write_ahead_log();
    if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
    return latch_->pass(file_->Close());
  }

 private:
  void sync_write_ahead_log() {
    if (SYNOD_MUTANT("mixed-sync")) return;
    // The result is in the latch.
    if (is_write_ahead_log(name_) && has_unsynced_bytes_) static_cast<void>(Sync());
  }

  std::string name_;
  std::unique_ptr<leveldb::WritableFile> file_;
  std::shared_ptr<SyncingEnv> base_;
  std::shared_ptr<FailureLatch> latch_;
  bool has_unsynced_bytes_ = false;
};

}  // namespace

leveldb::Status FailureLatch::get() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

leveldb::Status FailureLatch::pass(leveldb::Status status) {
  if (status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (first_.ok()) first_ = status;
  return status;
}

HardenedEnv::HardenedEnv(std::shared_ptr<SyncingEnv> base)
    : SyncingEnv(base.get()), base_(std::move(base)), latch_(std::make_shared<FailureLatch>()) {}

leveldb::Status HardenedEnv::wrap(const std::string& name, leveldb::WritableFile* file,
                                  leveldb::WritableFile** result) {
  auto hardened = std::make_unique<HardenedFile>(name, std::unique_ptr<leveldb::WritableFile>(file), base_, latch_);
  if (is_write_ahead_log(name)) {
    leveldb::Status synced = SyncDir(dir_name(name));
    if (!synced.ok()) return synced;
  }
  *result = hardened.release();
  return leveldb::Status::OK();
}

leveldb::Status HardenedEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
  leveldb::WritableFile* file = nullptr;
  leveldb::Status made = latch_->pass(target()->NewWritableFile(name, &file));
  return made.ok() ? wrap(name, file, result) : made;
}

leveldb::Status HardenedEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
  leveldb::WritableFile* file = nullptr;
  leveldb::Status made = target()->NewAppendableFile(name, &file);
  if (made.IsNotSupportedError()) return made;
  return latch_->pass(made).ok() ? wrap(name, file, result) : made;
}

leveldb::Status HardenedEnv::RemoveFile(const std::string& name) {
  // What is obsolete after a write that failed may be the last good copy.
  if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
  return target()->RemoveFile(name);
}

leveldb::Status HardenedEnv::RenameFile(const std::string& from, const std::string& to) {
  if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
  leveldb::Status renamed = target()->RenameFile(from, to);
  // LevelDB renames its information log, which need not exist, without a look at the result.
  if (base_name(to) != "CURRENT") return renamed;
  return latch_->pass(renamed).ok() ? SyncDir(dir_name(to)) : renamed;
}

leveldb::Status HardenedEnv::SyncDir(const std::string& dir) {
  if (SYNOD_MUTANT("no-dir-sync")) return leveldb::Status::OK();
  if (leveldb::Status failed = latch_->get(); !failed.ok()) return failed;
  return latch_->pass(base_->SyncDir(dir));
}

}  // namespace synod
