// A copy of a store that is begun, given up, and made again, with the power cut and the process killed in every call:
// a start finds it as a whole or not at all, and a sync goes on from there.
#include <gtest/gtest.h>

#include "disk_run.h"
#include "every_cut.h"
#include "mon/daemon/local_sync.h"
#include "mon/daemon/unfinished_copy.h"

namespace synod::sim {
namespace {

constexpr uint64_t value_bytes = 500;
constexpr uint64_t source_commits = 27;

RunHistory& history() { return RunHistory::of(value_bytes); }

const MonitorStore& source() {
  static const std::unique_ptr<MonitorStore> store = [] {
    auto made = std::make_unique<MonitorStore>(make_memory_db());
    EXPECT_TRUE(made->initialize(run_genesis(), monmap_genesis(run_monmap())).is_ok());
    for (uint64_t i = 1; i <= source_commits; ++i) {
      const StoreWrites writes = history().commit(i);
      EXPECT_TRUE(made->commit({&writes}, Durability::visible).is_ok());
    }
    return made;
  }();
  return *store;
}

bool is_copy(const KeyValueDB& db) { return replicated_digest(db) == history().digest(source_commits); }

class CopyStory {
 public:
  // A member has a store, which goes on where a copy of another one was given up; a tool fills an empty directory.
  explicit CopyStory(bool is_member) : is_member_(is_member) {}

  // Until something fails.
  void go(Life& life) {
    life_ = &life;
    if (is_member_) life.form();
    open_store();
    if (!go_on_until(9) || !copy(2) || !give_up() || !go_on_until(18)) return;
    copy(0);
  }

  // A start in which the power fails at some call, or after it. It looks at the copy, or removes it.
  void start_and_cut(MemberDisk& disk, SeededRandom& random) {
    disk.freeze_at_call(disk.changes() + 1 + random.below(30));
    Life life(disk);
    life_ = &life;
    open_store();
    const bool removes = random.chance(50);
    if (life.status().is_ok() && removes) remove(life.home().remove_unfinished());
    if (life.status().is_ok() && !removes) static_cast<void>(life.home().open_unfinished(small_buffers));
    life.cut_power(every_power_cut[random.below(std::size(every_power_cut))], random);
  }

  // What the last start finds, and that a sync comes to its end.
  void finish(MemberDisk& disk) {
    {
      Life life(disk);
      life_ = &life;
      open_store();
      ASSERT_TRUE(life.status().is_ok()) << life.status().to_string();
      if (!is_switched()) go_on();
    }
    if (testing::Test::HasFailure()) return;
    Life life(disk);
    life_ = &life;
    open_store();
    ASSERT_TRUE(life.status().is_ok()) << life.status().to_string();
    EXPECT_TRUE(is_switched());
    const Result<std::optional<StoreHome::NewStore>> left = life.home().open_unfinished(small_buffers);
    EXPECT_TRUE(left && !*left) << "nothing unfinished is left";
  }

 private:
  enum class State {
    begun,     // or not yet
    given_up,  // its removal has begun
    gone,      // and was done
  };

  void open_store() {
    if (!life_->status().is_ok()) return;
    if (life_->home().has_store()) {
      life_->open_store();
    } else {
      life_->open_nothing();
    }
  }
  bool is_switched() { return life_->home().has_store() && is_copy(life_->db()); }

  bool go_on_until(uint64_t last) {
    if (!life_->status().is_ok()) return false;
    if (is_member_) run_.go(life_->engine(), last);
    return run_.failure().is_ok();
  }
  // All of it, or until so many chunks are durable.
  bool copy(uint64_t last_chunk, std::optional<CopyRecord> found = std::nullopt) {
    chunks_ = found ? found->chunks : 0;
    state_ = State::begun;
    CoreOptions options;
    options.sync_chunk_bytes = 3000;
    options.sync_window = 1;
    LocalSync sync(options, {source(), "source"}, {life_->engine(), {}, std::move(found)});
    const Result<bool> is_done = sync.run(last_chunk, [&](const LocalSync::Progress& progress) {
      chunks_ = progress.copy.chunks;
      return true;
    });
    return is_done && *is_done == (last_chunk == 0);
  }
  bool give_up() {
    remove(life_->engine().run(DiscardCopyTask{}).status());
    return state_ == State::gone;
  }
  void remove(const Status& removed) {
    if (state_ != State::gone) state_ = removed.is_ok() ? State::gone : State::given_up;
  }

  void go_on() {
    if (is_member_ && life_->home().has_store()) {
      const uint64_t commits = run_.commits_in(life_->db());
      EXPECT_GE(commits, run_.durable());
      EXPECT_LE(commits, run_.tried());
    }
    std::optional<CopyRecord> found = find();
    if (testing::Test::HasFailure()) return;
    EXPECT_TRUE(copy(0, std::move(found)));
  }
  // As a member that is marked, and as the tool.
  std::optional<CopyRecord> find() {
    Result<std::optional<StoreHome::NewStore>> unfinished = life_->home().open_unfinished(small_buffers);
    EXPECT_TRUE(unfinished) << unfinished.error().to_string();
    if (!unfinished) return std::nullopt;
    if (!*unfinished) {
      EXPECT_TRUE(state_ != State::begun || chunks_ == 0) << "a copy of " << chunks_ << " chunks is lost";
      return std::nullopt;
    }
    EXPECT_NE(state_, State::gone) << "it has come back";
    const Result<std::optional<CopyRecord>> record = decode_copy_record((*unfinished)->record);
    EXPECT_TRUE(record) << record.error().to_string();
    if (!record) return std::nullopt;
    EXPECT_GE(*record ? (*record)->chunks : 0, chunks_);
    if (!*record) return std::nullopt;
    life_->engine().go_on_with(**std::move(unfinished));
    return *record;
  }

  bool is_member_;
  CommitRun run_{source_commits, value_bytes};
  State state_ = State::begun;
  uint64_t chunks_ = 0;  // of the copy, durably
  Life* life_ = nullptr;
};

class UnfinishedStore : public testing::TestWithParam<bool> {};

TEST_P(UnfinishedStore, is_whole_or_not_there_after_one_cut_and_after_more) {
  for_each_cut([&](const Cut& cut) {
    LevelDbDisk disk({.is_strict = cut.is_strict, .seed = cut.call});
    SeededRandom random(cut.call * 4 + static_cast<uint64_t>(cut.mode));
    CopyStory story(GetParam());
    disk.freeze_at_call(cut.call);
    bool was_cut = false;
    {
      Life life(disk);
      story.go(life);
      was_cut = disk.is_frozen();
      life.cut_power(cut.mode, random);
    }
    for (uint64_t again = cut.call % 3; again > 0; --again) story.start_and_cut(disk, random);
    story.finish(disk);
    return was_cut;
  });
}

// The process is killed in the call; the next one starts on what the page cache shows, and then the power fails.
TEST_P(UnfinishedStore, is_whole_or_not_there_after_a_kill_and_cuts_of_the_next_starts) {
  for (const uint64_t round : {0, 1, 2, 3, 4, 5}) {
    for_each_cut([&](const Cut& cut) {
      LevelDbDisk disk({.is_strict = cut.is_strict, .seed = cut.call});
      SeededRandom random(cut.call * 4 + static_cast<uint64_t>(cut.mode) + round * 1000);
      disk.fail({.nth = cut.call, .times = 0});
      bool was_killed = false;
      disk.on_call([&](const DiskEvent& event) { was_killed |= event.error != DiskError::none; });
      CopyStory story(GetParam());
      {
        Life life(disk);
        story.go(life);
      }
      disk.clear_faults();
      for (uint64_t again = (cut.call + round) % 3; again > 0; --again) story.start_and_cut(disk, random);
      story.finish(disk);
      return was_killed;
    });
  }
}

INSTANTIATE_TEST_SUITE_P(, UnfinishedStore, testing::Bool(),
                         [](const auto& tested) { return std::string(tested.param ? "of_a_member" : "of_the_tool"); });

}  // namespace
}  // namespace synod::sim
