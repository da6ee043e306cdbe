#include "test/sim/disk/sim_env.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace synod::sim {
namespace {

leveldb::Status failed(const std::string& path, DiskError error) {
  if (error == DiskError::none) return leveldb::Status::OK();
  if (error == DiskError::not_found) return leveldb::Status::NotFound(path, error_text(error));
  return leveldb::Status::IOError(path, error_text(error));
}

class SimFile final : public leveldb::SequentialFile, public leveldb::RandomAccessFile {
 public:
  SimFile(std::shared_ptr<DiskLife> life, DiskNodePtr file) : life_(std::move(life)), file_(std::move(file)) {}

  leveldb::Status Read(size_t n, leveldb::Slice* result, char* scratch) override {
    leveldb::Status status = Read(offset_, n, result, scratch);
    offset_ += result->size();
    return status;
  }
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result, char* scratch) const override {
    *result = leveldb::Slice(scratch, 0);
    if (life_->disk() == nullptr) return failed(file_->path, DiskError::dead);
    ByteView bytes;
    const DiskError error = life_->disk()->read(file_, offset, n, bytes);
    if (error != DiskError::none) return failed(file_->path, error);
    std::copy(bytes.begin(), bytes.end(), scratch);
    *result = leveldb::Slice(scratch, bytes.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Skip(uint64_t n) override {
    offset_ += n;
    return leveldb::Status::OK();
  }

 private:
  std::shared_ptr<DiskLife> life_;
  DiskNodePtr file_;
  uint64_t offset_ = 0;
};

class SimWritableFile final : public leveldb::WritableFile {
 public:
  SimWritableFile(std::shared_ptr<DiskLife> life, DiskNodePtr file) : life_(std::move(life)), file_(std::move(file)) {}
  ~SimWritableFile() override { static_cast<void>(Flush()); }

  leveldb::Status Append(const leveldb::Slice& data) override {
    buffer_.append(data.data(), data.size());
    return buffer_.size() < buffer_bytes ? leveldb::Status::OK() : Flush();
  }
  leveldb::Status Flush() override {
    if (buffer_.empty()) return leveldb::Status::OK();
    if (life_->disk() == nullptr) return failed(file_->path, DiskError::dead);
    const DiskError error = life_->disk()->write(file_, file_->file.size(), buffer_);
    buffer_.clear();
    return failed(file_->path, error);
  }
  leveldb::Status Sync() override {
    leveldb::Status flushed = Flush();
    if (!flushed.ok()) return flushed;
    if (life_->disk() == nullptr) return failed(file_->path, DiskError::dead);
    return failed(file_->path, life_->disk()->sync(file_));
  }
  leveldb::Status Close() override { return Flush(); }

 private:
  static constexpr size_t buffer_bytes = 64 << 10;

  std::shared_ptr<DiskLife> life_;
  DiskNodePtr file_;
  std::string buffer_;
};

class SimLock final : public leveldb::FileLock {
 public:
  explicit SimLock(std::string lock_path) : path(std::move(lock_path)) {}
  const std::string path;
};

class NullLogger final : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

}  // namespace

leveldb::Status SimEnv::NewSequentialFile(const std::string& name, leveldb::SequentialFile** result) {
  *result = nullptr;
  DiskNodePtr file;
  const DiskError error = life_->disk() == nullptr ? DiskError::dead : life_->disk()->open(name, file);
  if (error == DiskError::none) *result = new SimFile(life_, std::move(file));
  return failed(name, error);
}

leveldb::Status SimEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) {
  *result = nullptr;
  DiskNodePtr file;
  const DiskError error = life_->disk() == nullptr ? DiskError::dead : life_->disk()->open(name, file);
  if (error == DiskError::none) *result = new SimFile(life_, std::move(file));
  return failed(name, error);
}

leveldb::Status SimEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  DiskNodePtr file;
  DiskError error = life_->disk() == nullptr ? DiskError::dead : life_->disk()->create(name, file);
  if (error == DiskError::none && file->file.size() > 0) error = life_->disk()->truncate(file, 0);
  if (error == DiskError::none) *result = new SimWritableFile(life_, std::move(file));
  return failed(name, error);
}

leveldb::Status SimEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  DiskNodePtr file;
  const DiskError error = life_->disk() == nullptr ? DiskError::dead : life_->disk()->create(name, file);
  if (error == DiskError::none) *result = new SimWritableFile(life_, std::move(file));
  return failed(name, error);
}

bool SimEnv::FileExists(const std::string& name) { return life_->exists(name); }

leveldb::Status SimEnv::GetChildren(const std::string& dir, std::vector<std::string>* result) {
  return failed(dir, life_->disk() == nullptr ? DiskError::dead : life_->disk()->list(dir, *result));
}

leveldb::Status SimEnv::RemoveFile(const std::string& name) {
  return failed(name, life_->disk() == nullptr ? DiskError::dead : life_->disk()->remove(name));
}

leveldb::Status SimEnv::CreateDir(const std::string& dir) {
  return failed(dir, life_->disk() == nullptr ? DiskError::dead : life_->disk()->make_directory(dir));
}

leveldb::Status SimEnv::RemoveDir(const std::string& dir) { return RemoveFile(dir); }

leveldb::Status SimEnv::GetFileSize(const std::string& name, uint64_t* size) {
  *size = 0;
  DiskNodePtr file;
  const DiskError error = life_->disk() == nullptr ? DiskError::dead : life_->disk()->open(name, file);
  if (error == DiskError::none) *size = file->file.size();
  return failed(name, error);
}

leveldb::Status SimEnv::RenameFile(const std::string& from, const std::string& to) {
  return failed(from, life_->disk() == nullptr ? DiskError::dead : life_->disk()->rename(from, to));
}

leveldb::Status SimEnv::SyncDir(const std::string& dir) {
  return failed(dir, life_->disk() == nullptr ? DiskError::dead : life_->disk()->sync_directory(dir));
}

leveldb::Status SimEnv::LockFile(const std::string& name, leveldb::FileLock** lock) {
  *lock = nullptr;
  if (life_->disk() == nullptr) return failed(name, DiskError::dead);
  if (!life_->disk()->lock(name)) return failed(name, DiskError::locked);
  *lock = new SimLock(name);
  return leveldb::Status::OK();
}

leveldb::Status SimEnv::UnlockFile(leveldb::FileLock* lock) {
  const std::unique_ptr<SimLock> held(static_cast<SimLock*>(lock));
  if (life_->disk() != nullptr) life_->disk()->unlock(held->path);
  return leveldb::Status::OK();
}

void SimEnv::StartThread(void (*)(void*), void*) { SYNOD_ASSERT(false, "the simulator has one thread"); }

leveldb::Status SimEnv::GetTestDirectory(std::string*) { return leveldb::Status::NotSupported("no such directory"); }

leveldb::Status SimEnv::NewLogger(const std::string& /*name*/, leveldb::Logger** result) {
  *result = new NullLogger();
  return leveldb::Status::OK();
}

uint64_t SimEnv::NowMicros() { return life_->disk() == nullptr ? 0 : life_->disk()->now_micros(); }

}  // namespace synod::sim
