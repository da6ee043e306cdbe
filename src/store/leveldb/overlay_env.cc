#include "store/leveldb/overlay_env.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/bytes.h"

namespace synod {

struct OverlayEnv::MemoryFile {
  std::mutex mutex;
  Bytes bytes;

  leveldb::Slice read(uint64_t offset, size_t size, char* scratch) {
    const std::lock_guard lock(mutex);
    if (offset >= bytes.size()) return {scratch, 0};
    const size_t count = std::min(size, bytes.size() - static_cast<size_t>(offset));
    std::memcpy(scratch, bytes.data() + offset, count);
    return {scratch, count};
  }
};

namespace {

using File = std::shared_ptr<OverlayEnv::MemoryFile>;

class MemorySequentialFile final : public leveldb::SequentialFile {
 public:
  explicit MemorySequentialFile(File file) : file_(std::move(file)) {}
  leveldb::Status Read(size_t size, leveldb::Slice* result, char* scratch) override {
    *result = file_->read(offset_, size, scratch);
    offset_ += result->size();
    return leveldb::Status::OK();
  }
  leveldb::Status Skip(uint64_t count) override {
    offset_ += count;
    return leveldb::Status::OK();
  }

 private:
  File file_;
  uint64_t offset_ = 0;
};

class MemoryRandomAccessFile final : public leveldb::RandomAccessFile {
 public:
  explicit MemoryRandomAccessFile(File file) : file_(std::move(file)) {}
  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result, char* scratch) const override {
    *result = file_->read(offset, size, scratch);
    return leveldb::Status::OK();
  }

 private:
  File file_;
};

class MemoryWritableFile final : public leveldb::WritableFile {
 public:
  explicit MemoryWritableFile(File file) : file_(std::move(file)) {}
  leveldb::Status Append(const leveldb::Slice& data) override {
    const std::lock_guard lock(file_->mutex);
    file_->bytes.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

 private:
  File file_;
};

class SilentLogger final : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

leveldb::Status missing(const std::string& name) { return leveldb::Status::NotFound(name, "no such file"); }

}  // namespace

OverlayEnv::OverlayEnv(std::shared_ptr<leveldb::Env> base) : EnvWrapper(base.get()), base_(std::move(base)) {}

OverlayEnv::Entry OverlayEnv::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? Alias{name} : found->second;
}

void OverlayEnv::Schedule(void (*function)(void*), void* argument) {
  const std::lock_guard lock(mutex_);
  deferred_.emplace_back(function, argument);
}

void OverlayEnv::end_background_work() {
  while (true) {
    std::vector<std::pair<void (*)(void*), void*>> work;
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
      work.swap(deferred_);
    }
    if (work.empty()) return;
    for (const auto& [function, argument] : work) function(argument);
  }
}

leveldb::Status OverlayEnv::cut(const std::string& name, uint64_t length) {
  leveldb::SequentialFile* opened = nullptr;
  leveldb::Status status = target()->NewSequentialFile(name, &opened);
  if (!status.ok()) return status;
  const std::unique_ptr<leveldb::SequentialFile> below(opened);
  auto file = std::make_shared<MemoryFile>();
  char buffer[65536];
  while (file->bytes.size() < length) {
    leveldb::Slice piece;
    status = below->Read(std::min<uint64_t>(sizeof buffer, length - file->bytes.size()), &piece, buffer);
    if (!status.ok()) return status;
    if (piece.empty()) break;
    file->bytes.append(piece.data(), piece.size());
  }
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(name, std::move(file));
  return leveldb::Status::OK();
}

leveldb::Status OverlayEnv::NewSequentialFile(const std::string& name, leveldb::SequentialFile** result) {
  *result = nullptr;
  const Entry entry = find(name);
  if (const auto* file = std::get_if<File>(&entry)) {
    *result = new MemorySequentialFile(*file);
    return leveldb::Status::OK();
  }
  const auto* alias = std::get_if<Alias>(&entry);
  return alias == nullptr ? missing(name) : target()->NewSequentialFile(alias->name, result);
}

leveldb::Status OverlayEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) {
  *result = nullptr;
  const Entry entry = find(name);
  if (const auto* file = std::get_if<File>(&entry)) {
    *result = new MemoryRandomAccessFile(*file);
    return leveldb::Status::OK();
  }
  const auto* alias = std::get_if<Alias>(&entry);
  return alias == nullptr ? missing(name) : target()->NewRandomAccessFile(alias->name, result);
}

leveldb::Status OverlayEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  const std::lock_guard lock(mutex_);
  if (is_ending_) return leveldb::Status::IOError(name, "the database is being closed");
  auto file = std::make_shared<MemoryFile>();
  *result = new MemoryWritableFile(file);
  entries_.insert_or_assign(name, std::move(file));
  return leveldb::Status::OK();
}

leveldb::Status OverlayEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  return leveldb::Status::NotSupported(name, "an overlay does not append to files");
}

bool OverlayEnv::FileExists(const std::string& name) {
  const Entry entry = find(name);
  if (const auto* alias = std::get_if<Alias>(&entry)) return target()->FileExists(alias->name);
  return std::holds_alternative<File>(entry);
}

leveldb::Status OverlayEnv::GetChildren(const std::string& dir, std::vector<std::string>* result) {
  leveldb::Status listed = target()->GetChildren(dir, result);
  if (!listed.ok()) return listed;
  std::set<std::string> names(result->begin(), result->end());
  const std::string prefix = dir + "/";
  const std::lock_guard lock(mutex_);
  for (const auto& [path, entry] : entries_) {
    if (!path.starts_with(prefix)) continue;
    const std::string name = path.substr(prefix.size());
    if (std::holds_alternative<Removed>(entry)) {
      names.erase(name);
    } else {
      names.insert(name);
    }
  }
  result->assign(names.begin(), names.end());
  return listed;
}

leveldb::Status OverlayEnv::RemoveFile(const std::string& name) {
  if (!FileExists(name)) return missing(name);
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(name, Removed{});
  return leveldb::Status::OK();
}

leveldb::Status OverlayEnv::CreateDir(const std::string& /*dir*/) { return leveldb::Status::OK(); }

leveldb::Status OverlayEnv::RemoveDir(const std::string& dir) {
  return leveldb::Status::NotSupported(dir, "an overlay does not remove directories");
}

leveldb::Status OverlayEnv::GetFileSize(const std::string& name, uint64_t* size) {
  *size = 0;
  const Entry entry = find(name);
  if (const auto* file = std::get_if<File>(&entry)) {
    const std::lock_guard lock((*file)->mutex);
    *size = (*file)->bytes.size();
    return leveldb::Status::OK();
  }
  const auto* alias = std::get_if<Alias>(&entry);
  return alias == nullptr ? missing(name) : target()->GetFileSize(alias->name, size);
}

leveldb::Status OverlayEnv::RenameFile(const std::string& from, const std::string& to) {
  if (!FileExists(from)) return missing(from);
  const Entry entry = find(from);
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(to, entry);
  entries_.insert_or_assign(from, Removed{});
  return leveldb::Status::OK();
}

leveldb::Status OverlayEnv::LockFile(const std::string& /*name*/, leveldb::FileLock** lock) {
  *lock = new leveldb::FileLock();
  return leveldb::Status::OK();
}

leveldb::Status OverlayEnv::UnlockFile(leveldb::FileLock* lock) {
  delete lock;
  return leveldb::Status::OK();
}

leveldb::Status OverlayEnv::NewLogger(const std::string& /*name*/, leveldb::Logger** result) {
  *result = new SilentLogger();
  return leveldb::Status::OK();
}

}  // namespace synod
