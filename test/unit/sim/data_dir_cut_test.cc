// Power cuts at every call of what DataDir and TwinFile do: the old state or the new one, never none.
#include "store/data_dir.h"

#include <gtest/gtest.h>

#include "disk_run.h"
#include "every_cut.h"
#include "store/leveldb/level_db.h"
#include "store/store_names.h"
#include "store/twin_file.h"

namespace synod::sim {
namespace {

TEST(TwinFileUnderPowerCuts, holds_the_old_or_the_new_record) {
  for (const uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    for_each_cut([&](const Cut& cut) {
      SimDisk disk({.is_strict = cut.is_strict, .seed = seed});
      SeededRandom random(seed * 1000 + cut.call);
      disk.freeze_at_call(cut.call);
      auto life = disk.start_life();
      const auto record = [](int number) { return std::to_string(number) + std::string(6000, 'r'); };
      int written = 0;
      TwinFile twin(*life, "", "identity");
      while (written < 5 && twin.write(record(written + 1)).is_ok()) ++written;
      const bool was_cut = disk.is_frozen();
      disk.cut_power(cut.mode, random);
      life = disk.start_life();
      const Result<std::optional<Bytes>> found = TwinFile(*life, "", "identity").read();
      EXPECT_TRUE(found) << found.error().to_string();
      if (!found) return was_cut;
      EXPECT_TRUE(written == 0 || found->has_value()) << "a record is lost";
      if (found->has_value()) {
        EXPECT_TRUE(**found == record(written) || **found == record(written + 1)) << (*found)->substr(0, 3);
      }
      EXPECT_TRUE(TwinFile(*life, "", "identity").write("next").is_ok());
      EXPECT_EQ(*TwinFile(*life, "", "identity").read(), "next");
      return was_cut;
    });
  }
}

// What a member does outside of its log: it is formed, writes its identity, and copies its store, once by a clone, and
// the last time since it was not what it should be, with commits between.
struct Story {
  int identity = 0;  // the last that was acknowledged as durable
  bool is_formed = false;
  static constexpr uint64_t last_commit = 27;
  CommitRun run{last_commit, 500};

  // Until something fails.
  void go(Life& life) {
    for (; identity < 2; ++identity) {
      if (!life.status().is_ok() || !life.home().write_identity(std::to_string(identity + 1)).is_ok()) return;
    }
    life.form("3");
    if (!life.status().is_ok()) return;
    is_formed = true;
    identity = 3;
    life.open_store();
    for (const uint64_t last : {uint64_t{9}, uint64_t{18}, last_commit}) {
      if (!life.status().is_ok()) return;
      run.go(life.engine(), last);
      if (!run.failure().is_ok()) return;
      std::vector<WriteJob> jobs(1);
      jobs[0].identity = std::to_string(identity + 1);
      if (!life.engine().write(jobs).is_ok()) return;
      ++identity;
      if (last == 18) {
        life.sync_with_its_clone(RunHistory::of(500).entry(last));
      } else {
        life.sync_from_itself(RunHistory::of(500).entry(last), last == last_commit);
      }
    }
  }

  // What a start finds is no less than was acknowledged, and no more than was done.
  void check(Life& life) {
    const Result<std::optional<Bytes>> stored = life.home().read_identity();
    ASSERT_TRUE(stored) << stored.error().to_string();
    const int found = std::stoi(stored->value_or("0"));
    EXPECT_TRUE(found == identity || found == identity + 1) << "identity " << found << " after " << identity;
    if (!life.home().has_store()) {
      EXPECT_FALSE(is_formed);
      return;
    }
    life.open_store();
    ASSERT_TRUE(life.status().is_ok()) << life.status().to_string();
    const uint64_t commits = run.commits_in(life.db());
    EXPECT_GE(commits, run.durable());
    EXPECT_LE(commits, run.tried());
  }

  // The store that the last copy has left is kept, as it was, by whatever start finds the new one.
  void check_evidence(LevelDbDisk& disk) {
    const std::unique_ptr<SimDisk> copy = disk.disk().durable_copy();
    const std::shared_ptr<DiskLife> files = copy->start_life();
    const std::string dir = LevelDbDisk::path;
    const Result<std::string> current = read_current_store(*files, dir);
    const bool is_left = current && *current == "store.4";
    EXPECT_EQ(files->is_directory(dir + "/evidence"), is_left);
    EXPECT_FALSE(is_left && files->is_directory(dir + "/store.3"));
    if (!is_left) return;
    Result<std::unique_ptr<KeyValueDB>> db =
        open_level_db(dir + "/evidence", small_buffers, OpenMode::existing, make_disk_env(*files));
    ASSERT_TRUE(db) << db.error().to_string();
    EXPECT_EQ(run.commits_in(**db), last_commit);
    files->drain();
  }

  // A start in which the power fails at some call, or after it. What it found counts from then on.
  void start_and_cut(MemberDisk& disk, SeededRandom& random) {
    disk.freeze_at_call(disk.changes() + 1 + random.below(40));
    Life life(disk);
    bool is_open = life.status().is_ok();
    if (is_open && life.home().has_store()) {
      life.open_store();
      is_open = life.status().is_ok();
      if (is_open) is_formed = true;
      // Behind the start LevelDB may have gone on, and met the end of the power.
      if (is_open && !disk.is_frozen()) run.resume_after(run.commits_in(life.db()));
    }
    const Result<std::optional<Bytes>> stored = is_open ? life.home().read_identity() : life.status();
    if (stored && stored->has_value()) {
      const int found = std::stoi(**stored);
      EXPECT_GE(found, identity);
      // As a member does before it says anything. If this fails, what was found may be there or not.
      if (life.home().write_identity(**stored).is_ok()) identity = found;
    }
    const Status& status = life.status();
    EXPECT_TRUE(status.is_ok() || (disk.is_frozen() && status.code() == Code::io_error)) << status.to_string();
    life.cut_power(every_power_cut[random.below(std::size(every_power_cut))], random);
  }
};

TEST(DataDirUnderPowerCuts, has_what_was_acknowledged_after_one_cut_and_after_more) {
  for_each_cut([&](const Cut& cut) {
    LevelDbDisk disk({.is_strict = cut.is_strict, .seed = cut.call});
    SeededRandom random(cut.call);
    Story story;
    disk.freeze_at_call(cut.call);
    bool was_cut = false;
    {
      Life life(disk);
      story.go(life);
      was_cut = disk.is_frozen();
      life.cut_power(cut.mode, random);
    }
    for (uint64_t again = cut.call % 3; again > 0; --again) story.start_and_cut(disk, random);
    Life life(disk);
    EXPECT_TRUE(life.status().is_ok()) << life.status().to_string();
    if (life.status().is_ok()) story.check_evidence(disk);
    if (life.status().is_ok()) story.check(life);
    return was_cut;
  });
}

// A call fails, and the process with it; the next one starts on what the page cache shows, and then the power fails.
TEST(DataDirUnderPowerCuts, has_what_was_acknowledged_after_a_failure_and_a_cut_of_the_next_start) {
  for_each_cut([&](const Cut& cut) {
    LevelDbDisk disk({.is_strict = cut.is_strict, .seed = cut.call});
    SeededRandom random(cut.call * 4 + static_cast<uint64_t>(cut.mode));
    // Also as if it had been killed: then nothing is done after the call.
    const bool is_killed = cut.mode == PowerCut::all_lost || cut.mode == PowerCut::prefix_kept;
    disk.fail({.nth = cut.call, .times = is_killed ? 0U : 1U});
    bool has_failed = false;
    disk.on_call([&](const DiskEvent& event) { has_failed |= event.error != DiskError::none; });
    Story story;
    {
      Life life(disk);
      story.go(life);
    }
    disk.clear_faults();
    for (uint64_t again = cut.call % 3; again > 0; --again) story.start_and_cut(disk, random);
    Life life(disk);
    EXPECT_TRUE(life.status().is_ok()) << life.status().to_string();
    if (life.status().is_ok()) story.check_evidence(disk);
    if (life.status().is_ok()) story.check(life);
    return has_failed;
  });
}

}  // namespace
}  // namespace synod::sim
