// The names of a disk: a tree of directories, each as processes see it and as a power cut would leave it. Creations,
// renames and removals are kept in order until they are durable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/sim/disk/file_image.h"

namespace synod::sim {

struct DiskNode {
  using Names = std::map<std::string, std::shared_ptr<DiskNode>, std::less<>>;

  bool is_directory = false;
  std::string path;
  FileClass file_class = FileClass::other;
  FileImage file;
  size_t links = 1;  // names that it has; none once it was removed: an open file may live on
  Names live;
  Names durable;
};
using DiskNodePtr = std::shared_ptr<DiskNode>;

class DiskTree {
 public:
  // Strict: only syncing a directory makes its names durable, each for itself (POSIX). Otherwise they become durable in
  // the order in which they were made, as in the journal of ext4, and syncing a file takes the journal up to its own
  // name along.
  explicit DiskTree(bool is_strict);

  DiskNodePtr find(std::string_view path) const;
  // The directory in which the last name of the path stands; null if there is none.
  DiskNodePtr parent_of(std::string_view path) const;
  static std::string_view last_name(std::string_view path);

  // REQUIRES of all: `dir` is a directory that holds, or does not hold, the names.
  DiskNodePtr add(const DiskNodePtr& dir, std::string_view name, bool is_directory);
  // A second name for a file.
  void link(const DiskNodePtr& file, const DiskNodePtr& dir, std::string_view name);
  void remove(const DiskNodePtr& dir, std::string_view name);
  void rename(const DiskNodePtr& dir, std::string_view from, std::string_view to);

  void sync_directory(const DiskNodePtr& dir);
  void sync_file(const DiskNodePtr& file);

  CutReport cut_power(PowerCut mode, SeededRandom& random);
  // What all_lost would leave.
  DiskTree durable_copy() const;
  // Of all files that have a name.
  uint64_t used_bytes() const;

 private:
  struct NameChange {
    DiskNodePtr dir;
    std::string name;
    DiskNodePtr node;      // null: the name is removed
    std::string old_name;  // of a rename, else empty
  };
  static void apply(const NameChange& change);
  // The first `count` become durable.
  void apply_first(size_t count);

  bool is_strict_;
  DiskNodePtr root_;
  std::vector<NameChange> pending_;
};

}  // namespace synod::sim
