// leveldb::Env with the one call that durability needs and that LevelDB's interface lacks. PosixEnv implements it on
// the disk, the simulator in memory.
#pragma once

#include <leveldb/env.h>

#include <string>

namespace synod {

class SyncingEnv : public leveldb::EnvWrapper {
 public:
  using EnvWrapper::EnvWrapper;

  // Makes files created in, renamed in and removed from the directory durable as such, not their contents.
  virtual leveldb::Status SyncDir(const std::string& dir) = 0;
};

}  // namespace synod
