// Damage of whole data directories at or below the durable bound: refused with a sentence, and nothing is touched.
// Damage past it is a torn tail.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "disk_run.h"
#include "store/bound_file.h"
#include "store/leveldb/level_db.h"
#include "store/leveldb/log_file.h"
#include "store/leveldb/manifest.h"
#include "store/leveldb/wal_scan.h"

namespace synod::sim {
namespace {

// Every file of a disk by its path.
using Image = std::map<std::string, Bytes>;

void read_tree(FileSystem& files, const std::string& dir, Image& image) {
  const Result<std::vector<std::string>> names = files.list(dir);
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    const std::string path = dir + "/" + name;
    if (files.is_directory(path)) {
      read_tree(files, path, image);
    } else {
      image.emplace(path, *files.read_file(path));
    }
  }
}

Image image_of(LevelDbDisk& disk) {
  Image image;
  const std::shared_ptr<DiskLife> life = disk.disk().start_life();
  read_tree(*life, LevelDbDisk::path, image);
  return image;
}

std::unique_ptr<LevelDbDisk> disk_with(const Image& image) {
  auto disk = std::make_unique<LevelDbDisk>(SimDisk::Options{});
  const std::shared_ptr<DiskLife> life = disk->disk().start_life();
  for (const auto& [path, bytes] : image) {
    EXPECT_TRUE(life->make_directories(path.substr(0, path.rfind('/'))).is_ok());
    EXPECT_TRUE(life->rewrite_and_sync(path, bytes).is_ok());
  }
  return disk;
}

// The logs in use, and where in them the last batch up to the bound ends.
struct Log {
  std::string path;
  uint64_t covered = 0;
};
std::vector<Log> logs_of(const Image& image, uint64_t bound) {
  const std::string store = "data/store.1/";
  const std::string& current = image.at(store + "CURRENT");
  const ManifestState manifest = read_manifest(image.at(store + current.substr(0, current.size() - 1)));
  std::vector<Log> logs;
  for (const auto& [path, bytes] : image) {
    const std::optional<uint64_t> number = wal_number(path.substr(path.rfind('/') + 1));
    if (!number || !manifest.uses_log(*number)) continue;
    Log log{path, 0};
    LogFileReader reader(bytes);
    while (const std::optional<Bytes> record = reader.next()) {
      if (read_wal_batch(*record)->sequence.value_or(0) <= bound) log.covered = reader.end();
    }
    logs.push_back(log);
  }
  return logs;
}

// What a start on these files says, and the commits that it finds. One that refuses changes nothing, but where the logs
// are empty: then only the tables tell, and LevelDB has opened them.
struct Start {
  Status status;
  uint64_t found = 0;
};
Start start_on(const Image& image, const CommitRun& run) {
  const std::unique_ptr<LevelDbDisk> disk = disk_with(image);
  const uint64_t changes = disk->changes();
  Life life(*disk);
  life.open_store();
  if (life.status().is_ok()) return {Status::ok(), run.commits_in(life.db())};
  const std::vector<Log> logs = logs_of(image, 0);
  const bool is_empty =
      std::all_of(logs.begin(), logs.end(), [&](const Log& log) { return image.at(log.path).empty(); });
  EXPECT_TRUE(is_empty || disk->changes() == changes + 1)
      << "more than the sync of the directory, and " << life.status().to_string();
  return {life.status(), 0};
}

bool is_refusal(const Status& status) {
  return status.code() == Code::corruption && status.message().ends_with(store_advice);
}

// A disk on which the last commit of a run was visible only.
Image image_after(CommitRun& run, uint64_t commits) {
  LevelDbDisk disk(SimDisk::Options{});
  {
    Life life(disk);
    life.form();
    life.open_store();
    run.go(life.engine(), commits);
    life.end();
  }
  return image_of(disk);
}

TEST(Damage, every_flipped_byte_up_to_the_bound_is_refused_and_behind_it_cut_off) {
  CommitRun run(11, 20);
  const Image image = image_after(run, 11);
  ASSERT_EQ(run.durable(), 9U);
  const std::vector<Log> logs = logs_of(image, run.durable() + 1);  // the first batch made the store
  ASSERT_EQ(logs.size(), 1U);
  const auto& [path, covered] = logs[0];
  ASSERT_GT(covered, 1000U);
  ASSERT_LT(covered, image.at(path).size());
  for (uint64_t at = 0; at < image.at(path).size(); ++at) {
    Image damaged = image;
    damaged[path][at] = static_cast<char>(damaged[path][at] ^ (1 << at % 8));
    const auto [status, found] = start_on(damaged, run);
    if (at < covered) {
      ASSERT_TRUE(is_refusal(status)) << "byte " << at << ": " << status.to_string() << ", found " << found;
      ASSERT_NE(status.message().find(path + " at byte "), std::string::npos) << status.message();
    } else {
      ASSERT_TRUE(status.is_ok()) << "byte " << at << ": " << status.to_string();
      ASSERT_TRUE(found == 9 || found == 10) << found;
    }
  }
}

TEST(Damage, a_log_cut_below_the_bound_is_refused_and_behind_it_taken) {
  CommitRun run(11, 20);
  const Image image = image_after(run, 11);
  const auto [path, covered] = logs_of(image, run.durable() + 1).at(0);
  for (uint64_t length = 0; length < image.at(path).size(); ++length) {
    Image damaged = image;
    damaged[path].resize(length);
    const auto [status, found] = start_on(damaged, run);
    if (length < covered) {
      ASSERT_TRUE(is_refusal(status)) << "length " << length << ": " << status.to_string() << ", found " << found;
      ASSERT_NE(status.message().find("was rolled back"), std::string::npos) << status.message();
    } else {
      ASSERT_TRUE(status.is_ok()) << "length " << length << ": " << status.to_string();
      ASSERT_TRUE(found == 9 || found == 10) << found;
    }
  }
  Image damaged = image;
  damaged.erase(path);
  EXPECT_TRUE(is_refusal(start_on(damaged, run).status));
}

// Two logs are in use when the power fails while the older one is being turned into a table. The bound may cover both:
// that work is done behind the commits.
Image image_with_two_logs() {
  for (uint64_t n = 1; n < 600; n += 2) {
    LevelDbDisk disk(SimDisk::Options{.seed = n});
    {
      CommitRun run(120, 1200);
      Life life(disk);
      life.form();
      life.open_store();
      disk.freeze_at_call(disk.changes() + n);
      run.go(life.engine());
      SeededRandom random(n);
      life.cut_power(PowerCut::pages_kept, random);
    }
    const Image image = image_of(disk);
    const std::vector<Log> logs = logs_of(image, std::numeric_limits<uint64_t>::max());
    if (logs.size() != 2 || logs[1].covered == 0 || logs[1].covered != image.at(logs[1].path).size()) continue;
    const std::shared_ptr<DiskLife> life = disk.disk().start_life();
    const auto db = open_level_db_read_only("data/store.1", small_buffers, {}, *life);
    EXPECT_TRUE(db) << db.error().to_string();
    EXPECT_TRUE(BoundFile(*life, LevelDbDisk::path).write(1, *read_bound(*(*db)->new_iterator())).is_ok());
    return image_of(disk);
  }
  return {};
}

TEST(Damage, in_each_of_two_logs_is_refused) {
  const CommitRun run(120, 1200);
  const Image image = image_with_two_logs();
  ASSERT_FALSE(image.empty()) << "no cut left two logs in use";
  ASSERT_TRUE(start_on(image, run).status.is_ok());
  for (const auto& [path, covered] : logs_of(image, std::numeric_limits<uint64_t>::max())) {
    constexpr uint64_t block = 32768;
    for (uint64_t at = 0; at < covered; at += 211) {
      if (at % block >= block - 6) continue;  // may be what fills up a block
      Image damaged = image;
      damaged[path][at] = static_cast<char>(damaged[path][at] ^ (1 << at % 8));
      const Start flipped = start_on(damaged, run);
      ASSERT_TRUE(is_refusal(flipped.status)) << path << " byte " << at << ": " << flipped.status.to_string();
      damaged[path] = image.at(path).substr(0, at);
      const Start cut = start_on(damaged, run);
      ASSERT_TRUE(is_refusal(cut.status)) << path << " cut at " << at << ": " << cut.status.to_string();
    }
    Image damaged = image;
    damaged.erase(path);
    const Start without = start_on(damaged, run);
    EXPECT_TRUE(is_refusal(without.status)) << path << ": " << without.status.to_string();
  }
}

// Each older store under each newer bound, also over starts and over full logs.
TEST(Damage, an_older_store_under_a_newer_bound_was_rolled_back) {
  CommitRun run(54, 1500);
  LevelDbDisk disk(SimDisk::Options{});
  std::vector<Image> images;
  for (uint64_t commits = 0; commits <= 54; commits += 9) {
    Life life(disk);
    if (commits == 0) life.form();
    life.open_store();
    run.go(life.engine(), commits);
    life.end();
    images.push_back(image_of(disk));
  }
  ASSERT_EQ(run.durable(), 54U) << run.failure().to_string();
  for (size_t older = 0; older < images.size(); ++older) {
    for (size_t newer = older; newer < images.size(); ++newer) {
      Image mixed = images[newer];
      std::erase_if(mixed, [](const auto& file) { return file.first.starts_with("data/store."); });
      mixed.insert(images[older].begin(), images[older].end());
      const auto [status, found] = start_on(mixed, run);
      if (older == newer) {
        EXPECT_TRUE(status.is_ok() && found == newer * 9) << status.to_string();
      } else {
        EXPECT_TRUE(is_refusal(status)) << older << " under " << newer << ": " << status.to_string();
        EXPECT_NE(status.message().find("store.1 was rolled back"), std::string::npos) << status.message();
      }
    }
  }
}

}  // namespace
}  // namespace synod::sim
