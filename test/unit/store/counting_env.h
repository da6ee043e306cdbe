// An Env for tests, over the disk: counts what is synced, fails what a test wants to fail, holds background work, and
// shows what a power cut would leave of a directory. Header only; needs leveldb and synod_store.
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "store/leveldb/posix_env.h"

namespace synod::test {

enum class EnvCall { create, append, flush, sync, close, rename, remove, sync_dir };

class CountingEnv final : public SyncingEnv {
 public:
  // Asked before each call; an error fails the call, which then has no effect.
  using Fault = std::function<leveldb::Status(EnvCall, const std::string& name)>;

  CountingEnv() : CountingEnv(std::make_shared<PosixEnv>()) {}
  explicit CountingEnv(std::shared_ptr<SyncingEnv> base) : SyncingEnv(base.get()), base_(std::move(base)) {}

  // Of all files, of one file or directory, and of files by the end of their name.
  int file_syncs() const { return count(EnvCall::sync, ""); }
  int dir_syncs() const { return count(EnvCall::sync_dir, ""); }
  int count(EnvCall call, const std::string& name_end) const {
    const std::lock_guard lock(mutex_);
    int sum = 0;
    for (const auto& [key, calls] : calls_) {
      if (key.first == call && key.second.ends_with(name_end)) sum += calls;
    }
    return sum;
  }
  // The calls so far, in order, as (call, name).
  std::vector<std::pair<EnvCall, std::string>> history() const {
    const std::lock_guard lock(mutex_);
    return history_;
  }

  void set_fault(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }

  // Background work waits while it is held.
  void hold_background_work() {
    const std::lock_guard lock(mutex_);
    holds_work_ = true;
  }
  void release_background_work() {
    std::vector<std::pair<void (*)(void*), void*>> held;
    {
      const std::lock_guard lock(mutex_);
      holds_work_ = false;
      held.swap(held_);
    }
    for (const auto& [function, argument] : held) target()->Schedule(function, argument);
  }

  // Copies the files of `from` into the new directory `to`, each without the bytes that were not synced.
  void copy_synced(const std::string& from, const std::string& to) const {
    std::filesystem::create_directory(to);
    const std::lock_guard lock(mutex_);
    for (const auto& entry : std::filesystem::directory_iterator(from)) {
      std::ifstream in(entry.path(), std::ios::binary);
      std::stringstream bytes;
      bytes << in.rdbuf();
      std::string kept = bytes.str();
      const auto sizes = sizes_.find(entry.path().string());
      if (sizes != sizes_.end()) kept.resize(std::min(kept.size(), sizes->second->synced.load()));
      std::ofstream(std::filesystem::path(to) / entry.path().filename(), std::ios::binary) << kept;
    }
  }

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override {
    *result = nullptr;
    if (leveldb::Status failed = note(EnvCall::create, name); !failed.ok()) return failed;
    leveldb::WritableFile* file = nullptr;
    leveldb::Status made = target()->NewWritableFile(name, &file);
    if (!made.ok()) return made;
    auto sizes = std::make_shared<Sizes>();
    *result = new File(*this, name, std::unique_ptr<leveldb::WritableFile>(file), sizes);
    const std::lock_guard lock(mutex_);
    sizes_[name] = std::move(sizes);
    return made;
  }
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override {
    if (leveldb::Status failed = note(EnvCall::rename, to); !failed.ok()) return failed;
    leveldb::Status renamed = target()->RenameFile(from, to);
    const std::lock_guard lock(mutex_);
    if (const auto sizes = sizes_.find(from); renamed.ok() && sizes != sizes_.end()) {
      sizes_[to] = sizes->second;
      sizes_.erase(from);
    }
    return renamed;
  }
  leveldb::Status RemoveFile(const std::string& name) override {
    if (leveldb::Status failed = note(EnvCall::remove, name); !failed.ok()) return failed;
    return target()->RemoveFile(name);
  }
  leveldb::Status SyncDir(const std::string& dir) override {
    if (leveldb::Status failed = note(EnvCall::sync_dir, dir); !failed.ok()) return failed;
    return base_->SyncDir(dir);
  }
  void Schedule(void (*function)(void*), void* argument) override {
    {
      const std::lock_guard lock(mutex_);
      if (holds_work_) {
        held_.emplace_back(function, argument);
        return;
      }
    }
    target()->Schedule(function, argument);
  }

 private:
  struct Sizes {
    std::atomic<size_t> written{0};
    std::atomic<size_t> synced{0};
  };

  class File final : public leveldb::WritableFile {
   public:
    File(CountingEnv& env, std::string name, std::unique_ptr<leveldb::WritableFile> file, std::shared_ptr<Sizes> sizes)
        : env_(env), name_(std::move(name)), file_(std::move(file)), sizes_(std::move(sizes)) {}

    leveldb::Status Append(const leveldb::Slice& data) override {
      if (leveldb::Status failed = env_.note(EnvCall::append, name_); !failed.ok()) return failed;
      sizes_->written += data.size();
      return file_->Append(data);
    }
    leveldb::Status Flush() override {
      if (leveldb::Status failed = env_.note(EnvCall::flush, name_); !failed.ok()) return failed;
      return file_->Flush();
    }
    leveldb::Status Sync() override {
      if (leveldb::Status failed = env_.note(EnvCall::sync, name_); !failed.ok()) return failed;
      leveldb::Status synced = file_->Sync();
      if (synced.ok()) sizes_->synced = sizes_->written.load();
      return synced;
    }
    leveldb::Status Close() override {
      if (leveldb::Status failed = env_.note(EnvCall::close, name_); !failed.ok()) return failed;
      return file_->Close();
    }

   private:
    CountingEnv& env_;
    std::string name_;
    std::unique_ptr<leveldb::WritableFile> file_;
    std::shared_ptr<Sizes> sizes_;
  };

  leveldb::Status note(EnvCall call, const std::string& name) {
    const std::lock_guard lock(mutex_);
    ++calls_[{call, name}];
    history_.emplace_back(call, name);
    return fault_ ? fault_(call, name) : leveldb::Status::OK();
  }

  std::shared_ptr<SyncingEnv> base_;
  mutable std::mutex mutex_;
  Fault fault_;
  std::map<std::pair<EnvCall, std::string>, int> calls_;
  std::vector<std::pair<EnvCall, std::string>> history_;
  std::map<std::string, std::shared_ptr<Sizes>> sizes_;
  bool holds_work_ = false;
  std::vector<std::pair<void (*)(void*), void*>> held_;
};

}  // namespace synod::test
